"""Several engines, dead and undead ones, lost bells: each attempt is performed once and no late result is taken."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from groups import queue
from groups.agents.base import AgentError, Answered, Request, TextDelta
from groups.engine.engine import Engine
from groups.execution import retries
from groups.models import Group, Run, Subtask
from groups.services import recovery, runs
from groups.services.ledger import Machine
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
    statuses,
    sub,
    wait_for,
)
from tests.unit.world import item, plan


@pytest.fixture(autouse=True)
def _quick_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "BASE", 0.02)


def test_of_several_engines_one_gets_each_attempt(
    crew: Group, script: Scripted, doorbell: Doorbell
) -> None:
    async def once_flaky(request: Request) -> AsyncIterator[Said]:
        if request.attempt == 1:
            raise AgentError("busy", transient=True)
        yield Answered(request.title)

    for _ in range(3):
        doorbell.engine()
    script.plan = plan(*(item(f"k{n}", assignee="steady") for n in range(8)), item("z", "k0", "k7"))
    script.acts["K3"] = once_flaky
    several = [start(crew) for _ in range(6)]
    for run in several:
        doorbell.send("groups.drive", run_ids=[str(run.id)])
    for run in several:
        assert ended(run, seconds=30).status == "completed"
    done = Counter((call.subtask_id, call.attempt) for call in script.calls)
    assert set(done.values()) == {1} and len(done) == 6 * (8 + 1 + 1 + 2)
    assert not Subtask.objects.filter(refused__gt=0).exists()


def test_a_lease_that_is_not_extended_passes_to_another_engine_and_the_zombie_is_refused(
    crew: Group,
    script: Scripted,
    doorbell: Doorbell,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.STARS_LEASE_SECONDS = 1.0
    first = doorbell.engine()
    monkeypatch.setattr(first, "_check_leases", lambda: None)
    gate = Gate()

    async def twice(request: Request) -> AsyncIterator[Said]:
        if request.attempt == 1:
            async for said in gate(request):
                yield TextDelta("late words")
                yield said
        else:
            yield TextDelta("fresh")
            yield Answered("fresh")

    script.acts["A"] = twice
    run = start(crew)
    at_work(run, "a")
    doorbell.engines = []
    doorbell.engine()
    wait_for(lambda: recovery.sweep(owner="elsewhere/1/1").expired == 1)

    def performed_again() -> bool:
        recovery.sweep(owner="elsewhere/1/1")
        return len(script.called("A")) == 2

    wait_for(performed_again)
    ended(run)
    gate.is_open = True
    wait_for(lambda: sub(run, "a").refused == 1)
    first.shutdown(0)
    run.refresh_from_db()
    assert (run.status, run.result) == ("completed", "a: fresh")
    assert [e.data["text"] for e in events(run, "text.delta")] == ["fresh"]
    (lost,) = events(run, "subtask.retrying")
    assert lost.data["cause"] == "lost"
    check_log(run)


def test_leases_are_extended_while_agents_think(
    crew: Group, script: Scripted, doorbell: Doorbell, settings: Any
) -> None:
    settings.STARS_LEASE_SECONDS = 2.0
    doorbell.engine()
    gate = Gate()
    script.acts["A"] = gate
    run = start(crew)
    at_work(run, "a")
    first = sub(run, "a").lease_until
    assert first is not None
    wait_for(lambda: (sub(run, "a").lease_until or first) > first)
    gate.is_open = True
    ended(run)
    assert run.status == "completed" and len(script.called("A")) == 1


def test_a_lost_bell_is_rung_again_by_the_sweep(
    crew: Group, script: Scripted, doorbell: Doorbell
) -> None:
    engine = doorbell.engine()
    doorbell.lost = True
    run = start(crew)
    queue.settle()
    assert doorbell.rung == [run.id]
    doorbell.lost = False
    assert statuses(run) == {"plan": "ready"}
    assert recovery.sweep(owner=engine.owner).rung == 1
    assert ended(run).status == "completed"


def test_the_sweep_leaves_standing_runs_alone(
    crew: Group, script: Scripted, doorbell: Doorbell
) -> None:
    doorbell.lost = True
    paused, awaiting, over = start(crew), start(crew), start(crew)
    runs.pause(actor=None, run=paused)
    runs.cancel(actor=None, run=over)
    Run.objects.filter(pk=awaiting.pk).update(status="awaiting_approval")
    queue.settle()
    assert recovery.sweep(owner="here/1/1") == (0, 0, 0, 0)


def test_the_sweep_takes_dead_neighbours_leases_at_once(
    crew: Group, script: Scripted, doorbell: Doorbell
) -> None:
    engine = doorbell.engine()
    gate = Gate()
    script.acts["A"] = gate
    script.plan = plan(item("a"), item("b"), item("c"))
    script.acts |= dict.fromkeys("BC", gate)
    run = start(crew)
    at_work(run, "a", "b", "c")
    home = engine.owner.rpartition("/")[0]
    names = {"a": f"{home}/4194305", "b": "another-machine/1/4194305", "c": engine.owner}
    for key, name in names.items():  # no process has a number beyond 4194304
        Subtask.objects.filter(run=run, key=key).update(lease_owner=name)
    assert recovery.sweep(owner=engine.owner).expired == 1
    (lost,) = events(run, "subtask.retrying")
    assert (lost.subtask, lost.data["cause"]) == (sub(run, "a").id, "lost")
    assert statuses(run)["b"] == statuses(run)["c"] == "running"
    wait_for(lambda: gate.cancelled == 1)
    gate.is_open = True


def test_a_run_that_cannot_be_written_does_not_hurt_the_others_of_its_batch(
    crew: Group, script: Scripted, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = engine._free
    poisoned: set[uuid.UUID] = set()
    claim = Machine.claim

    def poison(machine: Machine, *args: Any, **kwargs: Any) -> Any:
        if machine.run.id in poisoned:
            raise ValueError("poison")
        return claim(machine, *args, **kwargs)

    monkeypatch.setattr(Machine, "claim", poison)
    held = threading.Event()
    engine._writer.call(partial(_wait, held))
    several = [start(crew) for _ in range(5)]
    sick = several.pop(2)
    poisoned.add(sick.id)
    held.set()
    for run in several:
        assert ended(run).status == "completed"
    assert check_log(sick).last_seq == 2
    wait_for(lambda: engine._free == free)
    poisoned.clear()
    recovery.sweep(owner=engine.owner)
    assert ended(sick).status == "completed"


def test_a_result_that_cannot_be_written_is_tried_again_after_its_lease(
    crew: Group,
    script: Scripted,
    doorbell: Doorbell,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.STARS_LEASE_SECONDS = 1.0
    engine = doorbell.engine()
    complete = Machine.complete

    def poison(
        machine: Machine, key: uuid.UUID, token: uuid.UUID, text: str, data: Any = None
    ) -> bool:
        if text == "poison":
            raise ValueError("poison")
        return complete(machine, key, token, text, data)

    monkeypatch.setattr(Machine, "complete", poison)

    async def acts(request: Request) -> AsyncIterator[Said]:
        yield Answered("poison" if request.attempt == 1 else "fine")

    script.acts["A"] = acts
    run = start(crew)

    def over() -> bool:
        recovery.sweep(owner=engine.owner)
        return Run.objects.get(pk=run.pk).status == "completed"

    wait_for(over)
    assert ended(run).result == "a: fine"


def _wait(event: threading.Event) -> None:
    event.wait()
