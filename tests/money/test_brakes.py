"""A run at the edge, driven by hand: what is skipped, who wraps up, and when there is nothing to wrap up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from groups.agents.base import Waiting
from groups.errors import NothingToRetry, WrongStatus
from groups.events import BudgetReached, BudgetUnpriced, Event, UsageRecorded
from groups.execution import brakes, steering
from groups.execution.statuses import FailurePolicy, SubtaskStatus
from tests.unit.world import SubtaskRow, World, item, plan, token

SPENT = BudgetReached(scope="run", limit="tokens", text="All is spent.")
CHAIN = plan(item("a"), item("b", "a"), item("c", "b"))
SIDE_BY_SIDE = plan(item("a"), item("b"), item("c", assignee="wes"))


def exhaust(world: World, row: SubtaskRow, cap: BudgetReached = SPENT) -> None:
    with world.machine() as machine:
        assert machine.fail(row.id, token(row), cap.text, transient=False, reached=cap)


def is_wrap_up(world: World, row: SubtaskRow) -> str:
    with world.machine() as machine:
        return brakes.wrap_up(machine, row)


def test_what_runs_may_end_and_counts_in_the_summary() -> None:
    world = World()
    world.planned(SIDE_BY_SIDE)
    world.claim(2)
    exhaust(world, world["a"])
    assert world.statuses() == {"a": "failed", "b": "running", "c": "skipped"}
    assert world.run.status == "running"
    assert world.complete(world["b"])
    assert world.run.status == "summarising"
    [summary] = world.claim()
    assert is_wrap_up(world, summary) == "All is spent."
    world.complete(summary, "what there is")
    assert (world.run.status, world.run.stop_reason) == ("completed", "All is spent.")
    assert world.types().count("budget.reached") == 1


def test_a_second_worker_at_the_edge_is_not_told_of_again() -> None:
    world = World()
    world.planned(SIDE_BY_SIDE)
    world.claim()
    exhaust(world, world["a"])
    exhaust(world, world["b"])
    assert world.complete(world["c"])
    assert world.types().count("budget.reached") == 1
    assert world.statuses()["summary"] == "ready"


def test_the_policy_to_stop_at_a_failure_does_not_keep_the_leader_from_wrapping_up() -> None:
    world = World(failure_policy=FailurePolicy.STOP)
    world.planned(CHAIN)
    world.do("a")
    world.claim()
    exhaust(world, world["b"])
    assert world.statuses() == {"a": "completed", "b": "failed", "c": "skipped", "summary": "ready"}


def test_nothing_done_is_nothing_to_wrap_up() -> None:
    world = World()
    world.planned(CHAIN)
    world.claim()
    exhaust(world, world["a"])
    assert world.run.status == "failed" and "All is spent." in world.run.error
    assert world.run.stop_reason == "All is spent."


def test_a_subtask_that_waits_for_a_person_is_not_waited_for() -> None:
    world = World()
    world.planned(SIDE_BY_SIDE)
    world.claim()
    with world.machine() as machine:
        machine.wait(world["a"].id, token(world["a"]), Waiting(question="Which?"))
    world.complete(world["b"])
    exhaust(world, world["c"])
    assert world["a"].status == SubtaskStatus.SKIPPED and world.statuses()["summary"] == "ready"


def test_a_wrap_up_turn_that_fails_may_be_tried_again_but_no_other_follows_it() -> None:
    world = World()
    world.planned(CHAIN)
    world.do("a")
    world.claim()
    exhaust(world, world["b"])
    [summary] = world.claim()
    world.fail(summary, transient=True)
    world.later(60)
    [summary] = world.claim()
    assert is_wrap_up(world, summary)
    exhaust(world, summary)
    assert world.run.status == "failed" and "sum up" in world.run.error


def test_a_retry_forgets_why_the_run_stopped_and_does_all_that_was_left() -> None:
    world = World()
    world.planned(CHAIN)
    world.do("a")
    world.claim()
    exhaust(world, world["b"])
    [summary] = world.claim()
    world.complete(summary)
    with world.machine() as machine:
        steering.raise_budget(machine, max_tokens=9, max_cost_usd=None, by="bo")
        steering.retry(machine, by="bo")
    assert (world.run.stop_reason, world.run.max_tokens) == ("", 9)
    world.do("b")
    world.do("c")
    [summary] = world.claim()
    assert not is_wrap_up(world, summary)


def test_a_summary_that_was_wrapped_up_may_be_written_anew_and_another_may_not() -> None:
    world = World()
    world.planned(plan(item("a")))
    world.do("a")
    [summary] = world.claim()
    exhaust(world, summary)
    [summary] = world.claim()
    world.complete(summary)
    with world.machine() as machine:
        steering.retry(machine, by="bo")
    [summary] = world.claim()
    world.complete(summary)
    with pytest.raises(NothingToRetry), world.machine() as machine:
        steering.retry(machine, by="bo")


def test_a_cancelled_run_needs_no_budget() -> None:
    world = World()
    world.begin()
    with world.machine() as machine:
        steering.cancel(machine, by="bo", reason="")
    with pytest.raises(WrongStatus), world.machine() as machine:
        steering.raise_budget(machine, max_tokens=1, max_cost_usd=None, by="bo")


def deadline(world: World) -> bool:
    with world.machine() as machine:
        return machine.check_deadline()


def test_when_time_is_up_the_leader_sums_up_what_was_completed() -> None:
    world = World(time_limit=600.0, subtask_time_limit=50.0)
    world.planned(SIDE_BY_SIDE)
    world.do("a")
    world.later(601)
    assert deadline(world)
    assert world.statuses() == {
        **{"a": "completed", "b": "skipped", "c": "skipped", "summary": "ready"},
    }
    assert world["b"].lease_token is None
    assert world.run.stop_reason == "The run's time limit of 600 s has passed."
    assert world.last("budget.reached") == BudgetReached(
        scope="run", limit="time", text=world.run.stop_reason
    )
    # A tenth of the limit would be more than one subtask has.
    assert world.run.deadline_at == world.now + timedelta(seconds=50)
    assert not deadline(world)
    [summary] = world.claim()
    world.complete(summary, "a only")
    assert (world.run.status, world.run.result) == ("completed", "a only")


def test_an_agent_is_told_what_the_run_has_left() -> None:
    world = World(time_limit=100.0, subtask_time_limit=60.0)
    world.planned(CHAIN)
    told = []
    for seconds in (0, 30, 30, 39.5, 100):
        world.later(seconds)
        with world.machine() as machine:
            told.append(brakes.seconds_for(machine))
    assert told == [60.0, 60.0, 40.0, 1.0, 1.0]


def test_when_the_time_to_wrap_up_is_over_too_the_run_fails() -> None:
    world = World(time_limit=60.0)
    world.planned(SIDE_BY_SIDE)
    world.do("a")
    world.later(61)
    assert deadline(world)
    world.later(31)
    assert deadline(world) and world.run.status == "failed"


def test_when_time_is_up_and_nothing_is_done_the_run_fails() -> None:
    world = World(time_limit=60.0)
    world.planned(SIDE_BY_SIDE)
    world.claim()
    world.later(61)
    assert deadline(world) and world.run.status == "failed" and not world.run.stop_reason


def used(cost: float | None) -> list[Event]:
    usage = UsageRecorded(
        input_tokens=2, output_tokens=1, requests=1, cost_usd=cost, model="dear-1"
    )
    return [*([BudgetUnpriced(model="dear-1")] if cost is None else []), usage]


def test_that_a_price_is_unknown_is_said_once_a_run() -> None:
    world = World()
    world.planned(SIDE_BY_SIDE)
    rows = world.claim()
    with world.machine() as machine:
        for row, cost in zip(rows, (0.5, None, None), strict=True):
            assert machine.append(row.id, token(row), used(cost))
        assert [(u.agent_id, u.usage.cost_usd) for u in machine.used] == [
            *(("wim", 0.5), ("wim", None), ("wes", None)),
        ]
        assert {u.attempt for u in machine.used} == {token(row) for row in rows}
    assert world.types().count("budget.unpriced") == 1
    assert world.run.usage == {
        **{"input_tokens": 6, "output_tokens": 3, "requests": 3, "cost_usd": None},
    }


def test_what_a_zombie_used_is_not_in_the_log() -> None:
    world = World()
    world.planned(SIDE_BY_SIDE)
    [row] = world.claim(1)
    lost = token(row)
    with world.machine() as machine:
        machine.release(row.id, lost)
        assert not machine.append(row.id, lost, used(0.5)) and not machine.used


def test_when_time_is_up_after_a_cap_was_reached_there_is_still_a_summary() -> None:
    world = World(time_limit=600.0)
    world.planned(SIDE_BY_SIDE)
    world.claim()
    world.complete(world["b"])
    exhaust(world, world["c"], BudgetReached(scope="agent", limit="tokens", text="wes is out."))
    world.later(601.0)
    with world.machine() as machine:
        assert machine.check_deadline()
    expected = {"a": "skipped", "b": "completed", "c": "failed", "summary": "ready"}
    assert world.statuses() == expected
    world.later(601.0)
    with world.machine() as machine:
        assert machine.check_deadline()
    assert (world.run.status, world.run.stop_reason) == ("failed", "wes is out.")
