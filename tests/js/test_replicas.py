"""The page's replica, given what the server sends, holds what the server holds: documents of any shape."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

from state import jsonvalue
from state.jsonvalue import Inapplicable
from state.sync import protocol
from state.values import EntryKind, Operation, OperationType
from tests.js.node import run

KEYS = ["a", "b", "a/b", "~", "", "__proto__", "constructor", "7", "-", "é"]
VALUES: list[Any] = [None, True, 0, -1, 9007199254740993, 0.5, 1e300, "", "x", {}, [], [1, [2]]]
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def document(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    """An object of a few members."""
    return {key: value(chance, depth) for key in chance.sample(KEYS, chance.randrange(5))}


def value(chance: random.Random, depth: int) -> Any:
    if depth < 3 and chance.random() < 0.5:
        if chance.random() < 0.5:
            return document(chance, depth + 1)
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return chance.choice(VALUES)


def path(chance: random.Random, node: Any) -> str:
    """One that leads somewhere in the document, or one step beyond."""
    found = ""
    while chance.random() < 0.8 and isinstance(node, dict | list):
        if isinstance(node, list):
            token = chance.choice([*map(str, range(len(node))), "-"])
            node = node[int(token)] if token != "-" else None
        else:
            token = chance.choice([*node, *KEYS])
            node = node.get(token)
        found += "/" + jsonvalue.escape(token)
    return found


def session(seed: int) -> tuple[list[str], dict[str, Any]]:
    """Frames of one state's life, and the document at its end."""
    chance = random.Random(seed)
    data: Any = document(chance)
    state = protocol.SnapState("plan", "u", 1, 1, data)
    frames: list[Any] = [
        protocol.Snap(sub=1, part=1, last=True, rev=1, states=(state,)),
        protocol.Mark(sub=1, prev=1, rev=1, token="t1", synced=True),
    ]
    rev = 1
    for _ in range(20):
        ops = []
        for _ in range(chance.randrange(1, 4)):
            kind = chance.choice(list(OperationType)[:3])
            at = path(chance, data)
            new = value(chance, 0) if at else document(chance)
            op = Operation(kind, at) if kind is OperationType.DELETE else Operation(kind, at, new)
            try:
                data = jsonvalue.apply(data, [op])
            except Inapplicable:
                continue
            ops.append(op)
        entry = protocol.WireEntry(
            id="plan",
            uid="u",
            rev=rev + 1,
            pv=rev,
            v=rev + 1,
            kind=EntryKind.UPDATE,
            by="agent:w",
            at=AT,
            ops=tuple(ops),
        )
        token = f"t{rev + 1}"
        frames.append(
            protocol.Delta(sub=1, prev=rev, rev=rev + 1, token=token, synced=True, entries=(entry,))
        )
        rev += 1
    return [protocol.encode(frame) for frame in frames], data


def test_documents_of_any_shape_are_followed() -> None:
    sessions = [session(seed) for seed in range(150)]
    frames = ",".join(f"[{','.join(frames)}]" for frames, _ in sessions)
    done = run("replicas.mjs", stdin=f"[{frames}]")
    assert done.returncode == 0, done.stderr
    for number, ((_, wanted), found) in enumerate(
        zip(sessions, json.loads(done.stdout), strict=True)
    ):
        assert (found["lost"], found["revision"], found["token"]) == (False, 21, "t21"), number
        assert jsonvalue.json_equal(found["states"]["plan"]["data"], wanted), number
