"""Runs from submission to result: order, parallelism, limits, tries, questions, approval, pauses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from groups.agents.base import AgentError, Answered, Request, TextDelta, Usage, Waiting
from groups.engine.engine import Engine
from groups.execution import retries
from groups.models import Agent, Group, Run, Subtask
from groups.services import recovery, runs
from tests.engine.conftest import Doorbell
from tests.engine.scripted import (
    Gate,
    Said,
    Scripted,
    check_log,
    ended,
    events,
    log_of,
    start,
    statuses,
    sub,
    wait_for,
)
from tests.unit.world import item, plan


def test_a_run_goes_from_task_to_result(crew: Group, script: Scripted, engine: Engine) -> None:
    script.plan = plan(item("a"), item("b", "a", assignee="wes"))
    run = ended(start(crew))
    assert (run.status, run.result) == ("completed", "a: A by wim\nb: B by wes")
    assert log_of(run) == [
        "run.queued",
        "subtask.ready plan",
        "run.started",
        "subtask.started plan",
        "plan.proposed plan",
        "subtask.completed plan",
        "subtask.ready a",
        "subtask.started a",
        "subtask.completed a",
        "subtask.ready b",
        "subtask.started b",
        "subtask.completed b",
        "run.summarising",
        "subtask.ready summary",
        "subtask.started summary",
        "subtask.completed summary",
        "run.completed",
    ]


def test_an_agent_gets_what_it_builds_on(crew: Group, script: Scripted, engine: Engine) -> None:
    script.plan = plan(item("a"), item("b"), item("c", "a"))
    ended(start(crew))
    (c,) = script.called("C")
    assert [(f.key, f.status, f.text) for f in c.findings] == [("a", "completed", "A by wim")]
    assert (c.task, c.attempt, c.agent_id) == ("Count the ships", 1, "wim")
    summary = script.calls[-1]
    assert [f.key for f in summary.findings] == ["a", "b", "c"]
    assert {m.agent_id for m in summary.members} == {"lena", "wim", "wes"}


def test_independent_work_overlaps(crew: Group, script: Scripted, engine: Engine) -> None:
    script.plan = plan(*(item(f"k{n}") for n in range(5)))
    gate = Gate()
    script.acts = {f"K{n}": gate for n in range(5)}
    run = start(crew)
    wait_for(lambda: gate.inside == 5)
    gate.is_open = True
    assert ended(run).status == "completed" and gate.most == 5


def test_max_parallel_holds_and_all_gets_done(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    script.plan = plan(*(item(f"k{n}") for n in range(7)))
    gate = Gate()
    script.acts = {f"K{n}": gate for n in range(7)}
    run = start(crew, max_parallel=2)
    wait_for(lambda: gate.inside == 2)
    gate.is_open = True
    assert ended(run).status == "completed" and gate.most == 2


def test_an_agents_own_cap_holds_over_several_runs(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    Agent.objects.filter(agent_id="wim").update(max_concurrency=2)
    script.plan = plan(item("a"), item("b"), item("c"))
    gate = Gate()
    script.acts = dict.fromkeys("ABC", gate)
    several = [start(crew) for _ in range(3)]
    wait_for(lambda: gate.inside == 2)
    gate.is_open = True
    for run in several:
        assert ended(run).status == "completed"
    assert gate.most == 2


def test_fewer_slots_than_work_starves_no_run(
    crew: Group, script: Scripted, doorbell: Doorbell, settings: Any
) -> None:
    settings.STARS_WORKER_SLOTS = 2
    doorbell.engine()
    script.plan = plan(*(item(f"k{n}") for n in range(6)))
    gate = Gate()
    script.acts = {f"K{n}": gate for n in range(6)}
    several = [start(crew) for _ in range(5)]
    wait_for(lambda: gate.inside == 2)
    gate.is_open = True
    for run in several:
        assert ended(run, seconds=30).status == "completed"
    assert gate.most == 2


def test_a_transient_failure_is_tried_again_after_its_back_off(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    async def flaky(request: Request) -> AsyncIterator[Said]:
        yield TextDelta("trying")
        if request.attempt < 3:
            raise AgentError("busy", transient=True)
        yield Answered("at last")

    script.acts["A"] = flaky
    run = ended(start(crew))
    assert run.status == "completed" and sub(run, "a").attempt == 3
    assert [r.attempt for r in script.called("A")] == [1, 2, 3]
    again, started = events(run, "subtask.retrying"), events(run, "subtask.started")
    assert [e.data["error"] for e in again] == ["busy", "busy"]
    begun = [e.at for e in started if e.subtask == sub(run, "a").id]
    for retry, next_try in zip(again, begun[1:], strict=True):
        assert (next_try - retry.at).total_seconds() >= retry.data["delay"]


def test_a_subtask_over_its_time_limit_is_stopped_and_tried_again(
    crew: Group, script: Scripted, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "BASE", 0.02)
    gate = Gate()
    script.acts["A"] = gate
    run = ended(start(crew, subtask_time_limit=0.1, max_attempts=2))
    assert run.status == "failed" and gate.cancelled == 2 and gate.inside == 0
    (again,) = events(run, "subtask.retrying")
    assert again.data["cause"] == "timeout" and "0.1 s" in again.data["error"]


def test_the_runs_time_limit_stops_its_agents(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    gate = Gate()
    script.acts["A"] = gate
    run = start(crew, time_limit=1.0)
    wait_for(lambda: gate.inside)

    def swept() -> bool:
        return recovery.sweep(owner=engine.owner).timed_out == 1

    wait_for(swept)
    assert ended(run).status == "failed" and "time limit of 1 s" in run.error
    wait_for(lambda: gate.cancelled == 1, seconds=2)


def test_a_question_waits_for_its_answer(crew: Group, script: Scripted, engine: Engine) -> None:
    async def asks(request: Request) -> AsyncIterator[Said]:
        if len(request.answers) < 2:
            yield Waiting(question=f"question {len(request.answers) + 1}?")
        else:
            yield Answered(" and ".join(request.answers))

    def asked(question: str) -> bool:
        return Subtask.objects.filter(run=run, question=question).exists()

    script.acts["A"] = asks
    run = start(crew)
    for n in (1, 2):
        wait_for(partial(asked, f"question {n}?"))
        assert sub(run, "a").status == "waiting"
        runs.answer(actor=None, run=run, subtask=sub(run, "a"), text=f"answer {n}")
    assert ended(run).result == "a: answer 1 and answer 2"
    assert [r.attempt for r in script.called("A")] == [1, 1, 1]


def test_approval_lets_the_plan_be_carried_out(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    run = start(crew, approve_plan=True)
    wait_for(lambda: Run.objects.get(pk=run.pk).status == "awaiting_approval")
    assert not script.called("A")
    runs.approve(actor=None, run=run, plan=plan(item("z", assignee="wes")).as_json())
    assert ended(run).result == "z: Z by wes"
    assert not script.called("A")


def test_a_pause_lets_the_running_finish_and_starts_nothing(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    script.plan = plan(item("a"), item("b", "a"))
    gate = Gate()
    script.acts["A"] = gate
    run = start(crew)
    wait_for(lambda: gate.inside)
    runs.pause(actor=None, run=run)
    gate.is_open = True
    wait_for(lambda: statuses(run)["b"] == "ready")
    engine.drive([run.id])
    recovery.sweep(owner=engine.owner)
    wait_for(lambda: not engine._writer._steps)
    assert not script.called("B") and gate.cancelled == 0
    assert check_log(run).status == "paused"
    runs.resume(actor=None, run=run)
    assert ended(run).status == "completed"


def test_a_failed_run_is_retried_and_keeps_what_was_done(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    script.plan = plan(item("a"), item("b"), item("c", "b"))

    async def fails(request: Request) -> AsyncIterator[Said]:
        raise AgentError("broken")
        yield Answered("")

    script.acts["B"] = fails
    run = ended(start(crew))
    assert run.status == "completed" and statuses(run)["c"] == "skipped"
    assert "b: broken" in run.result
    del script.acts["B"]
    runs.retry(actor=None, run=run)
    run = ended(run)
    assert run.result == "a: A by wim\nb: B by wim\nc: C by wim"
    assert len(script.called("A")) == 1


def test_text_is_written_at_most_every_fifty_milliseconds(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    spoken = []

    async def talks(request: Request) -> AsyncIterator[Said]:
        for n in range(200):
            spoken.append(f"{n} ")
            yield TextDelta(f"{n} ")
            await asyncio.sleep(0.003)
        yield Usage(input_tokens=3, output_tokens=4, requests=1, cost_usd=0.5)
        yield Answered("".join(spoken))

    script.acts["A"] = talks
    began = time.monotonic()
    run = ended(start(crew))
    took = time.monotonic() - began
    deltas = events(run, "text.delta")
    assert "".join(e.data["text"] for e in deltas) == "".join(spoken)
    assert 2 <= len(deltas) <= took / 0.05 + 3
    assert run.usage == {"input_tokens": 3, "output_tokens": 4, "requests": 1, "cost_usd": 0.5}


def test_eight_runs_at_once_never_find_the_database_locked(
    crew: Group, script: Scripted, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    async def talks(request: Request) -> AsyncIterator[Said]:
        for n in range(20):
            yield TextDelta(f"{n} ")
            await asyncio.sleep(0.01)
        yield Answered(request.title)

    script.plan = plan(*(item(f"k{n}", assignee="steady") for n in range(4)))
    script.acts = {f"K{n}": talks for n in range(4)}
    several = [start(crew) for _ in range(8)]
    for n, run in enumerate(several):
        if n % 4 == 0:
            runs.pause(actor=None, run=run)
            runs.resume(actor=None, run=run)
    for run in several:
        assert ended(run, seconds=30).status == "completed"
    # A PostgreSQL of tests that does not flush is named by the store of states, once; that is no lock.
    said = [r for r in caplog.records if r.levelname in ("WARNING", "ERROR")]
    assert [r.message for r in said if "not durable" not in r.message] == []
