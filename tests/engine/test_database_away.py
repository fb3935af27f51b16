"""The database or the hub fails under the writer: work is delayed, nothing is lost, doubled or leaked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from groups import queue
from groups.agents.base import Answered, Request, TextDelta
from groups.engine.engine import Engine
from groups.engine.writer import GIVE_UP
from groups.models import Group, Run
from groups.services import messaging, recovery
from groups.services.ledger import Ledger
from groups.services.subtasks import Batch, Step, Work
from state import fanout
from tests.engine.conftest import Doorbell
from tests.engine.scripted import (
    Gate,
    Said,
    Scripted,
    at_work,
    check_log,
    ended,
    events,
    start,
    sub,
    wait_for,
)
from tests.unit.world import item, plan


class Fault:
    """Makes a function raise for the writer's thread while `times` lasts."""

    def __init__(self, function: Callable[..., Any], error: Exception, *, after: bool) -> None:
        self.function = function
        self.error = error
        self.after = after
        self.times = 0
        self.raised = 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        strikes = self.times > 0 and threading.current_thread().name == "stars-writer"
        if strikes and not self.after:
            self._strike()
        result = self.function(*args, **kwargs)
        if strikes and self.after:
            self._strike()
        return result

    def _strike(self) -> None:
        self.times -= 1
        self.raised += 1
        raise self.error


PLACES: list[tuple[type, str, bool]] = [
    (Batch, "open", False),
    (Batch, "open", True),
    (Batch, "_look_up", False),
    (Batch, "_requests", True),
    (Batch, "_has_room", False),
    (Ledger, "store", False),
    (Ledger, "store", True),
    (BaseDatabaseWrapper, "commit", False),
    (BaseDatabaseWrapper, "commit", True),  # it took place, and its answer was lost
]


@pytest.mark.parametrize(("owner", "name", "after"), PLACES)
def test_wherever_it_fails_the_run_completes_and_no_slot_is_lost(
    crew: Group,
    script: Scripted,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    after: bool,
) -> None:
    script.plan = plan(item("a"), item("b", "a"))
    fault = Fault(getattr(owner, name), OperationalError("database is away"), after=after)
    monkeypatch.setattr(owner, name, lambda *args, **kwargs: fault(*args, **kwargs))
    free = engine._free
    fault.times = 3
    run = ended(start(crew))
    # A write that took place is not tried again, so the whole run may have fewer than three; and its run is seen to
    # have ended before the fault is raised.
    least = 1 if (name, after) == ("commit", True) else 3
    wait_for(lambda: least <= fault.raised <= 3)
    assert (run.status, run.result) == ("completed", "a: A by wim\nb: B by wim")
    wait_for(lambda: engine._free == free and not engine._held)


def test_an_outage_in_the_middle_loses_no_report(
    crew: Group, script: Scripted, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    script.plan = plan(item("a"), item("b"), item("c"))
    script.acts = dict.fromkeys("ABC", gate)
    run = start(crew)
    at_work(run, "a", "b", "c")
    fault = Fault(Ledger.store, OperationalError("away"), after=False)
    monkeypatch.setattr(Ledger, "store", lambda *args: fault(*args))
    fault.times = 4
    gate.is_open = True
    assert ended(run).status == "completed" and fault.raised == 4
    # Their claims stood, so what they answered is taken from the first attempt.
    assert {key: sub(run, key).attempt for key in "abc"} == {"a": 1, "b": 1, "c": 1}
    assert all(len(script.called(title)) == 1 for title in "ABC")


def test_after_an_outage_longer_than_the_lease_the_sweep_takes_over(
    crew: Group,
    script: Scripted,
    doorbell: Doorbell,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.STARS_LEASE_SECONDS = 0.5
    engine = doorbell.engine()
    gate = Gate()
    script.acts["A"] = gate
    run = start(crew)
    at_work(run, "a")
    fault = Fault(Ledger.store, OperationalError("away"), after=False)
    monkeypatch.setattr(Ledger, "store", lambda *args: fault(*args))
    fault.times = 5
    gate.is_open = True
    wait_for(lambda: fault.raised == 5)

    def over() -> bool:
        recovery.sweep(owner=engine.owner)
        return Run.objects.get(pk=run.pk).status == "completed"

    wait_for(over)
    ended(run)
    assert sub(run, "a").attempt == 2


@pytest.mark.parametrize("error", [RuntimeError("hub broke"), OperationalError("odd")])
def test_a_hub_that_raises_undoes_no_commit(
    crew: Group,
    script: Scripted,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    """What is said after the commit can fail; the commit stands, so nothing of it may be done again."""
    fault = Fault(fanout.hub().publish, error, after=True)
    monkeypatch.setattr(fanout.hub(), "publish", fault)
    fault.times = 100
    gate = Gate()
    script.acts["A"] = gate
    run = start(crew)
    wait_for(lambda: gate.inside)
    gate.is_open = True
    run = ended(run)
    assert run.status == "completed" and gate.cancelled == 0
    assert len(script.called("A")) == 1 and sub(run, "a").refused == 0
    assert len(events(run, "subtask.started")) == 3


def test_a_broker_that_raises_stops_neither_engine_nor_run(
    crew: Group,
    script: Scripted,
    doorbell: Doorbell,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.STARS_WORKER_SLOTS = 1
    engine = doorbell.engine()
    script.plan = plan(item("a"), item("b"), item("c"))
    sent: list[str] = []

    def send(name: str, **kwargs: Any) -> None:
        sent.append(name)
        if len(sent) > 1:
            raise RuntimeError("broker broke")
        doorbell.send(name, **kwargs)

    monkeypatch.setattr(queue, "_send", send)
    gate = Gate()
    script.acts = dict.fromkeys("ABC", gate)
    run = start(crew)
    wait_for(lambda: len(sent) > 1, "the bell for others, since only one slot is here")
    gate.is_open = True
    assert ended(run).status == "completed"
    assert engine._writer.is_alive()
    check_log(run)


def test_a_broker_that_does_not_answer_holds_up_no_commit(
    crew: Group, doorbell: Doorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even when the answer of an agent is a letter to be delivered."""
    doorbell.engine()
    is_open, sent = threading.Event(), list[str]()

    def send(name: str, **kwargs: Any) -> bool:
        if name == queue.DELIVER:
            is_open.wait(20)
        sent.append(name)
        doorbell.send(name, **kwargs)
        return False

    asked = messaging.broadcast(actor=None, group=crew, text="@wim well?")
    queue.settle()
    monkeypatch.setattr(queue, "_send", send)
    try:
        messaging.deliver(message_id=asked.id)
        wait_for(asked.replies.exists, "the answer, for whose delivery is rung")
        run = start(crew)
        # Its bell waits behind that of the letter.
        doorbell.engines[0].drive([run.id])
        assert ended(run).status == "completed"
        assert queue.DELIVER not in sent
    finally:
        is_open.set()
    queue.settle()
    assert queue.DELIVER in sent


def test_letters_are_rung_for_one_by_one_until_the_broker_is_away(
    crew: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_send", lambda name, **kwargs: None)
    letters = [
        messaging.broadcast(actor=None, group=crew, text=text, sender="wim").id for text in "abc"
    ]
    queue.settle()
    sent: list[int] = []
    monkeypatch.setattr(queue, "_send", lambda name, message_id: sent.append(message_id))
    with transaction.atomic():
        for key in letters:
            queue.deliver(key)
    queue.settle()
    assert sent == letters
    away = threading.Event()

    def send(name: str, message_id: int) -> bool:
        away.wait(10)
        sent.append(message_id)
        return True

    monkeypatch.setattr(queue, "_send", send)
    with transaction.atomic():
        for key in letters:
            queue.deliver(key)
    away.set()
    queue.settle()
    assert sent == [*letters, letters[0]]


def test_what_was_committed_without_an_answer_is_not_written_twice(
    crew: Group, script: Scripted, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def speaks(request: Request) -> AsyncIterator[Said]:
        for word in ("one ", "two ", "three"):
            yield TextDelta(word)
            await asyncio.sleep(0.06)
        yield Answered("one two three")

    script.plan = plan(item("a"))
    script.acts["A"] = speaks
    fault = Fault(BaseDatabaseWrapper.commit, OperationalError("connection lost"), after=True)
    monkeypatch.setattr(BaseDatabaseWrapper, "commit", lambda *args: fault(*args))
    fault.times = 4
    run = ended(start(crew))
    wait_for(lambda: fault.raised == 4)
    assert run.status == "completed"
    said = [row.data["text"] for row in events(run, "text.delta") if row.agent_id == "wim"]
    assert "".join(said) == "one two three"


def test_a_run_that_cannot_be_written_again_and_again_is_failed(
    crew: Group,
    script: Scripted,
    engine: Engine,
    doorbell: Doorbell,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = Gate()
    script.acts["A"] = gate
    poisoned, healthy = start(crew), start(crew)
    at_work(poisoned, "a")
    at_work(healthy, "a")
    apply = Batch.apply

    def poison(self: Batch, steps: list[Step]) -> list[Work]:
        if any(step.run_id == poisoned.id for step in steps):
            raise ValueError("this run is poison")
        return apply(self, steps)

    monkeypatch.setattr(Batch, "apply", poison)
    gate.is_open = True
    assert ended(healthy).status == "completed"
    for _ in range(GIVE_UP):
        engine.drive([poisoned.id])
        settled = threading.Event()
        engine._writer.call(settled.set)
        assert settled.wait(10)
    assert ended(poisoned).status == "failed" and "could not go on" in poisoned.error
