"""Several processes at the same tasks: each row has one worker, the cap holds over all, nothing is served twice."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections

from state import queue as bell
from state import tasks as celery_tasks
from state.models import SyncTask
from state.sync import tasks
from state.sync.tasks import leases
from state.values import EventType, TargetStatus
from tests.bus.build import until
from tests.sync.desk import LENA, WES, WIM, Desk, agent, desk

__all__ = ["desk"]
pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """In threads of their own, that begin together."""
    ready = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        ready.wait(10)
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [each.result(30) for each in [pool.submit(run, call) for call in calls]]


@pytest.fixture
def small() -> Iterator[Desk]:
    """Two tasks at once."""
    found = Desk(max_concurrent_syncs=2)
    found.write(step=1)
    yield found
    found.close()


def test_of_runners_that_come_at_once_each_task_has_one(desk: Desk) -> None:
    ids = {desk.task() for _ in range(3)}
    claimed = at_once(*[desk.another().queue.claim] * 6)
    assert Counter(str(each.pk) for each in claimed if each) == Counter(dict.fromkeys(ids, 1))


def test_the_cap_holds_over_all_processes(small: Desk) -> None:
    for name in ("a", "b", "c", "d", "e", "f"):
        small.socket(agent(name))
        small.task("unicast", name)
    at_once(*[small.another(max_concurrent_syncs=2).work for _ in range(4)])
    running = SyncTask.objects.filter(status="running")
    assert running.count() == 2
    assert set(running.values_list("slot", flat=True)) == {0, 1}
    until(lambda: len(small.delivered) >= 2)
    assert len(small.delivered) == 2


def test_two_runners_deliver_once_to_each_target(desk: Desk) -> None:
    for caller in (LENA, WIM, WES):
        desk.socket(caller)
    desk.task()
    at_once(*[desk.another().work for _ in range(4)])
    until(lambda: len(desk.delivered) >= 3)
    assert sorted(each.agent for each in desk.delivered) == ["agent:lena", "agent:wes", "agent:wim"]
    assert desk.told(EventType.SYNC_STARTED) == [EventType.SYNC_STARTED]


def test_targets_that_acknowledge_at_once_complete_the_task_once(desk: Desk) -> None:
    names = [f"w{number}" for number in range(4)]
    for name in names:
        desk.socket(agent(name))
    task = desk.task("full_sync")
    desk.work()
    head = desk.states.space(LENA).revision
    at_once(*[lambda name=name: tasks.acked(task, f"agent:{name}", head) for name in names])
    desk.go(seconds=6)
    at_once(*[desk.another().work for _ in range(3)])
    assert desk.status(task) == "completed"
    assert desk.told(EventType.SYNC_COMPLETED) == [EventType.SYNC_COMPLETED]


def test_a_runner_that_died_is_followed_by_another_when_its_lease_is_over(desk: Desk) -> None:
    desk.socket(WIM)
    task = desk.task()
    dead = desk.sync.queue.claim()
    assert dead is not None
    desk.go(seconds=59)
    desk.work()
    assert not desk.statuses(task)
    desk.go(seconds=2)
    desk.socket(WIM)
    desk.work()
    assert desk.statuses(task) == {"agent:wim": TargetStatus.SENT}
    # Whoever held it before can change nothing any more.
    assert not leases.extend(dead, desk.now)
    desk.sync.queue.fail(dead, "late")
    desk.sync.queue.settle(dead)
    desk.sync.queue.postpone(dead, desk.now - desk.now)
    assert desk.status(task) == "running"


def test_a_message_that_celery_delivers_twice_does_nothing_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("state.conf.sync_manager", lambda: desk.sync)
    desk.socket(WIM)
    desk.task()
    at_once(*[celery_tasks.sync_tasks] * 3)
    celery_tasks.sync_tasks()
    until(lambda: desk.delivered)
    assert len(desk.delivered) == 1


def test_bells_in_a_burst_are_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    class Signature:
        def __init__(self, name: str) -> None:
            self.name = name

        def apply_async(self, **_: Any) -> None:
            sent.append(self.name)

    monkeypatch.setattr(bell, "current_app", type("App", (), {"signature": Signature}))
    monkeypatch.setattr(bell, "_bell", bell._Bell())
    for _ in range(100):
        bell.ring()
    until(lambda: sent)
    assert sent[0] == "state.sync_tasks" and len(sent) <= 2


def test_a_broker_that_is_away_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def signature(name: str) -> Any:
        tried.append(name)
        raise OSError("away")

    monkeypatch.setattr(bell, "current_app", type("App", (), {"signature": signature}))
    monkeypatch.setattr(bell, "_bell", bell._Bell())
    bell.ring()
    until(lambda: tried)


def test_whoever_claims_passes_over_what_others_hold(desk: Desk) -> None:
    one, two = desk.task(), desk.task()
    first = desk.sync.queue.claim()
    second = desk.sync.queue.claim()
    assert first and second
    assert [str(first.pk), str(second.pk)] == [one, two]
