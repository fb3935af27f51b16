"""The time limit counts while agents can work, and stands still while people have to act."""

from __future__ import annotations

from datetime import timedelta

from groups.agents.base import Waiting
from groups.execution import steering
from groups.execution.statuses import FailurePolicy
from tests.unit.stages import TWO, pause, resume, steer
from tests.unit.world import WES, WIM, World, item, plan, token


def tick(world: World) -> None:
    with world.machine() as machine:
        machine.keep_clock()


def expire(world: World) -> bool:
    with world.machine() as machine:
        return machine.check_deadline()


def test_the_clock_runs_while_agents_work() -> None:
    world = World(time_limit=60.0)
    world.planned(TWO)
    tick(world)
    assert world.run.deadline_at == world.now + timedelta(seconds=60)
    world.later(61)
    assert expire(world) and "60 s" in world.run.error


def test_a_pause_stops_it_and_resume_lets_it_go_on() -> None:
    world = World(time_limit=60.0)
    world.planned(TWO)
    world.later(20)
    pause(world)
    tick(world)
    assert (world.run.deadline_at, world.run.time_left) == (None, 40.0)
    world.later(10_000)
    assert not expire(world)
    resume(world)
    tick(world)
    assert world.run.deadline_at == world.now + timedelta(seconds=40)
    assert world.run.time_left is None


def test_awaiting_approval_stops_it() -> None:
    world = World(time_limit=60.0, approve_plan=True)
    world.planned(TWO)
    tick(world)
    world.later(10_000)
    assert not expire(world)
    steer(world, steering.approve, None, by="bo")
    tick(world)
    assert world.run.deadline_at == world.now + timedelta(seconds=60)


def test_a_question_stops_it_only_when_nothing_else_is_to_be_done() -> None:
    world = World(time_limit=60.0)
    world.planned(plan(item("a"), item("b", assignee="wes")))
    world.claim()
    with world.machine() as machine:
        assert machine.wait(world["a"].id, token(world["a"]), Waiting(question="Which?"))
    tick(world)
    assert world.run.deadline_at is not None
    world.complete(world["b"])
    tick(world)
    assert world.run.deadline_at is None and world.run.time_left == 60.0


def test_a_tag_falls_to_whoever_has_room() -> None:
    world = World()
    world.planned(plan(item("a", assignee="steady"), item("b", assignee="steady")))
    assert {"steady"} <= set(WIM.tags) & set(WES.tags)
    claimed = world.claim(room=lambda agent_id: agent_id != "wim")
    assert [row.agent_id for row in claimed] == ["wes", "wes"]


def test_what_was_claimed_is_dropped_when_a_gone_member_ends_the_run() -> None:
    world = World(failure_policy=FailurePolicy.STOP)
    world.planned(plan(item("a"), item("b", assignee="wes")))
    world.members = [m for m in world.members if m.agent_id != "wes"]
    assert world.claim() == []
    assert world.run.status == "failed" and "no longer a member" in world.run.error
    assert world.statuses() == {"a": "cancelled", "b": "failed"}
