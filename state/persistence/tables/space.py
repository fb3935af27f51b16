"""The tables of one space: how changes are applied to them, and what can be read from them.

Not thread-safe, no durability: `layer` sees to both.
"""

from __future__ import annotations

import copy
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise, takewhile
from operator import attrgetter

import msgspec

from state import jsonvalue
from state.persistence.base import SNAPSHOT_EVERY
from state.persistence.tables.changes import Change, Compact, Forget, Put
from state.persistence.tables.rows import (
    ConflictColumns,
    EntryColumns,
    Kept,
    OpColumns,
    StateRow,
    document,
    encode,
    head_of,
)
from state.refusals import Compacted, Damaged, VersionNotFound
from state.values import TERMINAL, Entry, EntryKind, Json, SharedState, SpaceInfo

_revision = attrgetter("columns.revision")
_version = attrgetter("columns.version")

EntryRow = Kept[EntryColumns]
OpRow = Kept[OpColumns]
ConflictRow = Kept[ConflictColumns]


class Tables:
    """Everything of one space, rows by key."""

    def __init__(self, info: SpaceInfo) -> None:
        self.info = info
        self.states: dict[str, StateRow] = {}
        #: Ids of states in their order.
        self.ids: list[str] = []
        #: By (revision, seq), and the same of each state by version; both without gaps.
        self.log: list[EntryRow] = []
        self.entries: dict[str, list[EntryRow]] = {}
        #: Data by state and version.
        self.snapshots: dict[str, dict[int, bytes]] = {}
        #: Bytes of operations since a state's last snapshot.
        self.deltas: dict[str, int] = {}
        self.ops: dict[tuple[str, str], OpRow] = {}
        #: Those of `ops` that wait.
        self.waiting: dict[tuple[str, str], OpRow] = {}
        self.conflicts: dict[str, ConflictRow] = {}
        #: Number n stands at n - 1.
        self.audit: list[bytes] = []
        #: The number that the journal gave out last.
        self.journal = 0

    def copy(self) -> Tables:
        """The tables as they are now; rows are shared, since no row ever changes."""
        twin = copy.copy(self)
        for name, table in vars(self).items():
            if isinstance(table, dict | list):
                setattr(twin, name, table.copy())
        twin.entries = {key: rows.copy() for key, rows in self.entries.items()}
        twin.snapshots = {key: versions.copy() for key, versions in self.snapshots.items()}
        return twin

    # -- changes --------------------------------------------------------------------------------------------------

    def apply(self, change: Change) -> None:
        """Bring the tables to where the change leads. Everything was judged before: this does not fail."""
        match change:
            case Put():
                self._put(change)
            case Forget():
                for key in change.ops:
                    self.ops.pop(key, None)
            case Compact():
                self._compact(change.floor)

    def _put(self, put: Put) -> None:
        for head, data in put.states:
            self._put_state(StateRow(head, data))
        for entry in put.entries:
            self._put_entry(EntryRow(EntryColumns, entry))
        for state_id, version, data in put.snapshots:
            self.snapshots.setdefault(state_id, {})[version] = bytes(data)
        for head, data, entry in put.writes:
            state = StateRow(head, data)
            self._put_state(state)
            self._put_entry(EntryRow(EntryColumns, entry))
            self._snapshot_when_due(state)
        for op in put.ops:
            self._put_op(OpRow(OpColumns, op))
        for conflict in put.conflicts:
            row = ConflictRow(ConflictColumns, conflict)
            self.conflicts[row.columns.conflict_id] = row
        self.audit += map(bytes, put.audit)
        self.journal = max(self.journal, put.journal)
        self.info = put.info or self.info

    def _put_state(self, row: StateRow) -> None:
        key = row.columns.id
        if key not in self.states:
            insort(self.ids, key)
        self.states[key] = row

    def _put_entry(self, row: EntryRow) -> None:
        key = row.columns.state_id
        self.log.append(row)
        self.entries.setdefault(key, []).append(row)
        self.deltas[key] = self.deltas.get(key, 0) + len(bytes(row.columns.ops))

    def _snapshot_when_due(self, row: StateRow) -> None:
        key, version = row.columns.id, row.columns.version
        if version % SNAPSHOT_EVERY == 0 or self.deltas[key] > 2 * len(row.data):
            self.snapshots.setdefault(key, {})[version] = row.data
            self.deltas[key] = 0

    def _put_op(self, row: OpRow) -> None:
        key = (row.columns.agent, row.columns.op_id)
        self.ops[key] = row
        self.journal = max(self.journal, row.columns.n)
        if row.columns.status in TERMINAL:
            self.waiting.pop(key, None)
        else:
            self.waiting[key] = row

    def _compact(self, floor: int) -> None:
        """Give up what lies at or below the floor, keeping of each state its data as of the floor."""
        gone = bisect_right(self.log, floor, key=_revision)
        for key in {row.columns.state_id for row in self.log[:gone]}:
            entries = self.entries[key]
            passed = bisect_right(entries, floor, key=_revision)
            version = entries[passed - 1].columns.version
            kept = self._data_of(key, version)
            later = {v: data for v, data in self.snapshots.get(key, {}).items() if v > version}
            self.snapshots[key] = {version: kept} | later
            self.entries[key] = entries[passed:]
            row = self.states[key]
            state = msgspec.structs.replace(row.state(with_data=False), compacted_version=version)
            self.states[key] = StateRow(head_of(state), row.data)
        self.log = self.log[gone:]
        self.info = msgspec.structs.replace(self.info, compact_revision=floor)

    # -- reading --------------------------------------------------------------------------------------------------

    def version_of(self, state_id: str) -> int:
        """The present version, a tombstone's too; 0 when there never was such a state."""
        row = self.states.get(state_id)
        return row.columns.version if row else 0

    def load(self, state_id: str, *, with_data: bool = True) -> SharedState:
        """A fresh copy of the state. Raises KeyError."""
        return self.states[state_id].state(with_data=with_data)

    def data_at(self, state_id: str, version: int) -> dict[str, Json]:
        """The data as of the version. Raises VersionNotFound, Compacted."""
        row = self.states.get(state_id)
        if row is None or not 1 <= version <= row.columns.version:
            raise VersionNotFound
        oldest = row.columns.compacted_version
        if version < oldest:
            raise Compacted(extra={"compacted_version": oldest, "snapshot": None})
        return document(self._data_of(state_id, version))

    def _data_of(self, state_id: str, version: int) -> bytes:
        """The data as of a version that is still known: from the nearest point before it, replayed."""
        row = self.states[state_id]
        if version == row.columns.version:
            return row.data
        snapshots = self.snapshots.get(state_id, {})
        entries = self.entries.get(state_id, [])
        end = bisect_right(entries, version, key=_version)
        since: list[EntryRow] = []
        known = b"{}"
        for entry in reversed(entries[:end]):
            if entry.columns.version in snapshots:
                known = snapshots[entry.columns.version]
                break
            if entry.columns.kind is EntryKind.DELETE:
                break
            since.append(entry)
            if entry.columns.kind is EntryKind.CREATE:
                break
        else:
            before = version - len(since)
            if before not in snapshots:
                raise Damaged(f"Version {before} of state {state_id!r} is missing.")
            known = snapshots[before]
        if not since:
            return known
        data = document(known)
        for entry in reversed(since):
            data = jsonvalue.apply(data, entry.read(Entry).ops)
        return bytes(encode(data))

    def states_after(self, after: str, prefix: str) -> Iterator[StateRow]:
        """The states with that prefix and an id after `after`, by id."""
        start = max(bisect_right(self.ids, after), bisect_left(self.ids, prefix))
        ids = (self.ids[place] for place in range(start, len(self.ids)))
        return (self.states[key] for key in takewhile(lambda key: key.startswith(prefix), ids))

    def entries_between(
        self, state_id: str, after: int, until: int | None, limit: int
    ) -> list[EntryRow]:
        """The state's entries with after < version <= until, ascending."""
        entries = self.entries.get(state_id, [])
        first = bisect_right(entries, after, key=_version)
        end = len(entries) if until is None else bisect_right(entries, until, key=_version)
        return entries[first : min(end, first + limit)]

    def entries_before(self, state_id: str, before: int | None, limit: int) -> list[EntryRow]:
        """The state's newest entries with a version < before, descending."""
        entries = self.entries.get(state_id, [])
        end = len(entries) if before is None else bisect_left(entries, before, key=_version)
        return entries[max(0, end - limit) : end][::-1]

    def log_after(self, after: int, limit: int) -> tuple[list[EntryRow], bool]:
        """Whole revisions after `after`, about `limit` entries and at least one revision; whether more follow."""
        first = bisect_right(self.log, after, key=_revision)
        end = first + limit
        if end >= len(self.log):
            return self.log[first:], False
        cut = self.log[end].columns.revision
        end = bisect_left(self.log, cut, key=_revision)
        if end == first:  # the first revision alone is longer than the limit
            end = bisect_right(self.log, cut, key=_revision)
        return self.log[first:end], end < len(self.log)

    def oldest_within(self, at: datetime) -> int:
        """The revision of the newest entry committed before `at`; 0: none."""
        earlier = (row.columns.revision for row in reversed(self.log) if row.columns.at < at)
        return next(earlier, 0)

    def is_whole(self) -> bool:
        """Whether log and versions have no gaps, as every commit leaves them."""
        revisions = [row.columns.revision for row in self.log]
        return all(b - a in (0, 1) for a, b in pairwise(revisions)) and all(
            b.columns.version - a.columns.version == 1
            for rows in self.entries.values()
            for a, b in pairwise(rows)
        )
