"""The sixteen events, what entries and audit records become as events, and the seed's handler of updates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from state.bus import StateEventHandler, event_of, event_of_audit, updates_of
from state.values import (
    DURABLE,
    AuditRecord,
    Entry,
    EntryKind,
    EventType,
    Operation,
    OperationType,
    Overwritten,
    StateEvent,
    StateUpdate,
)
from tests.bus.build import NOON, beat

ENTRY = Entry(
    space="Harbour",
    revision=41,
    seq=2,
    state_id="notes/tide",
    uid="5f2a",
    version=9,
    kind=EntryKind.UPDATE,
    agent="agent:wim",
    op_id="op-9",
    base_version=7,
    ops=(
        Operation(OperationType.SET, "/high", 4.5),
        Operation(OperationType.DELETE, "/low"),
    ),
    overwrote=(Overwritten("/high", [3], "agent:lena", 8),),
    config={},
    conflict={"conflict_id": "c1", "type": "write_write"},
    metadata={"why": "tide"},
    at=NOON,
    hash="ab12",
)


def test_there_are_the_sixteen_types_of_the_seed() -> None:
    assert {each.name: each.value for each in EventType} == {
        "STATE_CREATED": "state_created",
        "STATE_UPDATED": "state_updated",
        "STATE_DELETED": "state_deleted",
        "STATE_READ": "state_read",
        "SYNC_STARTED": "sync_started",
        "SYNC_COMPLETED": "sync_completed",
        "SYNC_FAILED": "sync_failed",
        "SYNC_CONFLICT": "sync_conflict",
        "CONFLICT_DETECTED": "conflict_detected",
        "CONFLICT_RESOLVED": "conflict_resolved",
        "AGENT_CONNECTED": "agent_connected",
        "AGENT_DISCONNECTED": "agent_disconnected",
        "AGENT_HEARTBEAT": "agent_heartbeat",
        "SYSTEM_STARTED": "system_started",
        "SYSTEM_SHUTDOWN": "system_shutdown",
        "CONFIG_CHANGED": "config_changed",
    }


def test_seven_of_them_are_durable() -> None:
    assert {each.value for each in DURABLE} == {
        "state_created",
        "state_updated",
        "state_deleted",
        "conflict_detected",
        "conflict_resolved",
        "config_changed",
        "sync_failed",
    }


def test_an_entry_as_an_event() -> None:
    assert event_of(ENTRY) == StateEvent(
        type=EventType.STATE_UPDATED,
        timestamp=NOON,
        id="Harbour:41:2",
        space="Harbour",
        state_id="notes/tide",
        uid="5f2a",
        version=9,
        revision=41,
        agent_id="agent:wim",
        op_id="op-9",
        ops=ENTRY.ops,
        metadata={
            "kind": "update",
            "base_version": 7,
            "note": {"why": "tide"},
            "conflict": {"conflict_id": "c1", "type": "write_write"},
            "overwrote": [{"path": "/high", "value": [3], "by": "agent:lena", "version": 8}],
        },
    )


@pytest.mark.parametrize(
    ("kind", "type"),
    [
        (EntryKind.CREATE, EventType.STATE_CREATED),
        (EntryKind.UPDATE, EventType.STATE_UPDATED),
        (EntryKind.CONFIG, EventType.STATE_UPDATED),
        (EntryKind.RESTORE, EventType.STATE_UPDATED),
        (EntryKind.DELETE, EventType.STATE_DELETED),
    ],
)
def test_which_event_an_entry_is(kind: EntryKind, type: EventType) -> None:
    entry = Entry(
        space="Harbour", state_id="a", uid="u", version=3, kind=kind, agent="system", at=NOON
    )
    event = event_of(entry)
    assert (event.type, event.metadata) == (type, {"kind": kind.value})


def test_an_audit_record_as_an_event() -> None:
    event = StateEvent(type=EventType.CONFLICT_DETECTED, timestamp=NOON, state_id="plan")
    told = event_of_audit("Harbour", AuditRecord(n=12, event=event))
    assert (told.id, told.space, told.type, told.state_id, told.timestamp) == (
        "Harbour:a12",
        "Harbour",
        EventType.CONFLICT_DETECTED,
        "plan",
        NOON,
    )


def test_updates_are_the_operations_of_an_entry() -> None:
    shared: dict[str, Any] = {
        "id": "Harbour:41:2",
        "state_id": "notes/tide",
        "agent_id": "agent:wim",
        "version": 9,
        "timestamp": NOON,
        "metadata": {"why": "tide"},
    }
    assert updates_of(event_of(ENTRY)) == [
        StateUpdate(type=OperationType.SET, key="/high", old_value=[3], new_value=4.5, **shared),
        StateUpdate(type=OperationType.DELETE, key="/low", **shared),
    ]


def test_other_events_have_no_updates() -> None:
    event = StateEvent(type=EventType.SYNC_FAILED, timestamp=NOON, ops=ENTRY.ops)
    assert updates_of(event) == []


def test_the_seeds_handler_passes_on_updates_of_watched_states_in_order() -> None:
    updates = list[StateUpdate]()
    handler = StateEventHandler(updates.append, states=["notes/*", "plan"])
    later = NOON + timedelta(seconds=1)
    for state_id in ("notes/tide", "plans", "plan", "notes"):
        entry = Entry(
            space="Harbour",
            state_id=state_id,
            uid="u",
            version=4,
            kind=EntryKind.UPDATE,
            agent="agent:wim",
            ops=ENTRY.ops,
            at=later,
        )
        handler.handle(event_of(entry))
    handler.handle(beat("plan"))
    assert [(each.state_id, each.key, each.version) for each in updates] == [
        ("notes/tide", "/high", 4),
        ("notes/tide", "/low", 4),
        ("plan", "/high", 4),
        ("plan", "/low", 4),
    ]
