"""Standard patches as operations: JSON Patch (RFC 6902), JSON Merge Patch (RFC 7386) and whole documents."""

from __future__ import annotations

from typing import NoReturn, TypeAlias

from state.errors import Invalid
from state.jsonvalue import (
    APPEND,
    MISSING,
    apply,
    follow,
    index_of,
    json_equal,
    overlap,
    parse,
    pointer,
    write_set,
)
from state.refusals import Unprocessable
from state.values import Json, Operation, OperationType

#: Paths and the values that must stand there, in the document before the patch.
Preconditions: TypeAlias = tuple[tuple[str, Json], ...]
#: What each operation of a JSON Patch needs beside `op` and `path`.
_MEMBERS = {
    "add": "value",
    "remove": "",
    "replace": "value",
    "move": "from",
    "copy": "from",
    "test": "value",
}


def from_put(document: Json) -> tuple[Operation, ...]:
    """Replace the whole document. Raises Unprocessable."""
    if not isinstance(document, dict):
        raise Unprocessable(fields={"": ["A document is an object."]})
    return (Operation(OperationType.SET, "", document),)


def from_merge_patch(patch: Json) -> tuple[Operation, ...]:
    """A JSON Merge Patch of the whole document. Raises Unprocessable."""
    if not isinstance(patch, dict):
        raise Unprocessable(fields={"": ["A merge patch is an object."]})
    return (Operation(OperationType.MERGE, "", patch),)


def from_json_patch(patch: Json, data: Json) -> tuple[Preconditions, tuple[Operation, ...]]:
    """A JSON Patch for the document `data`: what its tests demand of it, and the operations.

    An insertion into an array (and what is moved there) sets the whole array, so the operations hold for `data`
    only. A test of what the patch itself wrote is judged at once. Raises Unprocessable; fields like `[2].path`.
    """
    if not isinstance(patch, list):
        raise Unprocessable(fields={"": ["A JSON Patch is an array of operations."]})
    translation = _Translation(data)
    for number, item in enumerate(patch):
        try:
            translation.add(item)
        except _Fault as fault:
            member = f".{fault.member}" if fault.member else ""
            raise Unprocessable(fields={f"[{number}]{member}": [str(fault)]}) from None
    return tuple(translation.preconditions), tuple(translation.ops)


class _Fault(Exception):
    """What is wrong with one operation of the patch."""

    def __init__(self, member: str, sentence: str) -> None:
        self.member = member
        super().__init__(sentence)


class _Translation:
    """The patch so far: the document after it, and the operations that lead there."""

    def __init__(self, data: Json) -> None:
        self.now = data
        self.ops: list[Operation] = []
        self.preconditions: list[tuple[str, Json]] = []
        self._written: set[str] = set()

    def add(self, item: Json) -> None:
        """Translate one operation."""
        name = item.get("op") if isinstance(item, dict) else None
        if not isinstance(name, str) or name not in _MEMBERS:
            raise _Fault("op", "An operation is one of " + ", ".join(_MEMBERS) + ".")
        tokens = _tokens(item, "path")
        needed = _MEMBERS[name]
        if needed and needed not in item:
            raise _Fault(needed, f"{name} needs “{needed}”.")
        if name == "add":
            self._add(tokens, item["value"])
        elif name == "remove":
            self._found(tokens, "path")
            self._do(OperationType.DELETE, tokens)
        elif name == "replace":
            self._found(tokens, "path")
            self._do(OperationType.SET, tokens, item["value"])
        elif name == "test":
            self._test(tokens, item["value"])
        else:
            self._carry(name, _tokens(item, "from"), tokens)

    def _found(self, tokens: tuple[str, ...], member: str) -> Json:
        value = follow(self.now, tokens)
        if value is MISSING:
            raise _Fault(member, "There is nothing at this path.")
        return value

    def _add(self, tokens: tuple[str, ...], value: Json) -> None:
        if not tokens:
            self._do(OperationType.SET, tokens, value)
            return
        parent = follow(self.now, tokens[:-1])
        if isinstance(parent, dict):
            self._do(OperationType.SET, tokens, value)
        elif isinstance(parent, list):
            last = tokens[-1]
            index = len(parent) if last == APPEND else index_of(last)
            if index is None or index > len(parent):
                raise _Fault("path", f"The array has {len(parent)} elements.")
            if index == len(parent):
                self._do(OperationType.SET, (*tokens[:-1], APPEND), value)
            else:
                inserted = [*parent[:index], value, *parent[index:]]
                self._do(OperationType.SET, tokens[:-1], inserted)
        else:
            raise _Fault("path", "There is nothing to add to at this path.")

    def _carry(self, name: str, source: tuple[str, ...], target: tuple[str, ...]) -> None:
        value = self._found(source, "from")
        if name == "move":
            if source == target:
                return
            if target[: len(source)] == source:
                raise _Fault("path", "Nothing can be moved into itself.")
            self._do(OperationType.DELETE, source)
        self._add(target, value)

    def _test(self, tokens: tuple[str, ...], value: Json) -> None:
        path = pointer(tokens)
        if any(overlap(path, written) for written in self._written):
            if not json_equal(follow(self.now, tokens), value):
                raise _Fault("value", "This test fails in the middle of the patch.")
        else:
            self.preconditions.append((path, value))

    def _do(self, op: OperationType, tokens: tuple[str, ...], value: Json = MISSING) -> None:
        if not tokens and not isinstance(value, dict):
            _refuse_root()
        path = pointer(tokens)
        operation = Operation(op, path) if value is MISSING else Operation(op, path, value)
        self._written |= write_set([operation], self.now)
        self.now = apply(self.now, [operation])
        self.ops.append(operation)


def _refuse_root() -> NoReturn:
    raise _Fault("path", "The whole document is an object and stays one.")


def _tokens(item: dict[str, Json], member: str) -> tuple[str, ...]:
    path = item.get(member)
    if not isinstance(path, str):
        raise _Fault(member, "Say which path.")
    try:
        return parse(path)
    except Invalid as refused:
        raise _Fault(member, refused.message) from None
