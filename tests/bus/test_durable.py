"""Durable handlers on both buses: tries, pauses, dead letters."""

from __future__ import annotations

from typing import Any

import pytest

from state.bus import DeadLetterNotFound, HandlerNotFound
from state.values import EventType, StateEvent
from tests.bus.build import Bench, Ear, beat, until


def test_a_failing_call_is_repeated_with_growing_pauses(bench: Bench) -> None:
    bus, ear = bench.bus(), Ear(fail=5)
    bus.subscribe("*", ear, durable_name="mail")
    event = bench.one()
    bus.publish_async(event)
    until(lambda: ear.heard)
    assert ear.heard == [event]
    assert bench.pauses == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert bus.dead_letters("mail") == []


def test_what_fails_five_repetitions_becomes_a_dead_letter_and_is_passed_over(bench: Bench) -> None:
    bus, ear, other = bench.bus(), Ear(fail=6), Ear()
    bus.subscribe("*", ear, durable_name="mail")
    bus.subscribe("*", other)
    first, second = bench.one(), bench.one()
    bus.publish_async(first)
    bus.publish_async(second)
    until(lambda: ear.heard and len(other.heard) == 2)
    assert ear.ids == [second.id]
    assert ear.calls == 7
    (letter,) = bus.dead_letters("mail")
    assert (letter.name, letter.event, letter.attempts) == ("mail", first, 6)
    assert letter.error == f"ValueError: no to {first.id}"
    assert bus.dead_letters("letters") == []


def test_a_publisher_is_not_told_of_a_durable_handlers_failure(bench: Bench) -> None:
    bus, ear = bench.bus(), Ear(fail=6)
    bus.subscribe("*", ear, durable_name="mail")
    bus.publish(bench.one())
    until(lambda: bus.dead_letters("mail"))


def test_every_try_gets_a_fresh_copy(bench: Bench) -> None:
    seen = list[object]()

    def spoil(event: StateEvent) -> None:
        value: Any = event.ops[0].value
        seen.append(list(value))
        value.append("spoilt")
        raise ValueError("no")

    bus = bench.bus()
    bus.subscribe("*", spoil, durable_name="mail")
    bus.publish_async(bench.one(value=[3]))
    until(lambda: bus.dead_letters("mail"))
    assert seen == [[3]] * 6
    assert bus.dead_letters("mail")[0].event.ops[0].value == [3]


def test_only_durable_events_of_the_asked_states_are_told(bench: Bench) -> None:
    bus, ear, updates = bench.bus(), Ear(), Ear()
    bus.subscribe("*", ear, durable_name="notes", states=["notes/*"])
    bus.subscribe(EventType.STATE_UPDATED, updates, durable_name="updates")
    bus.publish(beat("notes/a"))
    for state_id in ("plan", "notes/a", "plan"):
        bus.publish_async(bench.one(state_id))
    until(lambda: ear.heard and updates.heard)
    bus.close()
    assert [each.state_id for each in ear.heard] == ["notes/a"]
    assert [(each.state_id, each.version) for each in updates.heard] == [("plan", 2)]


def test_a_dead_letter_can_be_delivered_again(bench: Bench) -> None:
    bus, ear = bench.bus(), Ear(fail=7)
    bus.subscribe("*", ear, durable_name="mail")
    event = bench.one()
    bus.publish_async(event)
    until(lambda: bus.dead_letters("mail"))
    (letter,) = bus.dead_letters("mail")
    with pytest.raises(ValueError, match="no to"):
        bus.redeliver(letter.id)
    (worse,) = bus.dead_letters("mail")
    assert (worse.id, worse.attempts, worse.at) == (letter.id, 7, letter.at)
    bus.redeliver(letter.id)
    assert ear.heard == [event]
    assert bus.dead_letters("mail") == []
    with pytest.raises(DeadLetterNotFound):
        bus.redeliver(letter.id)


def test_a_dead_letter_of_nobody_here_stays(bench: Bench) -> None:
    bus, ear = bench.bus(), Ear(fail=6)
    handle = bus.subscribe("*", ear, durable_name="mail")
    bus.publish_async(bench.one())
    until(lambda: bus.dead_letters("mail"))
    bus.unsubscribe(handle)
    (letter,) = bus.dead_letters("mail")
    with pytest.raises(HandlerNotFound):
        bus.redeliver(letter.id)
    assert bus.dead_letters("mail") == [letter]


def test_a_dead_letter_can_be_dropped(bench: Bench) -> None:
    bus, ear = bench.bus(), Ear(fail=6)
    bus.subscribe("*", ear, durable_name="mail")
    bus.publish_async(bench.one())
    until(lambda: bus.dead_letters("mail"))
    (letter,) = bus.dead_letters("mail")
    bus.drop(letter.id)
    assert bus.dead_letters("mail") == []
    with pytest.raises(DeadLetterNotFound):
        bus.drop(letter.id)


def test_a_name_can_be_used_again_once_it_is_free(bench: Bench) -> None:
    bus, first, second = bench.bus(), Ear(), Ear()
    handle = bus.subscribe("*", first, durable_name="mail")
    bus.publish_async(bench.one())
    until(lambda: first.heard)
    bus.unsubscribe(handle)
    bus.subscribe("*", second, durable_name="mail")
    bus.publish_async(bench.one())
    until(lambda: second.heard)
    assert (first.versions, second.versions) == ([1], [2])
