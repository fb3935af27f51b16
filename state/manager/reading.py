"""Reads that think: what changed between two versions, and who wrote what stands."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice
from typing import Final

from state import jsonvalue
from state.manager.answers import Change
from state.persistence.base import PersistenceLayer
from state.values import Blame, Entry, EntryKind, Json, OperationType, SharedState

#: Leaves of a document of which is told who wrote them: the first ones.
LEAVES: Final = 10_000
#: Entries in which that is looked for: the newest ones.
ENTRIES: Final = 2_000


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

    Stops when all leaves are explained. What history no longer tells, and what lies beyond LEAVES and ENTRIES, is left
    out. An array that was inserted into or shortened counts as written whole, since its indices moved.
    """
    unexplained = sorted(islice(leaves(state.data), LEAVES))
    found: dict[str, Blame] = {}
    for entry in islice(_backwards(store, state), ENTRIES):
        if not unexplained or entry.uid != state.uid:
            break
        blamed = Blame(entry.agent, entry.version, entry.at, run_of(entry))
        for path in written(entry):
            for leaf in _taken(unexplained, path):
                found[leaf] = blamed
        if entry.kind is EntryKind.CREATE:
            break
    return dict(sorted(found.items()))


def run_of(entry: Entry) -> str:
    """The id of the run in which it was written, as its writer noted; "" when it was none."""
    run = entry.metadata.get("run", "")
    return run if isinstance(run, str) else ""


def entry_at(store: PersistenceLayer, state: SharedState, version: int) -> Entry | None:
    """The version's entry; the one after it where only the snapshot is kept, at the floor; else None."""
    found = store.history(state.space, state.id, after=version - 1, until=version + 1, limit=1)
    return found[0] if found else None


def of_this_life(state: SharedState, version: int, entry: Entry | None) -> bool:
    """Whether that version, of which `entry_at` found `entry`, belongs to the life that the state lives now.

    True, too, where there is no such version (any more): asking for it tells why.
    """
    if entry is None:
        return True
    begins = entry.version != version and entry.kind is EntryKind.CREATE
    return entry.uid == state.uid and not begins


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


def _taken(sorted_leaves: list[str], path: str) -> list[str]:
    """Take the leaves at or under that path out of the list."""
    if not path:
        found = sorted_leaves[:]
        sorted_leaves.clear()
        return found
    found = []
    # All that begins with "/a/" stands from "/a/" up to "/a0", the character after the slash.
    under = (path + "/", path + chr(ord("/") + 1))
    for first, last in (under, (path, path + "\0")):
        start, end = bisect_left(sorted_leaves, first), bisect_left(sorted_leaves, last)
        found += sorted_leaves[start:end]
        del sorted_leaves[start:end]
    return found


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
