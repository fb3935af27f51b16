"""Agents that misbehave: whatever they raise or say, their subtask ends and says why, and nobody else suffers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from groups.agents import base
from groups.agents.base import (
    Answered,
    Planned,
    Request,
    TextDelta,
    ToolFinished,
    ToolStarted,
    Usage,
    Waiting,
)
from groups.engine import attempt as attempts
from groups.engine.engine import Engine
from groups.execution.plan import PlanItem
from groups.models import Agent, Group
from tests.engine.scripted import Act, Said, Scripted, ended, events, start, sub, wait_for
from tests.unit.world import item, plan


def raising(make: Callable[[], BaseException]) -> Act:
    async def act(request: Request) -> AsyncIterator[Said]:
        yield TextDelta("so far so good")
        raise make()

    return act


def saying(*said: Any) -> Act:
    async def act(request: Request) -> AsyncIterator[Said]:
        for each in said:
            yield each

    return act


def beside(crew: Group, script: Scripted, act: Act, **fields: Any) -> Any:
    """A run in which A does `act` while B behaves."""
    script.plan = plan(item("a"), item("b", assignee="wes"))
    script.acts["A"] = act
    run = ended(start(crew, **fields))
    assert run.status == "completed" and sub(run, "b").status == "completed"
    return sub(run, "a")


RAISED: list[tuple[Callable[[], BaseException], str]] = [
    (lambda: ValueError("bad value"), "ValueError: bad value"),
    (lambda: ValueError("nul \x00 within"), "ValueError: nul  within"),
    (lambda: RuntimeError(), "RuntimeError"),
    (lambda: TimeoutError("their server"), "TimeoutError: their server"),
    (lambda: asyncio.CancelledError(), "CancelledError"),
    (lambda: SystemExit(3), "SystemExit"),
    (lambda: KeyboardInterrupt(), "KeyboardInterrupt"),
    (lambda: StopAsyncIteration(), "StopAsyncIteration"),
    (lambda: ExceptionGroup("two", [ValueError("x"), OSError("y")]), "two"),
    (lambda: MemoryError("big"), "MemoryError: big"),
    (lambda: base.AgentError("their words \x00\ud800"), "their words"),
]


@pytest.mark.parametrize(("make", "message"), RAISED, ids=lambda v: v if isinstance(v, str) else "")
def test_whatever_an_agent_raises_is_a_permanent_failure_with_its_name(
    crew: Group, script: Scripted, engine: Engine, make: Callable[[], BaseException], message: str
) -> None:
    a = beside(crew, script, raising(make))
    assert (a.status, a.attempt) == ("failed", 1)
    assert message in a.error and "time limit" not in a.error
    assert [e.data["text"] for e in events(a.run, "text.delta")] == ["so far so good"]


def test_an_agent_that_gives_no_outcome_fails(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    assert (
        beside(crew, script, saying(TextDelta("hm"))).error == "The agent ended without an answer."
    )


def test_an_agent_of_an_unknown_kind_fails(crew: Group, script: Scripted, engine: Engine) -> None:
    Agent.objects.filter(agent_id="wim").update(kind="oracle")
    assert "'oracle'" in beside(crew, script, saying()).error


def test_an_agent_that_runs_wild_is_stopped(
    crew: Group, script: Scripted, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "MAX_OUTPUT", 1000)

    async def endless(request: Request) -> AsyncIterator[Said]:
        while True:
            yield TextDelta("x" * 100)

    a = beside(crew, script, endless)
    assert a.status == "failed" and "longer than 1,000" in a.error


def test_an_outcome_ends_it_whatever_would_follow(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    a = beside(crew, script, saying(Answered("first"), Answered("second"), TextDelta("third")))
    assert a.result == "first" and not events(a.run, "text.delta")


def test_text_that_no_database_holds_is_cleaned(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    odd = "a\x00b\ud800c"
    a = beside(
        crew,
        script,
        saying(
            TextDelta(odd),
            ToolStarted(call_id=odd, tool=odd, arguments={odd: [odd, {"k": odd}]}),
            ToolFinished(call_id=odd, tool=odd, summary=odd),
            Usage(model=odd),
            Answered(odd),
        ),
    )
    assert (a.status, a.result) == ("completed", "ab?c")
    assert events(a.run, "text.delta")[0].data["text"] == "ab?c"
    assert events(a.run, "tool.started")[0].data["arguments"] == {"ab?c": ["ab?c", {"k": "ab?c"}]}
    assert events(a.run, "tool.finished")[0].data["summary"] == "ab?c"
    assert events(a.run, "usage.recorded")[0].data["model"] == "ab?c"


def test_a_question_that_no_database_holds_is_cleaned(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    script.acts["A"] = saying(Waiting(question="which\x00 \ud800?"))
    run = start(crew)
    wait_for(lambda: events(run, "subtask.waiting"))
    assert sub(run, "a").question == "which ??"


ARGUMENTS: list[dict[str, Any]] = [
    {"n": math.nan},
    {"n": math.inf},
    {"n": 10**40},
    {"when": datetime(2026, 1, 2, tzinfo=UTC)},
    {"set": {1}},
    {1: "number as key"},  # type: ignore[dict-item]
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
def test_arguments_that_json_can_only_approach_do_not_stop_the_agent(
    crew: Group, script: Scripted, engine: Engine, arguments: dict[str, Any]
) -> None:
    call = ToolStarted(call_id="1", tool="t", arguments=arguments)
    a = beside(crew, script, saying(call, Answered("done")))
    assert a.status == "completed"
    assert len(events(a.run, "tool.started")) == 1


DEEP: dict[str, Any] = {}
_inner = DEEP
for _ in range(5000):
    _inner["d"] = _inner = {}

NOT_SAID: list[Any] = [
    "just text",
    None,
    42,
    Answered(None),  # type: ignore[arg-type]
    Answered(7),  # type: ignore[arg-type]
    TextDelta(None),  # type: ignore[arg-type]
    Planned(None),  # type: ignore[arg-type]
    Planned(plan(item("x"))),
    Waiting(question=None),  # type: ignore[arg-type]
    ToolStarted(call_id="1", tool="t", arguments={"o": object()}),
    ToolStarted(call_id="1", tool="t", arguments=DEEP),
    ToolStarted(call_id="1", tool="t", arguments=[]),  # type: ignore[arg-type]
    ToolFinished(call_id=None, tool="t"),  # type: ignore[arg-type]
    Usage(input_tokens="many"),  # type: ignore[arg-type]
    TextDelta(b"bytes"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("said", NOT_SAID, ids=range(len(NOT_SAID)))
def test_what_no_agent_may_say_fails_it_at_once(
    crew: Group, script: Scripted, engine: Engine, said: Any
) -> None:
    a = beside(crew, script, saying(said, Answered("done")))
    assert (a.status, a.attempt) == ("failed", 1) and a.error


def test_a_runtime_that_is_no_generator_fails(
    crew: Group, script: Scripted, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = script.perform

    def perform(request: Request) -> Any:
        return 7 if request.title == "A" else original(request)

    monkeypatch.setattr(script, "perform", perform)
    assert "TypeError" in beside(crew, script, saying()).error


WRONG: Any = 7
MISSHAPEN = plan(PlanItem(key="a", title=WRONG, assignee=WRONG))


@pytest.mark.parametrize(
    "proposed",
    [None, "plan", 3, plan(item("\ud800")), MISSHAPEN],
    ids=range(5),
)
def test_a_leader_that_proposes_nonsense_fails_the_run(
    crew: Group, script: Scripted, engine: Engine, proposed: Any
) -> None:
    script.plan = proposed
    run = ended(start(crew))
    assert run.status == "failed" and "could not plan" in run.error


def test_an_agent_that_will_not_stop_is_left_behind(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    """It swallows its cancellation and answers late: the run has gone on without it."""
    stubborn: list[str] = []

    async def swallows(request: Request) -> AsyncIterator[Said]:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            stubborn.append("no")
        yield Answered("too late")

    script.acts["A"] = swallows
    run = ended(start(crew, subtask_time_limit=0.1, max_attempts=1))
    assert stubborn == ["no"] and run.status in ("failed", "completed")


def test_the_engine_survives_them_all(crew: Group, script: Scripted, engine: Engine) -> None:
    free = engine._free
    for make, _ in RAISED:
        beside(crew, script, raising(make))
    wait_for(lambda: engine._free == free and not engine._held)
    assert engine._thread.is_alive() and engine._writer.is_alive()
