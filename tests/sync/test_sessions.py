"""Sessions outlive sockets: they are resumed by their owner only, ended once, and hold what others may rely on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from state import fanout
from state.models import Connection
from state.policy import Caller
from state.sync import control
from state.sync.protocol.limits import SUPERSEDED
from state.sync.sessions import KEPT, SHOWN, SILENT, Note, Opened, Sessions, SubNote, floor
from state.values import ConnectionStatus, EventType, StateEvent
from tests.bus.build import until

pytestmark = pytest.mark.django_db

SPACE = "Harbour"
WIM = Caller(space=SPACE, name="agent:wim", principals=frozenset({"role:worker"}))
WES = Caller(space=SPACE, name="agent:wes", principals=frozenset({"role:worker"}))


class Desk:
    """Sessions with a clock that goes when told to, and what was told."""

    def __init__(self) -> None:
        self.events: list[StateEvent] = []
        self.now = datetime.now(UTC)
        self.sessions = Sessions(self.events.append, clock=lambda: self.now)

    def open(self, caller: Caller = WIM, **more: Any) -> Opened:
        return self.sessions.open(caller, **{"user_id": None, "process": "p1", **more})

    def note(self, opened: Opened, acked: int = 0, **more: Any) -> tuple[str, ...]:
        subs = (SubNote(1, ("plan", "notes/*"), "all", acked, "token"),)
        given = {"subscriptions": subs, "heartbeat": self.now, **more}
        return self.sessions.note([Note(session=opened.id, generation=opened.generation, **given)])

    def told(self) -> list[EventType]:
        found = [each.type for each in self.events]
        self.events.clear()
        return found

    def go(self, time: timedelta) -> None:
        self.now += time


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def heard() -> list[Any]:
    found: list[Any] = []
    listening = fanout.hub().subscribe(
        control.TOPIC, lambda m: found.append(control.read(m.payload))
    )
    listening.ready.result(10)
    return found


def row(opened: Opened) -> Connection:
    return Connection.objects.get(pk=opened.id)


def test_a_session_is_resumed_with_all_that_was_noted(desk: Desk) -> None:
    first = desk.open(name="desk", process="p1")
    desk.note(first, 7)
    desk.sessions.leave(first.id, first.generation)
    assert row(first).status == ConnectionStatus.RECONNECTING
    desk.go(KEPT - timedelta(seconds=1))
    again = desk.open(session=first.id, process="p2")
    assert (again.id, again.resumed) == (first.id, True)
    assert again.generation > first.generation
    found = row(again)
    assert (found.acked, found.subscriptions[0]["token"], found.process) == (7, "token", "p2")
    assert (found.status, found.expires_at) == (ConnectionStatus.CONNECTED, None)


@pytest.mark.parametrize(
    "who", ["another agent", "another space", "another user", "late", "bye", "error"]
)
def test_what_is_not_ones_own_or_over_is_not_resumed(desk: Desk, who: str) -> None:
    ada = User.objects.create_user("ada2")
    first = desk.open(user_id=ada.pk)
    caller, user = WIM, cast("int | None", ada.pk)
    if who == "another agent":
        caller = WES
    elif who == "another space":
        caller = Caller(space="Pier", name=WIM.name)
    elif who == "another user":
        user = None
    elif who == "late":
        desk.sessions.leave(first.id, first.generation)
        desk.go(KEPT)
    elif who == "bye":
        desk.sessions.leave(first.id, first.generation, ended=True)
    else:
        desk.sessions.leave(first.id, first.generation, error="it lied")
    again = desk.open(caller, user_id=user, session=first.id)
    assert again.id != first.id and not again.resumed


def test_a_late_leave_of_an_old_socket_does_not_end_a_resumed_session(desk: Desk) -> None:
    first = desk.open()
    again = desk.open(session=first.id)
    for ended in (False, True):
        desk.sessions.leave(first.id, first.generation, ended=ended)
    desk.sessions.leave(first.id, first.generation, error="late")
    assert row(again).status == ConnectionStatus.CONNECTED
    assert desk.note(first, 9) == (first.id,)
    assert row(again).acked is None
    assert desk.note(again, 3) == ()


def test_a_socket_whose_session_was_taken_up_elsewhere_is_told(
    desk: Desk, heard: list[Any]
) -> None:
    first = desk.open(process="p1")
    desk.open(session=first.id, process="p2")
    until(lambda: heard)
    assert heard == [control.End(first.id, SUPERSEDED, "resumed", first.generation)]


def test_exclusive_ends_the_others_of_that_agent_and_name_only(
    desk: Desk, heard: list[Any]
) -> None:
    old, other, wes = desk.open(name="a"), desk.open(name="b"), desk.open(WES, name="a")
    new = desk.open(name="a", exclusive=True)
    assert new.superseded == (old.id,)
    until(lambda: heard)
    assert [(each.session, each.code) for each in heard] == [(old.id, SUPERSEDED)]
    assert row(old).status == ConnectionStatus.DISCONNECTED
    assert {row(each).status for each in (other, wes, new)} == {ConnectionStatus.CONNECTED}
    assert desk.note(old) == (old.id,)


def test_leaving_twice_tells_once_and_keeps_the_first_reason(desk: Desk) -> None:
    opened = desk.open()
    assert desk.told() == [EventType.AGENT_CONNECTED]
    desk.sessions.leave(opened.id, opened.generation, error="it lied")
    desk.sessions.leave(opened.id, opened.generation, ended=True)
    desk.sessions.leave(opened.id, opened.generation)
    assert desk.told() == [EventType.AGENT_DISCONNECTED]
    assert (row(opened).status, row(opened).error) == (ConnectionStatus.ERROR, "it lied")


def test_a_flapping_socket_is_one_agent_that_connected_once(desk: Desk) -> None:
    opened = desk.open()
    for _ in range(3):
        desk.sessions.leave(opened.id, opened.generation)
        opened = desk.open(session=opened.id)
    assert desk.told() == [EventType.AGENT_CONNECTED]


def test_leaving_again_does_not_prolong_the_time_that_a_session_is_kept(desk: Desk) -> None:
    opened = desk.open()
    desk.sessions.leave(opened.id, opened.generation)
    kept = row(opened).expires_at
    desk.go(timedelta(minutes=1))
    desk.sessions.leave(opened.id, opened.generation)
    assert row(opened).expires_at == kept


def test_any_number_of_notes_takes_two_messages(desk: Desk) -> None:
    counts = []
    for number in (1, 40):
        opened = [desk.open(name=str(each)) for each in range(number)]
        notes = [
            Note(
                session=each.id,
                generation=each.generation,
                heartbeat=desk.now,
                subscriptions=(SubNote(1, ("*",), "all", place, ""),),
                conflicts=place,
            )
            for place, each in enumerate(opened)
        ]
        with CaptureQueriesContext(connection) as seen:
            assert desk.sessions.note(notes) == ()
        counts.append(len([each for each in seen if "state_connection" in each["sql"]]))
        assert [row(each).acked for each in opened] == list(range(number))
        assert [row(each).conflict_count for each in opened] == list(range(number))
    assert counts == [2, 2]


def test_conflicts_add_up_and_the_least_subscription_counts(desk: Desk) -> None:
    opened = desk.open()
    subs = (SubNote(1, ("plan",), "all", 9), SubNote(2, ("*",), "latest", 4))
    desk.note(opened, subscriptions=subs, conflicts=2, parked=True)
    desk.note(opened, subscriptions=subs, conflicts=1, parked=True)
    found = row(opened)
    assert (found.acked, found.conflict_count, found.parked) == (4, 3, True)


def test_the_floor_is_what_the_slowest_live_session_has_acknowledged(desk: Desk) -> None:
    assert floor(SPACE) is None
    fast, slow = desk.open(), desk.open(WES)
    desk.open(name="subscribes to nothing")
    assert floor(SPACE) is None
    desk.note(fast, 90)
    desk.note(slow, 12)
    assert (floor(SPACE), floor("Pier")) == (12, None)
    desk.sessions.leave(slow.id, slow.generation)
    assert floor(SPACE) == 12
    desk.sessions.leave(fast.id, fast.generation, ended=True)
    Connection.objects.filter(pk=slow.id).update(expires_at=desk.now - timedelta(seconds=1))
    assert floor(SPACE) is None


def test_silence_expiry_and_oblivion_come_one_after_the_other(desk: Desk) -> None:
    opened, awake = desk.open(), desk.open(WES)
    desk.told()
    desk.go(SILENT + timedelta(seconds=1))
    desk.note(awake)
    assert desk.sessions.sweep() == {"silent": 1, "expired": 0, "forgotten": 0}
    assert row(opened).status == ConnectionStatus.RECONNECTING
    assert row(awake).status == ConnectionStatus.CONNECTED
    desk.go(KEPT)
    desk.note(awake)
    desk.told()
    assert desk.sessions.sweep()["expired"] == 1
    assert desk.sessions.sweep()["expired"] == 0
    assert desk.told() == [EventType.AGENT_DISCONNECTED]
    assert (row(opened).acked, row(opened).subscriptions) == (None, [])
    desk.go(SHOWN + timedelta(seconds=1))
    desk.note(awake)
    assert desk.sessions.sweep()["forgotten"] == 1
    assert list(Connection.objects.values_list("pk", flat=True)) == [awake.id]


def test_who_is_heard_again_is_connected_again(desk: Desk) -> None:
    opened = desk.open()
    desk.go(SILENT + timedelta(seconds=1))
    desk.sessions.sweep()
    assert desk.note(opened, 5) == ()
    assert (row(opened).status, row(opened).expires_at) == (ConnectionStatus.CONNECTED, None)


def test_heartbeats_of_an_agent_are_told_once_a_minute(desk: Desk) -> None:
    one, two, wes = desk.open(name="1"), desk.open(name="2"), desk.open(WES)
    desk.told()
    for _ in range(4):
        for each in (one, two, wes):
            desk.note(each)
        desk.go(timedelta(seconds=15))
    assert desk.told() == [EventType.AGENT_HEARTBEAT] * 2
    desk.note(two)
    assert desk.told() == [EventType.AGENT_HEARTBEAT]


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """In threads of their own, that begin together."""
    ready = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        ready.wait(10)
        try:
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result(30) for each in [pool.submit(run, call) for call in calls]]


@pytest.mark.django_db(transaction=True)
def test_of_sockets_that_resume_at_once_each_has_a_generation_of_its_own(desk: Desk) -> None:
    first = desk.open()
    found = at_once(*[lambda: desk.open(session=first.id)] * 4)
    assert sorted(each.generation for each in found) == [2, 3, 4, 5]
    assert {each.id for each in found} == {first.id}


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_tell_of_an_end_once(desk: Desk) -> None:
    for _ in range(5):
        opened = desk.open()
        desk.sessions.leave(opened.id, opened.generation)
    desk.go(KEPT)
    desk.told()
    done = at_once(desk.sessions.sweep, desk.sessions.sweep, desk.sessions.sweep)
    assert sum(each["expired"] for each in done) == 5
    assert desk.told() == [EventType.AGENT_DISCONNECTED] * 5


def test_what_another_version_says_on_the_control_topic_is_ignored() -> None:
    assert control.read(b'{"type":"dance"}') is None
    assert control.read(b"nonsense") is None
