"""The language of changes (shared-state 1.3): applying operations, and the paths that they write."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

from state.jsonvalue.pointers import APPEND, MISSING, escape, follow, index_of, parse, pointer
from state.refusals import Unprocessable
from state.values import Json, Operation, OperationType


class Inapplicable(Unprocessable):
    """This operation does not fit the document."""

    def __init__(self, path: str, why: str, number: int = 0) -> None:
        """`path` and `why`, and which of the operations it is (from 0)."""
        self.path = path
        self.why = why
        self.number = number
        super().__init__(f"{path or 'The document'}: {why}", fields={f"ops[{number}].path": [why]})


def rfc7386(target: Json, patch: Json) -> Json:
    """JSON Merge Patch (RFC 7386, 2), as a new value; `target` may be MISSING."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = rfc7386(merged.get(key, MISSING), value)
    return merged


def apply(data: Json, ops: Iterable[Operation]) -> Json:
    """The document after these operations, in order; `data` stays as it is, untouched parts are shared.

    `cas` writes like `set` (conditions are judged elsewhere); `delete` of the whole leaves {}; `merge` of null
    removes, as it does within an object; an append where nothing stands begins an array. Raises Inapplicable.
    """
    draft = _Draft(data)
    for number, op in enumerate(ops):
        draft.do(op, number)
    return draft.data


class _Draft:
    """A document under change: containers on the way to a change are copied, once each."""

    def __init__(self, data: Json) -> None:
        self.data = data
        #: Containers that are ours; kept alive, so that no other one can get their id.
        self._ours: dict[int, Json] = {}

    def do(self, op: Operation, number: int) -> None:
        tokens = parse(op.path)
        try:
            if op.op == OperationType.DELETE:
                self._delete(tokens)
                return
            value = op.value
            if op.op == OperationType.MERGE:
                if value is None and tokens:
                    self._delete(tokens)
                    return
                value = rfc7386(follow(self.data, tokens), value)
            self._set(tokens, value)
        except _Misfit as misfit:
            raise Inapplicable(op.path, str(misfit), number) from None

    def _own(self, node: Json) -> Json:
        if id(node) in self._ours:
            return node
        copy = node.copy()
        self._ours[id(copy)] = copy
        return copy

    def _set(self, tokens: tuple[str, ...], value: Json) -> None:
        if not tokens:
            if not isinstance(value, dict):
                raise _Misfit("The whole document is an object.")
            self.data = value
            return
        node = self.data = self._own(self.data)
        for depth, token in enumerate(tokens[:-1]):
            following = tokens[depth + 1]
            if isinstance(node, list):
                place: Json = _place(node, token)
                child = node[place]
            else:
                place = token
                last = depth + 2 == len(tokens)
                child = node.get(token, [] if last and following == APPEND else {})
            if not isinstance(child, dict | list):
                _refuse_scalar(tokens[: depth + 1])
            node[place] = self._own(child)
            node = node[place]
        if isinstance(node, dict):
            node[tokens[-1]] = value
        elif tokens[-1] == APPEND:
            node.append(value)
        else:
            node[_place(node, tokens[-1])] = value

    def _delete(self, tokens: tuple[str, ...]) -> None:
        if not tokens:
            self.data = {}
            return
        if follow(self.data, tokens) is MISSING:
            return
        node = self.data = self._own(self.data)
        for token in tokens[:-1]:
            place: Json = int(token) if isinstance(node, list) else token
            node[place] = self._own(node[place])
            node = node[place]
        del node[int(tokens[-1]) if isinstance(node, list) else tokens[-1]]


class _Misfit(Exception):
    """Why an operation does not fit."""


def _refuse_scalar(tokens: tuple[str, ...]) -> NoReturn:
    raise _Misfit(f"{pointer(tokens)} holds a value that has nothing under it.")


def _place(node: list[Json], token: str) -> int:
    index = index_of(token)
    if index is None:
        raise _Misfit(f"{token[:40]!r} is no index of an array.")
    if index >= len(node):
        raise _Misfit(f"The array has {len(node)} elements; there is no index {index}.")
    return index


# -- what is written ------------------------------------------------------------------------------------------------


def write_set(ops: Sequence[Operation], data: Json = MISSING) -> frozenset[str]:
    """The paths that the operations write (shared-state 1.3), `data` being the document they are applied to.

    Removing an element moves those after it, which writes the whole array. Without `data` it is unknown what is
    an array, and removals of what may be an element count as such. Operations that do not fit count as written.
    """
    draft = _Draft({} if data is MISSING else data)
    found: set[str] = set()
    for number, op in enumerate(ops):
        tokens = parse(op.path)
        if data is MISSING:
            found |= set(_written(op, tokens, MISSING, MISSING))
            continue
        parent = follow(draft.data, tokens[:-1]) if tokens else MISSING
        found |= set(_written(op, tokens, parent, follow(draft.data, tokens)))
        try:
            draft.do(op, number)
        except Inapplicable:
            continue
    return frozenset(found)


def _written(op: Operation, tokens: tuple[str, ...], parent: Json, target: Json) -> Iterator[str]:
    """`parent` and `target` are what stands above and at the path; MISSING: nothing, or unknown."""
    last = tokens[-1] if tokens else ""
    above = pointer(tokens[:-1])
    removes = op.op == OperationType.DELETE or (op.op == OperationType.MERGE and op.value is None)
    if removes and index_of(last) is not None and not isinstance(parent, dict):
        yield above if parent is MISSING or target is not MISSING else op.path
    elif last == APPEND and isinstance(parent, dict):
        # A key that looks like an append: two of them do collide, so the object above stands for it.
        yield above
    elif op.op == OperationType.MERGE:
        yield from _merged(op.value, target, op.path)
    else:
        yield op.path


def _merged(patch: Json, target: Json, path: str) -> Iterator[str]:
    """The leaf paths of a merge patch; what it replaces whole (an array, a scalar) is one of them."""
    into_object = target is MISSING or isinstance(target, dict)
    if not isinstance(patch, dict) or not patch or not into_object or APPEND in patch:
        yield path
    else:
        for key, value in patch.items():
            below = MISSING if target is MISSING else target.get(key, MISSING)
            yield from _merged(value, below, f"{path}/{escape(key)}")


def leaves(value: Json, path: str = "") -> Iterator[str]:
    """Pointers of the innermost members of objects; arrays, scalars and {} are leaves."""
    if isinstance(value, dict) and value:
        for key, child in value.items():
            yield from leaves(child, f"{path}/{escape(key)}")
    else:
        yield path
