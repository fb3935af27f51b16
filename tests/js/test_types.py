"""The types that scripts are checked by say what the server sends."""

from __future__ import annotations

import re
from typing import Final

import msgspec
import pytest

from groups.events import CATALOGUE
from groups.execution.statuses import RunStatus, SubtaskKind, SubtaskStatus
from tests.js.node import HERE

TYPES: Final = (HERE.parent.parent / "static" / "js" / "types.d.ts").read_text()


def payloads() -> dict[str, set[str]]:
    """Event type -> names of its data, as the interface `Payloads` has them."""
    body = TYPES.partition("export interface Payloads {\n")[2].partition("\n}\n")[0]
    found = re.findall(r'^  "([\w.]+)": \{(.*?)\};$', body, re.DOTALL | re.MULTILINE)
    return {name: set(re.findall(r"(\w+)\??: ", fields)) for name, fields in found}


def test_each_event_is_typed_with_its_data() -> None:
    assert payloads() == {
        name: {field.name for field in msgspec.structs.fields(kind)}
        for name, kind in CATALOGUE.items()
    }


@pytest.mark.parametrize("name", ["RunStatus", "SubtaskStatus", "SubtaskKind"])
def test_statuses_and_kinds_are_those_of_the_engine(name: str) -> None:
    words = {"RunStatus": RunStatus, "SubtaskStatus": SubtaskStatus, "SubtaskKind": SubtaskKind}
    union = re.search(rf"export type {name} =(.*?);", TYPES, re.DOTALL)
    assert union is not None
    assert set(re.findall(r'"(\w+)"', union[1])) == set(words[name])
