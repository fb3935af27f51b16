"""Lists and gauges over the tables of a space."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from state.persistence.tables.rows import StateColumns
from state.persistence.tables.space import ConflictRow, OpRow, Tables
from state.values import (
    ConflictStatus,
    Filters,
    OperationStatus,
    OpRecord,
    PendingOperation,
    SharedState,
    StatePage,
    SyncStatus,
    searched,
)
from state.values.pending import SHOWN, pending_of

GAUGES = ("total_states", "active_states", "pending_operations", "open_conflicts")


def page(tables: Tables, filters: Filters, limit: int, after: str, *, with_data: bool) -> StatePage:
    """The next page of states that pass the filters."""
    lanes: defaultdict[str, list[OpRow]] = defaultdict(list)
    for op in waiting(tables, None):
        lanes[op.columns.state_id].append(op)
    open_ = {row.columns.state_id for row in conflicts(tables, ConflictStatus.OPEN, None)}
    found: list[SharedState] = []
    for row in tables.states_after(after, filters.prefix):
        key = row.columns.id
        status = _status(lanes.get(key, ()), key in open_)
        if not _passes(row.columns, status, filters):
            continue
        if len(found) == limit:
            return StatePage(
                states=tuple(found),
                revision=tables.info.revision,
                next=found[-1].id if found else after,
            )
        found.append(
            msgspec.structs.replace(
                row.state(with_data=with_data),
                sync_status=status,
                pending_ops=_pending(lanes.get(key, ())),
            )
        )
    return StatePage(states=tuple(found), revision=tables.info.revision)


def _passes(state: StateColumns, status: SyncStatus, filters: Filters) -> bool:
    text = searched(state.id, state.name, state.tags, state.owners) if filters.text else ""
    return (
        state.deleted == filters.deleted
        and filters.type in (None, state.type)
        and (not filters.owners or not set(filters.owners).isdisjoint(state.owners))
        and (not filters.tags or not set(filters.tags).isdisjoint(state.tags))
        and (filters.updated_since is None or state.timestamp >= filters.updated_since)
        and filters.sync_status in (None, status)
        and all(word in text for word in filters.words)
    )


def _status(lane: Sequence[OpRow], conflict: bool) -> SyncStatus:
    """The most pressing first."""
    if conflict:
        return SyncStatus.CONFLICT
    if any(op.columns.error for op in lane):
        return SyncStatus.ERROR
    if any(op.columns.status is OperationStatus.APPLYING for op in lane):
        return SyncStatus.SYNCING
    return SyncStatus.PENDING if lane else SyncStatus.SYNCED


def _pending(lane: Sequence[OpRow]) -> tuple[PendingOperation, ...]:
    shown = (each for row in lane for each in pending_of(row.read(OpRecord)))
    return tuple(each for each, _ in zip(shown, range(SHOWN), strict=False))


def waiting(tables: Tables, state_id: str | None) -> list[OpRow]:
    """What waits in the journal, in the order of its numbers."""
    return sorted(
        (row for row in tables.waiting.values() if state_id in (None, row.columns.state_id)),
        key=lambda row: row.columns.n,
    )


def conflicts(
    tables: Tables, status: ConflictStatus | None, state_id: str | None
) -> list[ConflictRow]:
    """Parked conflicts, newest first."""
    found = [
        row
        for row in tables.conflicts.values()
        if status in (None, row.columns.status) and state_id in (None, row.columns.state_id)
    ]
    found.reverse()  # the sort keeps the order of those made at one moment
    return sorted(found, key=lambda row: row.columns.created_at, reverse=True)


def gauges(tables: Tables) -> dict[str, int]:
    """The space's part of each of GAUGES."""
    numbers = (
        len(tables.states),
        sum(not row.columns.deleted for row in tables.states.values()),
        len(tables.waiting),
        sum(row.columns.status is ConflictStatus.OPEN for row in tables.conflicts.values()),
    )
    return dict(zip(GAUGES, numbers, strict=True))
