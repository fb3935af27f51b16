"""Reads that think: what changed between two versions, and who wrote what stands."""

from __future__ import annotations

from collections.abc import Iterator

from state import jsonvalue
from state.manager.answers import Change
from state.persistence.base import PersistenceLayer
from state.values import Blame, Entry, Json, OperationType, SharedState


def changes(old: dict[str, Json], new: dict[str, Json]) -> tuple[Change, ...]:
    """What differs, by path: arrays as a whole, objects key by key."""
    found = []
    for op in jsonvalue.diff(old, new):
        before, after = jsonvalue.get(old, op.path), jsonvalue.get(new, op.path)
        if op.op is OperationType.DELETE:
            found.append(Change(path=op.path, kind="removed", old=before))
        elif before is jsonvalue.MISSING:
            found.append(Change(path=op.path, kind="added", new=after))
        else:
            found.append(Change(path=op.path, kind="changed", old=before, new=after))
    return tuple(found)


def blame(store: PersistenceLayer, state: SharedState) -> dict[str, Blame]:
    """For every leaf of the document (empty containers count): who wrote it last, from the newest entry back.

    Stops when all leaves are explained. What history no longer tells is left out. An array that was inserted into or
    shortened counts as written whole, since its indices moved.
    """
    unexplained = set(leaves(state.data))
    found: dict[str, Blame] = {}
    for entry in _backwards(store, state):
        if not unexplained:
            break
        for path in written(entry):
            mine = {leaf for leaf in unexplained if _within(leaf, path)}
            for leaf in mine:
                found[leaf] = Blame(entry.agent, entry.version, entry.at)
            unexplained -= mine
        if entry.version == 1 or entry.kind == "create":
            break
    return dict(sorted(found.items()))


def leaves(value: Json, path: str = "") -> Iterator[str]:
    """The pointers of all scalars and empty containers."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, path + jsonvalue.pointer((key,)))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}/{index}")
    else:
        yield path


def _within(leaf: str, path: str) -> bool:
    return not path or leaf == path or leaf.startswith(path + "/")


def written(entry: Entry) -> list[str]:
    """Where the entry wrote, latest first; an append or removal in an array counts as the array."""
    found = []
    for op in reversed(entry.ops):
        if op.op is OperationType.MERGE and isinstance(op.value, dict):
            found += [op.path + leaf for leaf in leaves(op.value)]
        elif op.path.endswith("/-") or (
            op.op is OperationType.DELETE and op.path.rpartition("/")[2].isdigit()
        ):
            found.append(op.path.rpartition("/")[0])
        else:
            found.append(op.path)
    return found


def _backwards(store: PersistenceLayer, state: SharedState) -> Iterator[Entry]:
    before = state.version + 1
    while True:
        page = store.latest(state.space, state.id, before=before, limit=100)
        yield from page
        if len(page) < 100:
            return
        before = page[-1].version
