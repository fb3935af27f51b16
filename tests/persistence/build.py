"""Builders of what the tests of the persistence layers keep; every value differs from its default."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from state.persistence.base import PersistenceLayer
from state.values import (
    AccessPolicy,
    AuditRecord,
    Cause,
    Committed,
    ConflictInfo,
    ConflictRecord,
    ConflictResolution,
    ConflictStatus,
    ConflictType,
    ConsistencyLevel,
    Entry,
    EntryKind,
    EventType,
    Json,
    MergeFallback,
    Operation,
    OperationStatus,
    OperationType,
    OpRecord,
    ReadPolicy,
    SharedState,
    StateEvent,
    StateType,
    Transaction,
    Write,
)

T = TypeVar("T")

SPACE = "Harbour"
#: Times in the tests count from here, in minutes.
NOON = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def some(value: T | None) -> T:
    """The value, which is there."""
    assert value is not None
    return value


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def a_state(state_id: str = "plan", **changes: Any) -> SharedState:
    """A state as a manager would hand it over, at version 1."""
    fields: dict[str, Any] = {
        "id": state_id,
        "space": SPACE,
        "uid": f"uid-{state_id}",
        "name": f"The {state_id}",
        "type": StateType.TASK,
        "owners": ("agent:lena",),
        "readers": ("role:worker",),
        "data": {"step": 1},
        "version": 1,
        "written_by": "agent:wim",
        "timestamp": at(1),
        "created_at": at(0),
        "metadata": {"colour": "teal"},
        "tags": ("tide", "crew"),
        "schema": {"type": "object"},
        "merge": "granular",
        "consistency": ConsistencyLevel.STRONG,
        "resolution": ConflictResolution.CUSTOM,
        "merge_fallback": MergeFallback.PARK,
        "read_policy": ReadPolicy.IGNORE,
        "resolver": "park",
        "allow_override": True,
        "frozen": True,
        "retention": 3600.5,
        "keep": True,
        "hash": "5ta7e",
        "access_policy": AccessPolicy(read_allow=("*",), write_allow=("tag:crew",)),
    }
    return SharedState(**{**fields, **changes})


def a_write(
    state_id: str = "plan",
    data: dict[str, Json] | None = None,
    *,
    expect: int = 0,
    kind: EntryKind | None = None,
    minute: float = 1,
    space: str = SPACE,
    **changes: Any,
) -> Write:
    """The next version of a state: its whole document set anew (a `delete` leaves a tombstone).

    `changes` are of the state.
    """
    if kind is None:
        kind = EntryKind.UPDATE if expect else EntryKind.CREATE
    gone = kind is EntryKind.DELETE
    document = {} if gone else {"step": expect + 1} if data is None else data
    state = a_state(
        state_id,
        **{
            "space": space,
            "data": document,
            "version": expect + 1,
            "timestamp": at(minute),
            "deleted": gone,
            **changes,
        },
    )
    op = Operation(OperationType.DELETE) if gone else Operation(OperationType.SET, value=state.data)
    entry = Entry(
        space=space,
        state_id=state_id,
        uid=state.uid,
        version=expect + 1,
        kind=kind,
        agent="agent:wim",
        op_id=f"op-{state_id}-{expect + 1}",
        base_version=expect,
        ops=(op,),
        metadata={"why": "tide"},
        at=state.timestamp,
        hash=state.hash,
    )
    return Write(state=state, expect=expect, entry=entry)


def a_tx(*writes: Write, **fields: Any) -> Transaction:
    return Transaction(writes=writes, **fields)


def an_op(op_id: str = "op-1", *, settled: bool = False, **changes: Any) -> OpRecord:
    """An operation that waits in the journal, or the outcome of one."""
    fields: dict[str, Any] = {
        "space": SPACE,
        "agent": "agent:wim",
        "op_id": op_id,
        "digest": f"digest of {op_id}",
        "status": OperationStatus.APPLIED if settled else OperationStatus.QUEUED,
        "state_id": "plan",
        "request": None if settled else {"ops": [{"op": "set", "path": "/step", "value": 5}]},
        "outcome": {"status": 200, "version": 2} if settled else None,
        "at": at(2),
        "done_at": at(3) if settled else None,
    }
    return OpRecord(**{**fields, **changes})


def a_conflict(conflict_id: str = "c-1", **changes: Any) -> ConflictRecord:
    """A conflict that waits for somebody."""
    fields: dict[str, Any] = {
        "conflict_id": conflict_id,
        "space": SPACE,
        "state_id": "plan",
        "uid": "uid-plan",
        "type": ConflictType.WRITE_WRITE,
        "status": ConflictStatus.OPEN,
        "resolver": "role:leader",
        "agent": "agent:wes",
        "op_id": f"op of {conflict_id}",
        "base_version": 1,
        "head_version": 2,
        "paths": ("/step",),
        "causes": (
            Cause(
                type=ConflictType.WRITE_WRITE,
                kind="both_changed",
                path="/step",
                base=1,
                theirs=2,
                mine=None,
                by="agent:wim",
                version=2,
            ),
        ),
        "base": {"step": 1},
        "current": {"step": 2},
        "incoming": {"step": None},
        "ops": (Operation(OperationType.SET, "/step", None),),
        "created_at": at(4),
        "expires_at": at(5),
    }
    return ConflictRecord(**{**fields, **changes})


def an_audit(version: int = 3, **changes: Any) -> AuditRecord:
    """A durable event that spends no revision."""
    fields: dict[str, Any] = {
        "type": EventType.CONFLICT_DETECTED,
        "timestamp": at(6),
        "space": SPACE,
        "state_id": "plan",
        "uid": "uid-plan",
        "version": version,
        "agent_id": "agent:wes",
        "op_id": "op-9",
        "conflict": ConflictInfo(
            conflict_id="c-9", type=ConflictType.READ_WRITE, description="It read the tide."
        ),
        "metadata": {"noted": True},
    }
    return AuditRecord(event=StateEvent(**{**fields, **changes}))


def put(layer: PersistenceLayer, *writes: Write, space: str = SPACE) -> Committed:
    """Commit these in one transaction; anything but success fails the test."""
    return commit(layer, a_tx(*writes), space=space)


def commit(layer: PersistenceLayer, tx: Transaction, *, space: str = SPACE) -> Committed:
    """Commit it; anything but success fails the test."""
    result = layer.commit(space, [tx])[0]
    assert isinstance(result, Committed), result
    return result


def grow(
    layer: PersistenceLayer, state_id: str = "plan", *, until: int, space: str = SPACE
) -> None:
    """Bring a state from wherever it stands to version `until`, one revision each: {"step": version}."""
    known = layer.load_states(space, [state_id])
    have = known[state_id].version if known else 0
    batch = [
        a_tx(a_write(state_id, expect=expect, minute=expect + 1, space=space))
        for expect in range(have, until)
    ]
    results = layer.commit(space, batch)
    assert all(isinstance(result, Committed) for result in results), results


def essence(state: SharedState) -> SharedState:
    """What was written of a state, without what the store fills in or computes."""
    blank = a_state()
    return msgspec.structs.replace(
        state,
        revision=0,
        compacted_version=1,
        last_sync=blank.last_sync,
        sync_status=blank.sync_status,
        pending_ops=(),
        blame=None,
    )


def whole_log(
    layer: PersistenceLayer, *, after: int = 0, limit: int = 100, space: str = SPACE
) -> list[Entry]:
    """The space's log, page by page."""
    entries: list[Entry] = []
    while True:
        page = layer.read_log(space, after=after, limit=limit)
        entries += page.entries
        if not page.more:
            return entries
        after = page.entries[-1].revision


def numbers(entries: Sequence[Entry]) -> list[tuple[int, int]]:
    """(revision, seq) of each."""
    return [(each.revision, each.seq) for each in entries]
