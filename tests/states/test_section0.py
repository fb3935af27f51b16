"""What the seed's Go code got wrong, line by line (shared-state 0): each is a regression test under its own name."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest

from state.bus import InMemoryEventBus
from state.conflicts import ConflictDetector
from state.manager import Base
from state.persistence import new_persistence_layer
from state.persistence.keyring import Keyring
from state.policy import Caller
from state.refusals import (
    Closed,
    Conflicting,
    NotPermitted,
    StateExists,
    StateNotFound,
    StoreDown,
    Unresolved,
)
from state.values import (
    AccessPolicy,
    ConflictInfo,
    ConflictResolution,
    ConflictType,
    EventType,
    PersistenceConfig,
    PersistenceType,
    StateEvent,
)
from tests.persistence.backends import KEY, PRIVATE, at_once
from tests.states.build import (
    CY,
    LENA,
    NOON,
    SPACE,
    WES,
    WIM,
    Clock,
    Ear,
    Office,
    at,
    drop,
    patch,
    put,
    refused,
)

# -- 1: lost updates, dropped errors, ids ---------------------------------------------------------------------------


def test_an_update_on_a_stale_base_is_not_lost_nor_does_it_lose_another(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"n": 1})
    manager.update_state(WIM, "plan", {"n": 2}, base=at(1))
    error = refused(lambda: manager.update_state(WES, "plan", {"n": 3}, base=at(1)))
    assert isinstance(error, Conflicting)
    assert error.extra["causes"][0]["path"] == "/n"
    assert error.extra["current"] == {"n": 2}
    assert manager.get_state(LENA, "plan").data == {"n": 2}


def test_updates_of_other_keys_on_the_same_base_are_both_kept(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"a": 0, "b": 0})
    manager.update_state(WIM, "plan", {"a": 1}, base=at(1))
    manager.update_state(WES, "plan", {"b": 1}, base=at(1))
    assert manager.get_state(LENA, "plan").data == {"a": 1, "b": 1}


def test_an_error_of_the_store_reaches_the_writer_and_nothing_pretends_to_be_written(
    quick: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", data={"n": 1})

    def full_disk(*_: object) -> None:
        raise StoreDown("No space is left; nothing was written.")

    with monkeypatch.context() as broken:
        broken.setattr(quick.layer, "commit", full_disk)
        for call in (
            lambda: manager.update_state(WIM, "plan", {"n": 2}),
            lambda: manager.create_state(WIM, "other"),
            lambda: manager.delete_state(LENA, "plan"),
        ):
            assert isinstance(refused(call), StoreDown)
    state = manager.get_state(LENA, "plan")
    assert (state.version, state.data) == (1, {"n": 1})
    assert isinstance(refused(lambda: manager.get_state(LENA, "other")), StateNotFound)


def test_what_was_acknowledged_is_there_after_a_crash_without_any_flush(office: Office) -> None:
    if not office.backend.keeps:
        return
    manager = office.manager(sync_interval=timedelta(hours=1))
    manager.create_state(LENA, "plan", data={"n": 0})
    for n in range(5):
        manager.update_state(WIM, "plan", {"n": n + 1})
    # Nobody closes the manager: only what the layer itself has open is let go.
    office.layer.close()
    office.layer = office.backend.open()
    assert office.layer.load_state(SPACE, "plan").data == {"n": 5}
    assert office.check().revision == 6


def test_ids_are_the_callers_own_and_taken_ones_are_refused(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", data={"by": "lena"})
    with pytest.raises(StateExists):
        manager.create_state(WIM, "plan", data={"by": "wim"})
    assert manager.get_state(WIM, "plan").data == {"by": "lena"}


def test_identities_made_in_the_same_instant_do_not_collide(quick: Office) -> None:
    manager = quick.manager(clock=Clock())  # it stands still
    made = at_once(
        *[
            lambda n=n: [manager.create_state(LENA, f"s{n}-{i}").uid for i in range(25)]
            for n in range(4)
        ]
    )
    assert len({uid for each in made for uid in each}) == 100


# -- 2: reads and rights --------------------------------------------------------------------------------------------


def test_what_is_read_is_a_copy_and_never_the_live_object(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"deep": {"list": [1]}})
    state = manager.get_state(LENA, "plan")
    state.data["deep"]["list"].append(2)
    state.data["more"] = True
    assert manager.get_state(LENA, "plan").data == {"deep": {"list": [1]}}
    assert manager.get_state(LENA, "plan").version == 1


def test_what_is_given_is_copied_too(quick: Office) -> None:
    manager = quick.manager()
    mine = {"list": [1]}
    manager.create_state(LENA, "plan", data=mine)
    mine["list"].append(2)
    assert manager.get_state(LENA, "plan").data == {"list": [1]}


def test_reading_takes_the_right_to_read(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "own", access_policy={"public": False})
    for call in (
        lambda: manager.get_state(WIM, "own"),
        lambda: manager.history(WIM, "own"),
        lambda: manager.blame(WIM, "own"),
        lambda: manager.diff(WIM, "own", 1, 1),
    ):
        assert isinstance(refused(call), StateNotFound)
    assert manager.list_states(WIM).states == ()


def test_a_read_is_told_where_it_is_audited(quick: Office) -> None:
    bus = InMemoryEventBus()
    ear = Ear(bus)
    manager = quick.manager(bus=bus, enable_audit=True)
    manager.create_state(LENA, "plan")
    manager.get_state(WIM, "plan")
    (event,) = ear.wait(EventType.STATE_READ)
    assert (event.state_id, event.version, event.agent_id) == ("plan", 1, "agent:wim")


def test_readers_read_and_do_not_write(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(
        LENA, "own", readers=["agent:wim"], access_policy=AccessPolicy(), data={"n": 1}
    )
    assert manager.get_state(WIM, "own").data == {"n": 1}
    with pytest.raises(NotPermitted):
        manager.update_state(WIM, "own", {"n": 2})


@pytest.mark.parametrize(
    ("listed", "may"),
    [
        ("read_allow", {"read"}),
        ("write_allow", {"read", "write"}),
        ("delete_allow", {"read", "delete"}),
        ("admin_allow", {"read", "admin", "delete"}),
    ],
)
def test_every_list_of_the_policy_is_consulted(quick: Office, listed: str, may: set[str]) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "own", access_policy={listed: ["tag:crew"]}, data={"n": 1})
    crew = Caller(space=SPACE, name="agent:wim", principals=frozenset({"tag:crew"}))
    calls: dict[str, Callable[[Caller], object]] = {
        "read": lambda who: manager.get_state(who, "own"),
        "write": lambda who: manager.update_state(who, "own", {"n": 2}),
        "admin": lambda who: manager.configure(who, "own", {"tags": ["t"]}),
        "delete": lambda who: manager.delete_state(who, "own"),
    }
    for right, call in calls.items():
        assert isinstance(refused(partial(call, WES)), StateNotFound)
        if right in may:
            call(crew)
        else:
            error = refused(partial(call, crew))
            assert (type(error), error.extra) == (NotPermitted, {"required": right})


def test_public_is_for_members_and_neither_to_delete_nor_to_rule(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", access_policy={"public": True}, data={"n": 1})
    assert manager.update_state(WIM, "plan", {"n": 2}).version == 2
    assert isinstance(refused(lambda: manager.delete_state(WIM, "plan")), NotPermitted)
    assert isinstance(refused(lambda: manager.configure(WIM, "plan", {"name": "x"})), NotPermitted)
    assert isinstance(refused(lambda: manager.get_state(CY, "plan")), StateNotFound)
    assert isinstance(refused(lambda: manager.update_state(CY, "plan", {"n": 3})), StateNotFound)
    assert isinstance(refused(lambda: manager.create_state(CY, "mine")), NotPermitted)


# -- 3: detection, merging, resolution ------------------------------------------------------------------------------


def test_the_detector_finds_conflicts(quick: Office) -> None:
    manager = quick.manager(conflict_resolution=ConflictResolution.REJECT)
    manager.create_state(LENA, "plan", data={"n": 1, "m": 1})
    manager.update_state(WIM, "plan", {"n": 2})
    error = refused(lambda: manager.update_state(WES, "plan", {"n": 3, "m": 3}, base=at(1)))
    assert error.extra["conflict_type"] == ConflictType.WRITE_WRITE
    assert [cause["path"] for cause in error.extra["causes"]] == ["/n"]
    assert error.extra["causes"][0]["by"] == "agent:wim"


def test_merging_gives_the_same_every_time_whatever_the_order_of_keys(office: Office) -> None:
    manager = office.manager()
    keys = [f"k{n}" for n in range(12)]
    seen = set()
    for turn, order in enumerate((keys, keys[::-1], keys[5:] + keys[:5])):
        state_id = f"plan{turn}"
        manager.create_state(LENA, state_id, data=dict.fromkeys(order, 0), merge_fallback="ours")
        manager.update_state(
            WIM, state_id, {key: f"wim {key}" for key in order if key in keys[:8]}, base=at(1)
        )
        manager.update_state(WES, state_id, {key: f"wes {key}" for key in keys[4:]}, base=at(1))
        state = manager.get_state(LENA, state_id)
        seen.add(json.dumps(state.data, sort_keys=True))
        assert (state.id, state.version, state.owners) == (state_id, 3, ("agent:lena",))
    assert len(seen) == 1


def test_the_last_write_is_the_last_commit_whatever_the_clocks_say(quick: Office) -> None:
    late, early = Clock(), Clock()
    early.now = NOON - timedelta(days=365)
    manager, behind = quick.manager(clock=late), quick.manager(clock=early)
    manager.create_state(LENA, "plan", data={"n": 0}, resolution="last_write")
    manager.update_state(WIM, "plan", {"n": "first"}, base=at(1))
    done = behind.update_state(WES, "plan", {"n": "last"}, base=at(1))
    assert manager.get_state(LENA, "plan").data == {"n": "last"}
    assert done.conflict is not None
    (lost,) = done.conflict["overwrote"]
    assert (lost["path"], lost["value"], lost["by"]) == ("/n", "first", "agent:wim")


def test_resolving_a_conflict_without_its_current_state_is_refused_and_no_crash() -> None:
    empty = ConflictInfo(conflict_id="c", type=ConflictType.WRITE_WRITE, description="?")
    for strategy in ConflictResolution:
        with pytest.raises(Unresolved):
            ConflictDetector().resolve_conflict(empty, strategy)


# -- 4: events ------------------------------------------------------------------------------------------------------


def test_publish_returns_after_its_handlers_ran_in_order_and_raises_what_they_raised() -> None:
    bus, told = InMemoryEventBus(), list[str]()
    thread = threading.get_ident()

    def first(event: StateEvent) -> None:
        assert threading.get_ident() == thread
        told.append("first")
        raise ValueError("of the first")

    bus.subscribe("*", first)
    bus.subscribe("*", lambda event: told.append("second"))
    with pytest.raises(ExceptionGroup) as caught:
        bus.publish(StateEvent(type=EventType.STATE_UPDATED, timestamp=NOON))
    assert told == ["first", "second"]
    assert [str(error) for error in caught.value.exceptions] == ["of the first"]
    bus.close()


def test_events_of_a_state_come_in_the_order_of_its_versions(quick: Office) -> None:
    bus = InMemoryEventBus()
    ear = Ear(bus)
    manager = quick.manager(bus=bus)
    manager.create_state(LENA, "plan", data={"n": 0})
    at_once(
        *[
            lambda n=n: [manager.update_state(WIM, "plan", {f"k{n}": i}) for i in range(10)]
            for n in range(4)
        ]
    )
    events = ear.wait(EventType.STATE_UPDATED, 40)
    assert [event.version for event in events] == list(range(2, 42))
    assert [event.revision for event in events] == list(range(2, 42))


def test_what_a_handler_does_to_its_event_changes_nothing(quick: Office) -> None:
    bus = InMemoryEventBus()

    def spoil(event: StateEvent) -> None:
        if event.type is EventType.STATE_CREATED:
            assert isinstance(event.ops[0].value, dict)
            event.ops[0].value.update(n=99)

    bus.subscribe("*", spoil)
    ear = Ear(bus)
    manager = quick.manager(bus=bus)
    manager.create_state(LENA, "plan", data={"n": 0})
    assert ear.wait(EventType.STATE_CREATED)[0].ops[0].value == {"n": 0}
    assert manager.get_state(LENA, "plan").data == {"n": 0}
    assert manager.history(LENA, "plan")[0].ops[0].value == {"n": 0}


def test_a_closed_bus_refuses_and_does_not_crash_a_write(quick: Office) -> None:
    bus = InMemoryEventBus()
    manager = quick.manager(bus=bus)
    bus.close()
    with pytest.raises(Closed):
        bus.publish_async(StateEvent(type=EventType.STATE_UPDATED, timestamp=NOON))
    assert manager.create_state(LENA, "plan").version == 1


# -- 5: no update without its version ---------------------------------------------------------------------------------


def test_every_change_carries_its_version_so_that_gaps_show(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"n": 0})
    manager.update_state(WIM, "plan", [put("/n", 1), patch("", {"m": {"x": 1}})])
    manager.update_state(WIM, "plan", [drop("/m/x")])
    manager.configure(LENA, "plan", {"tags": ["t"]})
    entries = manager.history(LENA, "plan")[::-1]
    assert [(each.version, each.revision) for each in entries] == [(n, n) for n in (1, 2, 3, 4)]


# -- 6: secrets and stubs -------------------------------------------------------------------------------------------


def test_no_copy_of_a_configuration_tells_a_key() -> None:
    secret = KEY.partition(":")[2] or KEY
    configs = (PersistenceConfig(encryption=True), PRIVATE, Keyring.parse(KEY))
    for each in configs:
        assert secret not in repr(each)
    assert secret.encode() not in msgspec.json.encode(configs[0])


def test_every_kind_of_persistence_keeps_what_it_is_given(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"n": [1, {"群": None}]}, tags=["t"])
    manager.update_state(WIM, "plan", {"m": 2.5})
    kept = office.restarted() if office.backend.keeps else manager
    state = kept.get_state(LENA, "plan")
    assert state.data == {"n": [1, {"群": None}], "m": 2.5}
    assert (state.version, state.revision, state.tags) == (2, 2, ("t",))
    assert kept.diff(LENA, "plan", 1, 2)[0].path == "/m"


def test_every_kind_makes_a_backup_that_another_one_restores(
    office: Office, tmp_path: Path
) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"n": 0})
    for n in range(3):
        manager.update_state(WIM, "plan", {"n": n + 1})
    path = tmp_path / "states.backup"
    office.layer.backup(path)
    memory = new_persistence_layer(PersistenceConfig(type=PersistenceType.MEMORY))
    memory.restore(path)
    there = office.manager(store=memory)
    assert there.get_state(LENA, "plan").data == {"n": 3}
    assert [each.version for each in there.history(LENA, "plan")] == [4, 3, 2, 1]
    assert there.update_state(WIM, "plan", {"n": 4}, base=Base(version=4)).version == 5
    assert memory.open_space(SPACE).epoch != office.layer.open_space(SPACE).epoch


def test_what_is_kept_encrypted_cannot_be_read_in_the_store(office: Office) -> None:
    office.layer.close()
    office.layer = office.backend.open(PRIVATE)
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"word": "opensesame-" * 20})
    assert manager.get_state(LENA, "plan").data["word"].startswith("opensesame")
    assert b"opensesame" not in office.backend.kept()
