"""Taking up again what failed: which subtasks, from which stage, with how many tries."""

from __future__ import annotations

import pytest

from groups.errors import NothingToRetry, WrongStatus
from groups.execution import steering
from tests.unit.stages import (
    TWO,
    UNDER_WAY,
    Maker,
    awaiting,
    cancelled,
    completed,
    retry,
    running,
    steer,
    summarising,
)
from tests.unit.world import World, item, plan, token


@pytest.mark.parametrize("make", UNDER_WAY)
def test_a_run_under_way_is_not_retried(make: Maker) -> None:
    with pytest.raises(WrongStatus):
        retry(make())


def test_a_cancelled_run_is_not_retried() -> None:
    with pytest.raises(WrongStatus):
        retry(cancelled())


def test_a_run_without_failures_is_not_retried() -> None:
    with pytest.raises(NothingToRetry):
        retry(completed())


def test_retry_takes_up_what_failed_and_what_hung_on_it() -> None:
    world = World()
    world.planned(plan(item("a"), item("b"), item("c", "b"), item("d", "c")))
    world.claim()
    world.complete(world["a"], "kept")
    world.fail(world["b"], "broken")
    world.claim()
    world.complete(world["summary"], "half")
    assert world.run.status == "completed"
    world.later(10_000)
    event = retry(world)
    assert event.status == "running"
    assert set(event.retried) == {str(world[k].id) for k in ("b", "c", "d", "summary")}
    assert (world.run.status, world.run.result, world.run.finished_at) == ("running", "", None)
    assert world.statuses() == {
        "a": "completed",
        "b": "ready",
        "c": "blocked",
        "d": "blocked",
        "summary": "blocked",
    }
    assert world["a"].result == "kept" and world["b"].error == ""
    assert world.run.deadline_at is not None and world.run.deadline_at > world.now
    for key in "bcd":
        world.do(key)
    (summary,) = world.claim()
    assert (summary.kind, summary.attempt, summary.max_attempts) == ("summary", 2, 4)
    world.complete(summary, "whole")
    assert (world.run.status, world.run.result) == ("completed", "whole")


def test_retry_grants_as_many_tries_again() -> None:
    world = World(max_attempts=2)
    world.planned(plan(item("a")))
    for _ in range(2):
        world.later(60)
        world.claim()
        world.fail(world["a"], transient=True)
    assert world.run.status == "failed" and world["a"].attempt == 2
    retry(world)
    world.claim()
    world.fail(world["a"], transient=True)
    assert world["a"].status == "ready" and world["a"].attempt == 3
    world.later(60)
    world.claim()
    world.fail(world["a"], transient=True)
    assert world["a"].status == "failed" and world["a"].attempt == 4


def test_retry_of_a_stopped_run_takes_up_what_was_cut_off() -> None:
    world = World(failure_policy="stop")
    world.planned(plan(item("a"), item("b"), item("c", "b")))
    world.claim()
    world.fail(world["a"])
    assert world.statuses() == {"a": "failed", "b": "cancelled", "c": "cancelled"}
    assert retry(world).status == "running"
    world.do("a", "b")
    world.do("c")
    world.do("summary")
    assert world.run.status == "completed"


def test_retry_of_a_plan_that_failed_plans_again() -> None:
    world = World()
    world.planned(plan())
    assert world.run.status == "failed"
    assert retry(world).status == "planning"
    assert world.run.error == ""
    (leader,) = world.claim()
    with world.machine() as machine:
        machine.propose(leader.id, token(leader), TWO)
    assert world.run.status == "running"


def test_retry_of_a_run_that_never_began_queues_it_again() -> None:
    world = World()
    world.begin()
    members, world.members = world.members, []
    world.claim()
    assert world.run.status == "failed"
    world.members = members
    assert retry(world).status == "queued"
    assert [row.key for row in world.claim()] == ["plan"]
    assert world.run.status == "planning"


def test_retry_of_a_summary_alone_repeats_only_it() -> None:
    world = summarising()
    world.fail(world["summary"])
    event = retry(world)
    assert (event.status, event.retried) == ("summarising", [str(world["summary"].id)])
    world.do("summary")
    assert world.run.status == "completed"
    assert world["a"].attempt == 1


def test_retry_of_a_run_whose_approval_came_too_late_asks_again() -> None:
    world = awaiting()
    world.later(3601)
    with world.machine() as machine:
        assert machine.check_deadline()
    assert retry(world).status == "awaiting_approval"
    steer(world, steering.approve, None, by="bo")
    assert world.run.status == "running"


def test_retry_after_the_time_limit_goes_on() -> None:
    world = running()
    world.later(3601)
    with world.machine() as machine:
        assert machine.check_deadline()
    assert world.statuses() == {"a": "cancelled", "b": "cancelled"}
    assert retry(world).status == "running"
    assert [row.key for row in world.claim()] == ["a"]
    assert world.run.status == "running"


def test_a_zombie_from_before_the_retry_is_refused() -> None:
    world = running()
    old, row = token(world["a"]), world["a"]
    world.later(3601)
    with world.machine() as machine:
        machine.check_deadline()
    retry(world)
    world.claim()
    with world.machine() as machine:
        assert not machine.complete(row.id, old, "from another life")
    assert row.refused == 1 and row.status == "running"
