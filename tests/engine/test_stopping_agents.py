"""Agents at work are stopped soon after their run was ended, by whomever and in whichever process."""

from __future__ import annotations

import time

import pytest

from groups.engine import engine as engines
from groups.engine.engine import Engine
from groups.models import Group
from groups.services import runs
from state import fanout
from tests.engine.scripted import Gate, Scripted, at_work, ended, start, statuses, sub, wait_for
from tests.unit.world import item, plan


def test_cancel_stops_all_agents_of_the_run_and_no_others(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    script.plan = plan(item("a"), item("b"), item("c", "a"))
    gate = Gate()
    script.acts = dict.fromkeys("ABC", gate)
    run, other = start(crew), start(crew)
    wait_for(lambda: gate.inside == 4)
    began = time.monotonic()
    runs.cancel(actor=None, run=run, reason="enough")
    wait_for(lambda: gate.cancelled == 2)
    assert time.monotonic() - began < 1.0
    assert ended(run).status == "cancelled"
    assert set(statuses(run).values()) == {"completed", "cancelled"}
    assert gate.inside == 2
    gate.is_open = True
    assert ended(other).status == "completed"
    # A stopped agent has nothing to report; it counts as no late result.
    assert sub(run, "a").refused == 0


def test_agents_stop_within_a_second_though_no_word_of_the_cancel_came(
    crew: Group, script: Scripted, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    script.acts["A"] = gate
    run = start(crew)
    at_work(run, "a")
    monkeypatch.setattr(fanout.hub(), "publish", lambda messages: None)
    began = time.monotonic()
    runs.cancel(actor=None, run=run)
    wait_for(lambda: gate.cancelled == 1)
    assert time.monotonic() - began < 1.0


def test_the_first_failure_under_stop_ends_the_others(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    script.plan = plan(item("a"), item("b", assignee="wes"))
    gate = Gate()
    script.acts = {"A": gate, "B": _fails_beside(gate)}
    run = ended(start(crew, failure_policy="stop"))
    assert run.status == "failed" and statuses(run)["a"] == "cancelled"
    wait_for(lambda: gate.cancelled == 1, seconds=2)


def test_slots_come_back_when_agents_are_stopped(
    crew: Group, script: Scripted, engine: Engine
) -> None:
    gate = Gate()
    script.acts["A"] = gate
    free = engine._free
    run = start(crew)
    at_work(run, "a")
    assert engine._free == free - 1
    runs.cancel(actor=None, run=run)
    wait_for(lambda: engine._free == free)
    assert not engine._held


def test_an_agent_stopped_before_its_first_step_gives_its_slot_back(
    crew: Group, script: Scripted, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim fails so soon that the agent's task is cancelled in the round of the loop that made it."""
    script.acts["A"] = gate = Gate()
    free = engine._free
    launch = engine._launch

    def launch_and_lose(*args: object) -> None:
        launch(*args)  # type: ignore[arg-type]
        if tokens := {t for t, held in engine._held.items() if held.work.request.title == "A"}:
            engine._lose(tokens)

    monkeypatch.setattr(engine, "_launch", launch_and_lose)
    run = start(crew)
    wait_for(lambda: "a" in statuses(run))
    wait_for(lambda: not engine._held and engine._free == free)
    assert not gate.cancelled
    runs.cancel(actor=None, run=run)


def test_a_beat_is_short_enough_for_the_promise() -> None:
    assert engines.BEAT <= 0.5


def _fails_beside(gate: Gate):  # type: ignore[no-untyped-def]
    import asyncio

    from groups.agents.base import AgentError, Answered

    async def fails(request):  # type: ignore[no-untyped-def]
        while not gate.inside:
            await asyncio.sleep(0.005)
        raise AgentError("broken")
        yield Answered("")

    return fails
