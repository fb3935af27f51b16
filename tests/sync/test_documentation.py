"""docs/sync-protocol.md and its AsyncAPI file say what the code does: every frame, field, reason and code."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import msgspec
import pytest
import yaml
from django.conf import settings

from stars_site.management.commands import asyncapi
from state.errors import StarsError
from state.sync import protocol
from state.sync.changes import Changes
from state.sync.protocol import limits, refusals
from state.sync.tasks.messages import Message

PAGE = (Path(settings.BASE_DIR) / "docs" / "sync-protocol.md").read_text()
EXAMPLES = re.findall(r"^([→←]) (\{.*\})$", PAGE, re.MULTILINE)
#: Rows of tables: the cells of each.
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ")
]
CODES = [
    limits.NOT_AUTHENTICATED,
    limits.DENIED,
    limits.SLOW,
    limits.SUPERSEDED,
    limits.HEARTBEAT,
    limits.BROKEN,
    limits.RESTART,
    limits.AWAY,
]


def documented(section: str) -> dict[str, set[str]]:
    """Frame -> its fields, in the tables of that section."""
    text = PAGE.split(f"## {section}\n")[1].split("\n## ")[0].split("\nAn entry is")[0]
    found: dict[str, set[str]] = {}
    frame = ""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("| ") or cells[0] == "frame":
            continue
        named = re.findall(r"`(\w+)`", cells[0])
        frame = named[0] if named else frame
        # The bar before an empty first cell is one with its separator.
        fields = cells[1] if named else line.strip("| ").split(" | ")[0]
        found.setdefault(frame, set()).update(re.findall(r"`(\w+)`", fields))
    return found


@pytest.mark.parametrize(
    ("section", "union"),
    [
        ("Frames that you send", protocol.ClientFrame),
        ("Frames that you get", protocol.ServerFrame),
    ],
)
def test_every_field_of_every_frame_is_told_of(section: str, union: Any) -> None:
    told = documented(section)
    for frame in get_args(union):
        info = msgspec.inspect.type_info(frame)
        assert isinstance(info, msgspec.inspect.StructType)
        fields = {each.encode_name for each in info.fields}
        # What goes with `synced` and friends of `mark` is told there; `error` names sub and op_id below its row.
        known = told[str(info.tag)] | {"sub", "op_id"}
        assert fields - known == set(), info.tag
        assert told[str(info.tag)] - fields == set(), info.tag


def test_every_field_of_entries_and_states_is_told_of() -> None:
    entry = PAGE.split("An entry is one change")[1].split("\n## ")[0]
    assert set(protocol.WireEntry.__struct_fields__) == set(
        re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.*?) \|", entry, re.MULTILINE)))
    )
    state = next(line for line in PAGE.splitlines() if line.startswith("| | `states` | each `id`"))
    assert all(f"`{each}`" in state for each in protocol.SnapState.__struct_fields__)
    for each in (*Message.__struct_fields__, *Changes.__struct_fields__):
        assert each in {"reset", "task"} or f'"{each}"' in PAGE or f"`{each}`" in PAGE, each


@pytest.mark.parametrize(("way", "text"), EXAMPLES)
def test_every_example_is_a_frame(way: str, text: str) -> None:
    if way == "→":
        frame: Any = protocol.parse(text)
    else:
        frame = protocol.parse_server(text)
    # Nothing is in it that the frame does not know, and defaults are left out (but for what is null on purpose).
    given = {name: value for name, value in json.loads(text).items() if value is not None}
    again = json.loads(protocol.encode(frame))
    assert {name: value for name, value in again.items() if value is not None} == given


def test_there_are_examples_of_all_that_matters() -> None:
    kinds = {(way, json.loads(text)["t"]) for way, text in EXAMPLES}
    assert {kind for way, kind in kinds if way == "→"} == {
        str(each.__struct_config__.tag) for each in get_args(protocol.ClientFrame)
    }
    assert {kind for way, kind in kinds if way == "←"} == {
        str(each.__struct_config__.tag) for each in get_args(protocol.ServerFrame)
    }


def test_every_reason_and_every_code_is_told_of() -> None:
    classes = [
        each
        for _, each in inspect.getmembers(refusals, inspect.isclass)
        if issubclass(each, StarsError) and each.__module__ == refusals.__name__
    ]
    assert len(classes) > 10
    rows = {row[0].strip("`"): row[1] for row in ROWS if len(row) == 3}
    assert {each.reason: str(each.status) for each in classes}.items() <= rows.items()
    closed = {row[0] for row in ROWS}
    assert {str(code) for code in CODES} <= closed
    assert {f"`{each}`" for each in get_args(protocol.ResetReason)} <= closed
    assert set(CODES) == set(asyncapi.CLOSES)


@pytest.mark.parametrize(
    "number",
    [limits.MAX_FRAME, limits.MAX_GREETING, limits.MAX_PATTERNS, limits.COMPRESS_FROM],
)
def test_limits_are_those_of_the_code(number: int) -> None:
    assert f"{number:,}" in PAGE


def test_the_asyncapi_file_is_up_to_date() -> None:
    assert asyncapi.PATH.read_text() == asyncapi.text(), "run `manage.py asyncapi`"


def refs(value: Any) -> Iterator[str]:
    """Every reference within the document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from refs(each)


def test_the_asyncapi_file_leads_everywhere_it_points() -> None:
    document = yaml.safe_load(asyncapi.PATH.read_text())
    assert document["asyncapi"] == "3.0.0"
    found = set(refs(document))
    assert len(found) > 40
    for each in found:
        node = document
        for part in each.removeprefix("#/").split("/"):
            node = node[part]
    for operation in document["operations"].values():
        channel = operation["channel"]["$ref"]
        # AsyncAPI 3.0.0, Operation Object: messages are those of the operation's channel.
        assert all(m["$ref"].startswith(f"{channel}/messages/") for m in operation["messages"])
    used = found & {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert len(used) == len(document["components"]["schemas"])


@pytest.mark.parametrize(("way", "text"), EXAMPLES)
def test_the_asyncapi_file_describes_every_example(way: str, text: str) -> None:
    components = asyncapi.document()["components"]
    frames = asyncapi.CLIENT if way == "→" else asyncapi.SERVER
    kind = json.loads(text)["t"]
    name = next(each.__name__ for each in frames if each.__struct_config__.tag == kind)
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    checker = jsonschema.Draft202012Validator(schema)
    assert list(checker.iter_errors(json.loads(text))) == []
    assert list(checker.iter_errors({**json.loads(text), "t": "other"})) != []
