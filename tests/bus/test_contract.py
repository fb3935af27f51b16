"""What both buses promise: whom they tell, in which order, and what they refuse (shared-state 1.9)."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from state.bus import BusClosed, DurableNameTaken, QueueFull
from state.errors import Invalid, Unavailable
from state.values import EventType, StateEvent
from tests.bus.build import Bench, Ear, beat, until


@pytest.mark.parametrize("durable", [False, True])
def test_publishing_runs_the_handlers_here_in_the_order_of_subscription(
    bench: Bench, durable: bool
) -> None:
    bus, told = bench.bus(), list[tuple[str, int, str]]()
    me = threading.get_ident()

    def teller(name: str) -> Callable[[StateEvent], None]:
        return lambda event: told.append((name, threading.get_ident(), event.state_id))

    for name in ("c", "a", "b"):
        bus.subscribe("*", teller(name))
    bus.publish(bench.one("tide") if durable else beat("tide"))
    assert told == [("c", me, "tide"), ("a", me, "tide"), ("b", me, "tide")]


@pytest.mark.parametrize("durable", [False, True])
def test_what_handlers_raise_comes_together_after_all_ran(bench: Bench, durable: bool) -> None:
    bus, ear = bench.bus(), Ear()
    for handler in (Ear(fail=1), ear, Ear(fail=1)):
        bus.subscribe("*", handler)
    with pytest.raises(ExceptionGroup) as raised:
        bus.publish(bench.one() if durable else beat())
    assert [type(each) for each in raised.value.exceptions] == [ValueError, ValueError]
    assert len(ear.heard) == 1


def test_only_the_asked_types_and_states_are_told(bench: Bench) -> None:
    bus = bench.bus()
    ears = {name: Ear() for name in ("created", "notes", "exact", "all")}
    bus.subscribe(EventType.STATE_CREATED, ears["created"])
    bus.subscribe("*", ears["notes"], states=["notes/*"])
    bus.subscribe("*", ears["exact"], states=["notes"])
    bus.subscribe("*", ears["all"])
    for state_id in ("notes/a", "notes", "plan", "notes/a"):
        bus.publish(bench.one(state_id))
    bus.publish(beat("notes/z"))
    told = {name: [each.state_id for each in ear.heard] for name, ear in ears.items()}
    assert told == {
        "created": ["notes/a", "notes", "plan"],
        "notes": ["notes/a", "notes/a", "notes/z"],
        "exact": ["notes"],
        "all": ["notes/a", "notes", "plan", "notes/a", "notes/z"],
    }


def test_an_unsubscribed_handler_is_told_nothing_more(bench: Bench) -> None:
    bus, gone, stays = bench.bus(), Ear(), Ear()
    handle = bus.subscribe("*", gone)
    bus.subscribe("*", stays)
    bus.publish(bench.one())
    bus.unsubscribe(handle)
    bus.unsubscribe(handle)
    bus.publish(bench.one())
    assert (gone.versions, stays.versions) == ([1], [1, 2])


def test_unsubscribing_waits_for_running_calls(bench: Bench) -> None:
    bus, ear = bench.bus(), Ear(hold=True)
    handle = bus.subscribe("*", ear)
    bus.publish_async(bench.one())
    assert ear.entered.wait(5)
    leaving = threading.Thread(target=bus.unsubscribe, args=(handle,))
    leaving.start()
    leaving.join(0.1)
    assert leaving.is_alive()
    ear.let_go.set()
    leaving.join(5)
    assert not leaving.is_alive()
    assert ear.versions == [1]


def test_unsubscribing_waits_for_a_running_call_of_a_durable_handler(bench: Bench) -> None:
    bus, ear = bench.bus(), Ear(hold=True)
    handle = bus.subscribe("*", ear, durable_name="slow")
    bus.publish_async(bench.one())
    assert ear.entered.wait(5)
    leaving = threading.Thread(target=bus.unsubscribe, args=(handle,))
    leaving.start()
    leaving.join(0.1)
    assert leaving.is_alive()
    ear.let_go.set()
    leaving.join(5)
    assert not leaving.is_alive()


@pytest.mark.parametrize("name", [None, "once"])
def test_a_handler_may_unsubscribe_itself(bench: Bench, name: str | None) -> None:
    bus, calls = bench.bus(), list[int]()

    def once(event: StateEvent) -> None:
        calls.append(event.version)
        bus.unsubscribe(handle)

    handle = bus.subscribe("*", once, durable_name=name)
    bus.publish(bench.one())
    until(lambda: calls)
    bus.publish(bench.one())
    bus.close()
    assert calls == [1]


def test_handlers_that_unsubscribe_each_other_do_not_wait_for_ever(bench: Bench) -> None:
    bus, both = bench.bus(), threading.Barrier(2, timeout=5)
    left = list[str]()

    def leave(event: StateEvent) -> None:
        both.wait()
        bus.unsubscribe(handles["b" if event.state_id == "a" else "a"])
        left.append(event.state_id)

    handles = {each: bus.subscribe("*", leave, states=[each]) for each in ("a", "b")}
    threads = [threading.Thread(target=bus.publish, args=(beat(each),)) for each in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert sorted(left) == ["a", "b"]


@pytest.mark.parametrize("durable", [False, True])
def test_what_a_handler_does_to_its_payload_nobody_else_sees(bench: Bench, durable: bool) -> None:
    def spoil(event: StateEvent) -> None:
        event.metadata.clear()
        for op in event.ops:
            value: Any = op.value
            value["list"].append("spoilt")

    bus, ear = bench.bus(), Ear()
    bus.subscribe("*", spoil)
    bus.subscribe("*", ear)
    event = bench.one(value={"list": [1]}) if durable else beat()
    bus.publish(event)
    heard = ear.heard[0]
    assert (heard, heard.metadata != {}) == (event, True)
    if durable:
        assert heard.ops[0].value == event.ops[0].value == {"list": [1]}


def test_a_queued_payload_stays_as_it_was_published(bench: Bench) -> None:
    bus, ear = bench.bus(), Ear(hold=True)
    bus.subscribe("*", ear)
    bus.publish_async(beat(version=1))
    late = beat(version=2)
    bus.publish_async(late)
    late.metadata["load"].append("spoilt")
    ear.let_go.set()
    bus.close()
    assert [each.metadata for each in ear.heard] == [{"load": [1]}, {"load": [1]}]


def test_queueing_returns_at_once_and_failures_are_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bus, slow, after = bench.bus(), Ear(fail=1, hold=True), Ear()
    bus.subscribe("*", slow)
    bus.subscribe("*", after)
    bus.publish_async(bench.one())
    assert after.heard == []
    slow.let_go.set()
    bus.close()
    assert after.versions == [1]
    (logged,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert logged.exc_info is not None
    assert isinstance(logged.exc_info[1], ValueError)


def test_a_full_queue_is_told_after_a_while_and_takes_again_once_there_is_room(
    bench: Bench,
) -> None:
    bus, ear = bench.bus(buffer_size=2, patience=0.05), Ear(hold=True)
    bus.subscribe("*", ear)
    bus.publish_async(beat(version=1))
    assert ear.entered.wait(5)  # it runs, and waits no more
    bus.publish_async(beat(version=2))
    bus.publish_async(beat("other", version=3))
    until(lambda: ear.calls == 2)  # another thread took the other state's
    bus.publish_async(beat("other", version=4))
    with pytest.raises(QueueFull) as refused:
        bus.publish_async(beat("third", version=5))
    assert isinstance(refused.value, Unavailable)
    assert refused.value.reason == "queue_full"
    threading.Timer(0.02, ear.let_go.set).start()
    bus.publish_async(beat("third", version=6))
    bus.close()
    assert sorted(ear.versions) == [1, 2, 3, 4, 6]


def test_a_handler_is_called_with_one_event_of_a_state_at_a_time_in_order(bench: Bench) -> None:
    ids, rounds = [f"state-{n}" for n in range(4)], 60
    bus, heard, overlaps = bench.bus(), {each: list[int]() for each in ids}, list[str]()
    busy, lock = set[str](), threading.Lock()

    def watch(event: StateEvent) -> None:
        with lock:
            if event.state_id in busy:
                overlaps.append(event.id)
            busy.add(event.state_id)
        if event.version % 7 == 0:
            threading.Event().wait(0.001)
        heard[event.state_id].append(event.version)
        with lock:
            busy.discard(event.state_id)

    def write(state_id: str) -> None:
        for n in range(rounds):
            event = bench.one(state_id)
            (bus.publish if n % 3 == 0 else bus.publish_async)(event)

    bus.subscribe("*", watch)
    threads = [threading.Thread(target=write, args=(each,)) for each in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    bus.close()
    assert heard == {each: list(range(1, rounds + 1)) for each in ids}
    assert overlaps == []


def test_what_a_handler_publishes_comes_after_what_it_is_told(bench: Bench) -> None:
    bus, told = bench.bus(), list[tuple[str, int]]()

    def answer(event: StateEvent) -> None:
        if event.version < 3:
            bus.publish(bench.one())
        told.append(("first", event.version))

    bus.subscribe("*", answer)
    bus.subscribe("*", lambda event: told.append(("second", event.version)))
    bus.publish(bench.one())
    until(lambda: len(told) == 6)
    assert told == [(who, n) for n in (1, 2, 3) for who in ("first", "second")]


def test_publishing_behind_a_slow_handler_waits_for_its_turn_and_runs_here(bench: Bench) -> None:
    bus, told, release = bench.bus(), list[tuple[int, int]](), threading.Event()
    entered = threading.Event()

    def handle(event: StateEvent) -> None:
        entered.set()
        assert release.wait(5)
        told.append((event.version, threading.get_ident()))

    bus.subscribe("*", handle)
    bus.publish_async(beat(version=1))
    assert entered.wait(5)
    bus.publish_async(beat(version=2))
    threading.Timer(0.05, release.set).start()
    bus.publish(beat(version=3))
    assert [version for version, _ in told] == [1, 2, 3]
    assert told[0][1] != told[2][1] == threading.get_ident()


def test_publishing_behind_a_slow_handler_gives_its_turn_up_and_keeps_its_place(
    bench: Bench,
) -> None:
    bus, ear = bench.bus(patience=0.05), Ear(hold=True)
    bus.subscribe("*", ear)
    bus.publish_async(bench.one())
    assert ear.entered.wait(5)
    bus.publish(bench.one())
    bus.publish_async(bench.one())
    assert ear.heard == []
    ear.let_go.set()
    bus.close()
    assert ear.versions == [1, 2, 3]


def test_closing_finishes_what_is_queued_and_then_refuses(bench: Bench) -> None:
    bus, ear = bench.bus(), Ear()
    bus.subscribe("*", ear)
    for n in range(20):
        bus.publish_async(bench.one())
        bus.publish_async(beat("other", n))
    bus.close()
    bus.close()
    assert len(ear.heard) == 40
    for refused in (
        lambda: bus.publish(bench.one()),
        lambda: bus.publish(beat()),
        lambda: bus.publish_async(bench.one()),
        lambda: bus.publish_async(beat()),
        lambda: bus.subscribe("*", ear),
        lambda: bus.redeliver("any"),
    ):
        with pytest.raises(BusClosed):
            refused()
    assert len(ear.heard) == 40


def test_a_handler_may_close_the_bus(bench: Bench) -> None:
    bus, closed = bench.bus(), threading.Event()

    def end(event: StateEvent) -> None:
        bus.close()
        closed.set()

    bus.subscribe("*", end)
    bus.publish_async(bench.one())
    assert closed.wait(5)


def test_closing_gives_up_on_handlers_that_do_not_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(f"state.bus.{bench.kind}.DRAIN", 0.1)
    bus, ear = bench.bus(), Ear(hold=True)
    bus.subscribe("*", ear)
    bus.publish_async(beat(version=1))
    assert ear.entered.wait(5)
    bus.publish_async(beat(version=2))
    bus.publish_async(beat(version=3))
    bus.close()
    ear.let_go.set()
    assert "the event bus closed with events undelivered: 2" in caplog.text
    until(lambda: ear.heard)
    assert ear.versions == [1]


def test_unsuitable_subscriptions_are_refused(bench: Bench) -> None:
    async def later(event: StateEvent) -> None: ...

    bus, ear = bench.bus(), Ear()
    bus.subscribe("*", ear, durable_name="mail")
    with pytest.raises(DurableNameTaken):
        bus.subscribe("*", ear, durable_name="mail")
    with pytest.raises(Invalid, match="not kept"):
        bus.subscribe(EventType.AGENT_HEARTBEAT, ear, durable_name="pulse")
    with pytest.raises(Invalid, match="state_changed"):
        bus.subscribe("state_changed", ear)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        bus.subscribe("*", later)
    with pytest.raises(TypeError):
        bus.subscribe("*", "handler")  # type: ignore[arg-type]
