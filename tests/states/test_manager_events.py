"""What a manager tells others: events, audit, metrics, pokes (shared-state 1.9 and 1.10)."""

from __future__ import annotations

from pathlib import Path

import pytest

from state.bus import EventBus, InMemoryCursorStore, InMemoryEventBus, LogEventBus
from state.errors import StarsError
from state.manager import Answer, Compare, StateManager
from state.persistence import new_persistence_layer
from state.refusals import Conflicting
from state.values import (
    EventType,
    PersistenceConfig,
    PersistenceType,
    StateEvent,
    StateManagerConfig,
)
from tests.states.build import CY, LENA, SPACE, WES, WIM, Ear, Office, at, drop, put, swap, until

NAMES = [EventType.SYSTEM_STARTED, EventType.SYSTEM_SHUTDOWN]


@pytest.fixture
def told(quick: Office) -> tuple[StateManager, Ear]:
    """A manager, and what its bus says."""
    bus = InMemoryEventBus()
    ear = Ear(bus)
    return quick.manager(bus=bus), ear


Told = tuple[StateManager, Ear]


# -- events of writes -------------------------------------------------------------------------------------------------


def test_every_commit_is_told_once_as_what_it_was(told: Told) -> None:
    manager, ear = told
    manager.create_state(LENA, "plan", data={"n": 1}, note={"why": "start"})
    manager.update_state(WIM, "plan", {"n": 2}, {"why": "tide"}, op_id="op-1")
    manager.configure(LENA, "plan", {"tags": ["t"]})
    manager.restore_version(WIM, "plan", 1)
    manager.freeze(LENA, "plan")
    manager.freeze(LENA, "plan", frozen=False)
    manager.delete_state(LENA, "plan")
    manager.create_state(LENA, "plan")
    ear.wait(EventType.STATE_CREATED, 2)
    events = [event for event in ear.events if event.state_id]
    assert [(str(event.type), event.version) for event in events] == [
        ("state_created", 1),
        ("state_updated", 2),
        ("state_updated", 3),
        ("state_updated", 4),
        ("state_updated", 5),
        ("state_updated", 6),
        ("state_deleted", 7),
        ("state_created", 8),
    ]
    assert [event.id for event in events] == [f"{SPACE}:{n}:0" for n in range(1, 9)]
    update = events[1]
    assert (update.agent_id, update.op_id, update.ops) == ("agent:wim", "op-1", (put("/n", 2),))
    assert update.metadata["note"] == {"why": "tide"}
    assert update.state is None, "the document only for whom asks"
    assert len({event.uid for event in events}) == 2


def test_what_changes_nothing_is_not_told(told: Told) -> None:
    manager, ear = told
    manager.create_state(LENA, "plan", data={"n": 1}, tags=["t"])
    manager.update_state(WIM, "plan", {"n": 1.0})
    manager.update_state(WIM, "plan", [drop("/none")])
    manager.configure(LENA, "plan", {"tags": ["t"]})
    manager.restore_version(WIM, "plan", 1)
    manager.update_state(WIM, "plan", {"n": 2}, op_id="op-1")
    manager.update_state(WIM, "plan", {"n": 2}, op_id="op-1")
    manager.get_state(WIM, "plan")
    with pytest.raises(StarsError):
        manager.update_state(CY, "plan", {"n": 3})
    with pytest.raises(StarsError):
        manager.create_state(LENA, "plan")
    with pytest.raises(StarsError):
        manager.update_state(WIM, "plan", {"n": "\0"})
    manager.bus.close()
    kinds = [EventType.STATE_CREATED, EventType.STATE_UPDATED]
    assert [kind for kind in ear.types() if kind not in NAMES] == kinds


def test_the_states_of_a_transaction_are_told_with_one_revision(told: Told) -> None:
    manager, ear = told
    manager.create_state(LENA, "a", data={})
    manager.transact(LENA, [Compare("b", 0)], {"a": [put("/n", 1)], "b": [put("/n", 1)]})
    ear.wait(EventType.STATE_CREATED, 2)
    ear.wait(EventType.STATE_UPDATED)
    assert {event.id for event in ear.events if event.revision == 2} == {
        f"{SPACE}:2:0",
        f"{SPACE}:2:1",
    }


def test_a_conflict_is_told_when_it_is_found_and_when_it_is_settled(told: Told) -> None:
    manager, ear = told
    manager.create_state(LENA, "r", data={"a": 0}, resolution="reject")
    manager.create_state(LENA, "w", data={"a": 0}, resolution="last_write")
    manager.create_state(LENA, "p", data={"a": 0}, merge_fallback="park")
    for state_id in "rwp":
        manager.update_state(WIM, state_id, {"a": 1}, base=at(1))
    with pytest.raises(Conflicting):
        manager.update_state(WES, "r", {"a": 2}, base=at(1), op_id="r")
    manager.update_state(WES, "w", {"a": 2}, base=at(1), op_id="w")
    parked = manager.update_state(WES, "p", {"a": 2}, base=at(1), op_id="p")
    # Order is kept per state, not between them.
    ear.wait(EventType.CONFLICT_DETECTED, 3)
    detected = sorted(
        ear.of(EventType.CONFLICT_DETECTED), key=lambda event: "rwp".index(event.state_id)
    )
    assert [event.op_id for event in detected] == ["r", "w", "p"]
    assert [event.op_id for event in ear.wait(EventType.CONFLICT_RESOLVED)] == ["w"]
    assert parked.conflict is not None
    manager.resolve_conflict(LENA, parked.conflict["conflict_id"], Answer(picks={"/a": "mine"}))
    ear.wait(EventType.CONFLICT_RESOLVED, 2)
    resolved = sorted(
        ear.of(EventType.CONFLICT_RESOLVED), key=lambda event: "wp".index(event.state_id)
    )
    ids = [event.metadata["conflict_id"] for event in detected]
    assert [event.metadata["conflict_id"] for event in resolved] == ids[1:]
    assert [event.metadata["conflict_type"] for event in detected] == ["write_write"] * 3
    assert [event.metadata["paths"] for event in detected] == [["/a"]] * 3
    assert [event.id for event in detected] == [f"{SPACE}:a{n}" for n in (1, 2, 4)]
    assert all(event.conflict is None for event in detected), "no documents on the bus"


def test_a_conflict_within_a_transaction_is_told_too(told: Told) -> None:
    manager, ear = told
    manager.create_state(LENA, "a", data={"n": 1})
    with pytest.raises(Conflicting):
        manager.transact(WIM, [], {"a": [swap("/n", 2, expect=9)]}, op_id="t")
    (event,) = ear.wait(EventType.CONFLICT_DETECTED)
    assert (event.state_id, event.op_id) == ("a", "t")


def test_events_can_be_read_again_from_the_log_each_once(quick: Office) -> None:
    """The bus over the log, as processes have it: what is found there is what was told."""
    bus: EventBus = LogEventBus(quick.layer, InMemoryCursorStore(), sweep=0.05)
    heard: list[StateEvent] = []
    manager = StateManager(StateManagerConfig(), bus, quick.layer)
    manager.create_state(LENA, "p", data={"a": 0}, resolution="last_write")
    bus.subscribe("*", heard.append)
    manager.update_state(WIM, "p", {"a": 1}, base=at(1))
    manager.update_state(WES, "p", {"a": 2}, base=at(1))
    until(lambda: len([event for event in heard if event.id]) >= 4)
    manager.close()
    durable = [event.id for event in heard if event.id]
    assert sorted(durable) == sorted(set(durable))
    assert {f"{SPACE}:2:0", f"{SPACE}:3:0", f"{SPACE}:a1", f"{SPACE}:a2"} <= set(durable)
    assert not [event for event in heard if not event.id and event.type not in NAMES]


def test_a_handler_that_fails_does_not_fail_a_write(quick: Office) -> None:
    bus = InMemoryEventBus()

    def fails(event: StateEvent) -> None:
        raise ValueError("no")

    bus.subscribe("*", fails)
    ear = Ear(bus)
    manager = quick.manager(bus=bus)
    assert manager.create_state(LENA, "plan").version == 1
    ear.wait(EventType.STATE_CREATED)


# -- audit, the system, pokes -----------------------------------------------------------------------------------------


def test_reads_and_denials_are_told_where_they_are_audited(quick: Office) -> None:
    bus = InMemoryEventBus()
    ear = Ear(bus)
    manager = quick.manager(bus=bus, enable_audit=True)
    manager.create_state(LENA, "plan", access_policy={"read_allow": ["agent:wim"]})
    manager.get_state(WIM, "plan")
    with pytest.raises(StarsError):
        manager.update_state(WIM, "plan", {"n": 1})
    with pytest.raises(StarsError):
        manager.get_state(WES, "plan")
    events = ear.wait(EventType.STATE_READ, 3)
    assert [(event.agent_id, event.metadata.get("denied")) for event in events] == [
        ("agent:wim", None),
        ("agent:wim", "not_allowed"),
        ("agent:wes", "not_found"),
    ]


def test_without_audit_reads_are_not_told(told: Told) -> None:
    manager, ear = told
    manager.create_state(LENA, "plan", access_policy={})
    manager.get_state(LENA, "plan")
    with pytest.raises(StarsError):
        manager.get_state(WES, "plan")
    manager.bus.close()
    assert EventType.STATE_READ not in ear.types()


def test_a_closed_bus_fails_no_audited_read(quick: Office) -> None:
    bus = InMemoryEventBus()
    manager = quick.manager(bus=bus, enable_audit=True)
    manager.create_state(LENA, "plan", data={"n": 1})
    bus.close()
    assert manager.get_state(LENA, "plan").data == {"n": 1}


def test_the_beginning_and_the_end_are_told(quick: Office) -> None:
    bus = InMemoryEventBus()
    ear = Ear(bus)
    manager = quick.manager(bus=bus)
    ear.wait(EventType.SYSTEM_STARTED)
    manager.close()
    manager.close()
    assert ear.types() == NAMES


def test_a_changed_configuration_is_told_without_secrets(tmp_path: Path) -> None:
    heard: list[StateEvent] = []
    for writes in (1, 1, 2):
        config = PersistenceConfig(
            type=PersistenceType.FILE, connection_string=str(tmp_path), max_connections=writes
        )
        bus = InMemoryEventBus()
        bus.subscribe(EventType.CONFIG_CHANGED, heard.append)
        manager = StateManager(StateManagerConfig(), bus, new_persistence_layer(config))
        manager.announce_config()
        manager.close()
    (event,) = heard
    assert event.metadata["paths"] == ["/store/max_connections"]
    assert str(tmp_path) not in repr(event)


def test_every_commit_pokes_with_its_revision_and_states(quick: Office) -> None:
    pokes: list[tuple[str, int, tuple[str, ...]]] = []
    manager = quick.manager(poke=lambda *poke: pokes.append(poke))
    manager.create_state(LENA, "b")
    manager.create_state(LENA, "a")
    manager.update_state(WIM, "a", {})
    manager.transact(LENA, [], {"b": [put("/n", 1)], "a": [put("/n", 1)]})
    manager.get_state(WIM, "a")
    assert pokes == [(SPACE, 1, ("b",)), (SPACE, 2, ("a",)), (SPACE, 3, ("a", "b"))]


# -- metrics ----------------------------------------------------------------------------------------------------------


def test_counters_count_what_succeeded_and_gauges_are_the_stores(office: Office) -> None:
    manager = office.manager(drains=False)
    manager.create_state(LENA, "a", data={"n": 0})
    manager.create_state(LENA, "b", data={"n": 0}, consistency="eventual")
    manager.update_state(WIM, "a", {"n": 1})
    manager.update_state(WIM, "a", {"n": 1})
    manager.get_state(WIM, "a")
    manager.update_state(WIM, "b", {"n": 1})
    manager.update_state(WIM, "b", {"n": 2})
    manager.create_state(LENA, "c")
    manager.delete_state(LENA, "c")
    for call in (
        lambda: manager.get_state(WIM, "none"),
        lambda: manager.update_state(WES, "a", {"n": 9}, base=at(1)),
        lambda: manager.delete_state(WIM, "a"),
    ):
        with pytest.raises(StarsError):
            call()
    metrics = manager.get_metrics()
    assert (metrics.read_ops, metrics.write_ops, metrics.delete_ops) == (1, 4, 1)
    assert (metrics.total_states, metrics.active_states, metrics.pending_operations) == (3, 2, 2)
    assert (metrics.conflicts, metrics.conflicts_by) == (1, {"write_write/merge": 1})
    assert (metrics.sync_errors, metrics.last_sync_time) == (0, None)
    manager.tick()
    after = manager.get_metrics()
    assert (after.pending_operations, after.write_ops) == (0, 6)
    assert after.last_sync_time is not None
    assert after.average_sync_time > 0
    other = office.manager().get_metrics()
    assert (other.write_ops, other.total_states) == (0, 3), "counters are each process's own"


def test_metrics_can_be_left_out(quick: Office) -> None:
    manager = quick.manager(enable_metrics=False)
    manager.create_state(LENA, "a")
    metrics = manager.get_metrics()
    assert (metrics.write_ops, metrics.total_states) == (0, 1)
