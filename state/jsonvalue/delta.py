"""The difference of two documents as operations: `set` and `delete` only, arrays replaced whole."""

from __future__ import annotations

from collections.abc import Iterator

from state.jsonvalue.domain import json_equal
from state.jsonvalue.pointers import MISSING, escape
from state.values import Json, Operation, OperationType


def diff(a: Json, b: Json) -> tuple[Operation, ...]:
    """What makes `b` of `a`, in the order of the paths' keys: `apply(a, diff(a, b))` equals `b`."""
    return tuple(_changes(a, b, ""))


def _changes(a: Json, b: Json, path: str) -> Iterator[Operation]:
    if not (isinstance(a, dict) and isinstance(b, dict)):
        if not json_equal(a, b):
            yield Operation(OperationType.SET, path, b)
        return
    changed = (
        key
        for key in a.keys() | b.keys()
        if not json_equal(a.get(key, MISSING), b.get(key, MISSING))
    )
    for key in sorted(changed):
        below = f"{path}/{escape(key)}"
        if key not in b:
            yield Operation(OperationType.DELETE, below)
        elif key not in a:
            yield Operation(OperationType.SET, below, b[key])
        else:
            yield from _changes(a[key], b[key], below)
