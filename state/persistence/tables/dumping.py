"""Tables as the rows of a backup, and back: `value` is the kept value's JSON, of whatever layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from state.persistence.tables.changes import Put
from state.persistence.tables.rows import document, encode, head_of
from state.persistence.tables.space import Tables
from state.refusals import Damaged
from state.values import (
    AuditRecord,
    ConflictRecord,
    Entry,
    OpRecord,
    Row,
    SharedState,
    Snapshot,
    SpaceInfo,
)


def rows_of(tables: Tables) -> Iterator[Row]:
    """Everything, the space's own row first. The tables must not change meanwhile."""
    yield Row(kind="space", value=msgspec.to_builtins(tables.info))
    for state_id in tables.ids:
        yield _row("state", msgspec.to_builtins(tables.load(state_id)))
    for entry in tables.log:
        yield _row("entry", msgspec.json.decode(entry.raw))
    for state_id, versions in tables.snapshots.items():
        for version, data in versions.items():
            snapshot = Snapshot(
                space=tables.info.id, state_id=state_id, version=version, data=document(data)
            )
            yield _row("snapshot", msgspec.to_builtins(snapshot))
    for op in tables.ops.values():
        yield _row("op", msgspec.json.decode(op.raw))
    for conflict in tables.conflicts.values():
        yield _row("conflict", msgspec.json.decode(conflict.raw))
    for raw in tables.audit:
        yield _row("audit", msgspec.json.decode(raw))


def _row(kind: str, value: dict[str, Any]) -> Row:
    return Row(kind=kind, value=value)


def tables_from(space: str, rows: Iterable[Row], *, epoch: str) -> Tables:
    """The tables of a space made of such rows, under this epoch. Raises Damaged."""
    tables = Tables(SpaceInfo(id=space, epoch=epoch))
    try:
        for row in rows:
            tables.apply(_put_of(space, row, epoch))
    except (msgspec.ValidationError, KeyError) as error:
        raise Damaged(f"The backup of space {space!r} holds a row that is none: {error}") from error
    if not tables.is_whole():
        raise Damaged(f"The backup of space {space!r} has gaps.")
    return tables


def _put_of(space: str, row: Row, epoch: str) -> Put:
    """The change that puts the row where it was."""
    match row.kind:
        case "space":
            info = msgspec.convert(row.value, SpaceInfo)
            return Put(space=space, info=msgspec.structs.replace(info, id=space, epoch=epoch))
        case "state":
            state = msgspec.convert(row.value, SharedState)
            return Put(space=space, states=((head_of(state), encode(state.data)),))
        case "entry":
            return Put(space=space, entries=(encode(msgspec.convert(row.value, Entry)),))
        case "snapshot":
            kept = msgspec.convert(row.value, Snapshot)
            return Put(space=space, snapshots=((kept.state_id, kept.version, encode(kept.data)),))
        case "op":
            return Put(space=space, ops=(encode(msgspec.convert(row.value, OpRecord)),))
        case "conflict":
            return Put(space=space, conflicts=(encode(msgspec.convert(row.value, ConflictRecord)),))
        case "audit":
            return Put(space=space, audit=(encode(msgspec.convert(row.value, AuditRecord)),))
        case _:
            raise KeyError(row.kind)
