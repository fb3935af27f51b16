"""The bus over the logs: other processes, restarts, compaction, replaced histories, a store that is away."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state.bus import Cursor, LogEventBus
from state.bus.reading import read
from state.refusals import StoreDown
from state.values import EventType, LogPage, StateEvent
from tests.bus.build import SPACE, Bench, Ear, until


def open_bus(log: Bench, **options: Any) -> LogEventBus:
    bus = log.bus(**options)
    assert isinstance(bus, LogEventBus)
    return bus


def test_what_another_process_commits_is_found_by_the_sweep(log: Bench) -> None:
    log.one()
    ear, durable = Ear(), Ear()
    bus = open_bus(log, sweep=0.02)
    bus.subscribe("*", ear)
    bus.subscribe("*", durable, durable_name="mail")
    events = [log.one(), log.one("other"), log.audit(minute=3), log.one(space="Lighthouse")]
    until(lambda: len(ear.heard) == len(durable.heard) == 4)
    assert sorted(ear.ids) == sorted(durable.ids) == sorted(each.id for each in events)


def test_a_poke_is_enough(log: Bench) -> None:
    ear, durable = Ear(), Ear()
    bus = open_bus(log, sweep=60)
    bus.subscribe("*", ear)
    bus.subscribe("*", durable, durable_name="mail")
    event = log.one()
    bus.wake(SPACE)
    until(lambda: ear.heard and durable.heard)
    assert ear.heard == durable.heard == [event]


def test_two_processes_are_told_the_same(log: Bench) -> None:
    here, there = Ear(), Ear()
    one, two = open_bus(log, sweep=0.02), open_bus(log, sweep=0.02)
    one.subscribe("*", here)
    two.subscribe("*", there)
    events = [log.one() for _ in range(5)]
    for event in events:
        one.publish_async(event)
    until(lambda: len(here.heard) == len(there.heard) == 5)
    assert here.heard == there.heard == events


def test_whatever_announces_an_event_it_is_told_once(log: Bench) -> None:
    ear, durable = Ear(), Ear()
    bus = open_bus(log, sweep=0.01)
    bus.subscribe("*", ear)
    bus.subscribe("*", durable, durable_name="mail")
    events = [log.audit(), *log.commit("a", "b"), log.one("a")]

    def announce() -> None:
        for event in events:
            bus.publish(event)
            bus.publish_async(event)
            bus.wake(SPACE)

    threads = [threading.Thread(target=announce) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    until(lambda: len(durable.heard) == 4)
    threading.Event().wait(0.05)
    assert ear.ids == durable.ids == [each.id for each in events]


def test_a_durable_event_that_is_in_no_log_is_passed_on_here(log: Bench) -> None:
    bus, ear = open_bus(log), Ear()
    bus.subscribe("*", ear)
    event = StateEvent(type=EventType.CONFIG_CHANGED, timestamp=log.one().timestamp)
    bus.publish(event)
    assert ear.heard == [event]


def test_a_handler_without_a_name_is_told_from_now_on(log: Bench) -> None:
    bus, ear = open_bus(log, sweep=0.02), Ear()
    log.one()
    handle = bus.subscribe("*", ear)
    log.one()
    until(lambda: ear.heard)
    bus.unsubscribe(handle)
    log.one()
    bus.subscribe("*", ear)
    log.one()
    until(lambda: len(ear.heard) == 2)
    assert ear.versions == [2, 4]


def test_nobody_reads_the_store_while_nobody_is_subscribed(log: Bench) -> None:
    asked = list[int]()

    def spaces() -> list[Any]:
        asked.append(1)
        return log.store.spaces()

    bus = open_bus(log, sweep=0.01, spaces=spaces)
    handle = bus.subscribe("*", Ear())
    until(lambda: len(asked) > 3)
    bus.unsubscribe(handle)
    threading.Event().wait(0.03)
    before = len(asked)
    threading.Event().wait(0.1)
    assert len(asked) == before


def test_a_durable_handler_goes_on_where_it_was(log: Bench) -> None:
    log.one()
    first = open_bus(log)
    ear = Ear()
    first.subscribe("*", ear, durable_name="mail")
    events = [log.one(), log.one()]
    first.wake(SPACE)
    until(lambda: len(ear.heard) == 2)
    first.close()
    events += [log.one(), log.audit(minute=99), log.one("made later", space="Lighthouse")]
    second, later = open_bus(log), Ear()
    second.subscribe("*", later, durable_name="mail")
    until(lambda: len(later.heard) == 3)
    second.close()
    assert sorted(ear.ids + later.ids) == sorted(each.id for each in events)
    assert not set(ear.ids) & set(later.ids)


def test_a_name_that_knew_no_space_hears_all_of_those_made_while_it_was_away(log: Bench) -> None:
    log.store.drop_space(SPACE)
    bus = open_bus(log)
    bus.subscribe("*", Ear(), durable_name="mail")
    bus.close()
    event, ear = log.one(space="Lighthouse"), Ear()
    open_bus(log).subscribe("*", ear, durable_name="mail")
    until(lambda: ear.heard)
    assert ear.heard == [event]


def test_what_was_not_finished_is_told_again_after_a_restart(log: Bench) -> None:
    """A whole transaction: the cursor stands between revisions."""
    pausing = threading.Event()

    def stay(seconds: float) -> None:
        pausing.set()
        threading.Event().wait(0.05)

    first, failing = open_bus(log, sleep=stay), Ear()
    heard = list[str]()

    def fail_second(event: StateEvent) -> None:
        heard.append(event.state_id)
        if event.state_id == "b":
            raise ValueError("no")

    first.subscribe("*", fail_second, durable_name="mail")
    events = log.commit("a", "b")
    first.wake(SPACE)
    assert pausing.wait(5)
    first.close()
    assert heard[:2] == ["a", "b"]
    assert first.dead_letters("mail") == []
    open_bus(log).subscribe("*", failing, durable_name="mail")
    until(lambda: len(failing.heard) == 2)
    assert failing.heard == events


def test_a_pause_between_tries_ends_with_the_bus(log: Bench) -> None:
    bus, ear = open_bus(log, sleep=None), Ear(fail=9)
    bus.subscribe("*", ear, durable_name="mail")
    log.one()
    bus.wake(SPACE)
    until(lambda: ear.calls == 1)
    closing = threading.Thread(target=bus.close)
    closing.start()
    closing.join(0.4)  # the first pause alone is half a second
    assert not closing.is_alive()
    assert ear.calls == 1


def test_a_slow_durable_handler_delays_nobody(log: Bench) -> None:
    bus, slow, quick = open_bus(log), Ear(hold=True), Ear()
    bus.subscribe("*", slow, durable_name="slow")
    bus.subscribe("*", quick)
    for _ in range(3):
        bus.publish(log.one())
    assert quick.versions == [1, 2, 3]
    slow.let_go.set()
    until(lambda: slow.versions == [1, 2, 3])


def test_compaction_past_a_cursor_is_logged_and_the_rest_is_told(
    log: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bus, ear = open_bus(log), Ear()
    bus.subscribe("*", ear, durable_name="mail")
    log.one()
    bus.wake(SPACE)
    until(lambda: ear.heard)
    bus.close()
    for _ in range(4):
        log.one()
    log.store.compact(SPACE, 3)
    later = Ear()
    open_bus(log).subscribe("*", later, durable_name="mail")
    until(lambda: len(later.heard) == 2)
    assert later.versions == [4, 5]
    assert "revisions 2 to 3 of a space were compacted before they were read" in caplog.text


def test_another_epoch_is_logged_and_read_from_its_beginning(
    log: Bench, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    bus, ear = open_bus(log), Ear()
    bus.subscribe("*", ear, durable_name="mail")
    first, noted = log.one(), log.audit(minute=1)
    log.store.backup(tmp_path / "kept")
    lost = log.one()
    bus.wake(SPACE)
    until(lambda: len(ear.heard) == 3)
    log.store.restore(tmp_path / "kept", replace=True)
    assert caplog.text.count("the history of a space was replaced") == 0
    bus.wake(SPACE)
    until(lambda: len(ear.heard) == 5)
    assert sorted(ear.ids[:3]) == sorted([first.id, noted.id, lost.id])
    assert ear.ids[3:] == [first.id, noted.id]
    assert caplog.text.count("the history of a space was replaced") == 1


def test_a_space_that_is_gone_disturbs_nobody(log: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bus, ear = open_bus(log, sweep=0.01), Ear()
    bus.subscribe("*", ear)
    bus.subscribe("*", ear, durable_name="mail")
    log.one(space="Lighthouse")
    until(lambda: len(ear.heard) == 2)
    log.store.drop_space("Lighthouse")
    bus.wake("Lighthouse")
    bus.publish(log.one())
    until(lambda: len(ear.heard) == 4)
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


def test_while_the_store_is_away_events_wait(log: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bus, ear, durable = open_bus(log, sweep=0.02), Ear(), Ear()
    bus.subscribe("*", ear)
    bus.subscribe("*", durable, durable_name="mail")
    event, read_log, away = log.one(), log.store.read_log, list[int]()

    def fail(space: str, *, after: int, limit: int) -> LogPage:
        if len(away) < 4:
            away.append(1)
            raise StoreDown
        return read_log(space, after=after, limit=limit)

    monkeypatch.setattr(log.store, "read_log", fail)
    bus.publish(event)
    assert ear.heard == []
    until(lambda: ear.heard and durable.heard)
    assert ear.heard == durable.heard == [event]


steps = st.lists(
    st.one_of(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True),
        st.just("audit"),
        st.integers(1, 4),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(steps)
def test_reading_on_tells_each_fact_once_and_in_order(steps: list[Any]) -> None:
    """However commits, audit records and reads of any length follow each other."""
    bench, committed, told = Bench("log"), list[StateEvent](), list[StateEvent]()
    cursor = Cursor(name="", space=SPACE)

    def catch_up(limit: int, *, whole: bool) -> None:
        nonlocal cursor
        more = True
        while more:
            batch = read(bench.store, cursor, limit)
            told.extend(event for event, _ in batch.steps)
            cursor, more = batch.cursor, batch.more and whole

    for step in steps:
        match step:
            case int():
                catch_up(step, whole=False)
            case "audit":
                committed.append(bench.audit())
            case ids:
                committed += bench.commit(*ids)
    catch_up(2, whole=True)
    assert sorted(each.id for each in told) == sorted(each.id for each in committed)
    for audit in (True, False):
        wanted = [each for each in committed if (":a" in each.id) == audit]
        assert [each for each in told if (":a" in each.id) == audit] == wanted


def test_a_cursor_passes_a_revision_only_when_all_of_it_is_dealt_with(log: Bench) -> None:
    log.commit("a", "b", "c")
    log.one("a")
    batch = read(log.store, Cursor(name="", space=SPACE))
    assert [after.revision for _, after in batch.steps] == [0, 0, 1, 2]
