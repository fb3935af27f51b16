"""What people do to a run, in every stage of it, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from groups.agents.base import Waiting
from groups.errors import PlanInvalid, RunFinished, WrongStatus
from groups.events import PlanProposed, RunCancelled
from groups.execution import steering
from groups.execution.machine import RunMachine
from groups.execution.plan import Plan
from tests.unit.stages import (
    ENDED,
    TWO,
    UNDER_WAY,
    Maker,
    awaiting,
    cancel,
    pause,
    planning,
    queued,
    resume,
    running,
    steer,
    summarising,
)
from tests.unit.world import WIM, World, item, plan, token


@pytest.mark.parametrize("make", UNDER_WAY)
def test_cancel_ends_a_run_in_any_stage(make: Maker) -> None:
    world = make()
    cancel(world)
    assert world.run.status == "cancelled" and world.run.finished_at == world.now
    assert not {"ready", "running", "blocked", "waiting"} & {r.status for r in world.rows.values()}
    event = world.last("run.cancelled")
    assert isinstance(event, RunCancelled) and (event.by, event.reason) == ("bo", "enough")
    assert world.claim() == []


@pytest.mark.parametrize("make", [queued, planning, running, summarising])
def test_a_paused_run_can_be_cancelled(make: Maker) -> None:
    world = make()
    pause(world)
    cancel(world)
    assert world.run.status == "cancelled"


COMMANDS: list[Callable[[RunMachine], None]] = [
    lambda m: steering.cancel(m, by="", reason=""),
    lambda m: steering.pause(m, by=""),
    lambda m: steering.resume(m, by=""),
    lambda m: steering.approve(m, None, by=""),
    lambda m: steering.edit_plan(m, TWO, by=""),
    lambda m: steering.answer(m, m.subtasks[0].id, "x"),
]


@pytest.mark.parametrize("make", ENDED)
@pytest.mark.parametrize("command", COMMANDS)
def test_an_ended_run_takes_no_commands(make: Maker, command: Callable[[RunMachine], None]) -> None:
    world = make()
    before = (world.run.status, world.run.last_seq)
    with pytest.raises(RunFinished), world.machine() as machine:
        command(machine)
    assert (world.run.status, world.run.last_seq) == before


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (queued, "queued"),
        (planning, "planning"),
        (running, "running"),
        (summarising, "summarising"),
    ],
)
def test_pause_claims_nothing_and_resume_goes_on_where_it_was(make: Maker, status: str) -> None:
    world = make()
    assert world.run.status == status
    pause(world)
    assert world.run.status == "paused" and world.claim() == []
    with pytest.raises(WrongStatus):
        pause(world)
    event = resume(world)
    assert (event.status, event.retried) == (status, [])
    with pytest.raises(WrongStatus):
        resume(world)


def test_a_run_that_awaits_approval_stands_still_already() -> None:
    with pytest.raises(WrongStatus, match="awaiting approval"):
        pause(awaiting())


def test_running_subtasks_finish_under_a_pause_and_their_dependents_wait() -> None:
    world = running()
    pause(world)
    world.complete(world["a"])
    assert world.run.status == "paused"
    assert world.statuses() == {"a": "completed", "b": "ready"}
    assert world.claim() == []
    assert resume(world).status == "running"
    assert [row.key for row in world.claim()] == ["b"]


def test_a_plan_proposed_under_a_pause_is_taken_up_but_not_begun() -> None:
    world = World()
    world.begin()
    (leader,) = world.claim()
    pause(world)
    with world.machine() as machine:
        machine.propose(leader.id, token(leader), TWO)
    assert world.run.status == "paused" and world.claim() == []
    assert world.statuses() == {"a": "ready", "b": "blocked"}
    assert resume(world).status == "running"


def test_a_plan_proposed_under_a_pause_still_wants_approval() -> None:
    world = planning()
    pause(world)
    with world.machine() as machine:
        machine.propose(world["plan"].id, token(world["plan"]), TWO)
    assert world.run.status == "paused"
    with pytest.raises(WrongStatus):
        steer(world, steering.approve, None, by="bo")
    assert resume(world).status == "awaiting_approval"
    steer(world, steering.approve, None, by="bo")
    assert world.run.status == "running"


def test_the_last_work_under_a_pause_leaves_the_summary_to_the_resume() -> None:
    world = running()
    world.complete(world["a"])
    world.claim()
    pause(world)
    world.complete(world["b"])
    assert world.run.status == "paused" and world.claim() == []
    assert resume(world).status == "summarising"
    (summary,) = world.claim()
    world.complete(summary, "all")
    assert world.run.status == "completed"


def test_a_summary_that_ends_under_a_pause_ends_the_run() -> None:
    world = summarising()
    pause(world)
    world.complete(world["summary"], "all")
    assert (world.run.status, world.run.result) == ("completed", "all")


def test_a_run_can_fail_under_a_pause() -> None:
    world = running()
    pause(world)
    world.fail(world["a"])
    assert world.run.status == "failed"


# --- approval ---


def test_approval_carries_the_plan_out() -> None:
    world = awaiting()
    assert world.run.status == "awaiting_approval" and world.statuses() == {}
    proposed = world.last("plan.proposed")
    assert isinstance(proposed, PlanProposed) and proposed.approval_required
    assert world.claim() == []
    steer(world, steering.approve, None, by="bo")
    assert world.run.status == "running"
    assert world.statuses() == {"a": "ready", "b": "blocked"}
    ids = [i["id"] for i in proposed.plan["subtasks"]]
    assert [str(world["a"].id), str(world["b"].id)] == ids
    with pytest.raises(WrongStatus):
        steer(world, steering.approve, None, by="bo")


def test_an_edited_plan_keeps_the_ids_of_the_keys_it_keeps() -> None:
    world = awaiting()
    assert world.run.plan is not None
    old = {i["key"]: i["id"] for i in world.run.plan["subtasks"]}
    steer(world, steering.edit_plan, plan(item("b"), item("c", "b")), by="bo")
    assert world.run.status == "awaiting_approval"
    new = {i["key"]: i["id"] for i in world.run.plan["subtasks"]}
    assert new["b"] == old["b"] and new["c"] not in old.values() and "a" not in new
    event = world.last("plan.proposed")
    assert isinstance(event, PlanProposed) and event.by == "bo"
    steer(world, steering.approve, None, by="bo")
    assert world.statuses() == {"b": "ready", "c": "blocked"}


def test_approval_may_bring_another_plan() -> None:
    world = awaiting()
    steer(world, steering.approve, plan(item("z", assignee="wes")), by="bo")
    assert world.statuses() == {"z": "ready"}


BAD_PLANS = [
    plan(),
    plan(item("a", "a")),
    plan(item("a", "b"), item("b", "a")),
    plan(item("a", "ghost")),
    plan(item("a"), item("a")),
    plan(item("a", assignee="nobody")),
    plan(*(item(f"k{n}") for n in range(501))),
]


@pytest.mark.parametrize("bad", BAD_PLANS)
@pytest.mark.parametrize("command", [steering.edit_plan, steering.approve])
def test_a_bad_plan_is_refused_and_changes_nothing(command: Callable[..., None], bad: Plan) -> None:
    world = awaiting()
    before = (world.run.plan, world.run.last_seq, world.run.status)
    with pytest.raises(PlanInvalid):
        steer(world, command, bad, by="bo")
    assert (world.run.plan, world.run.last_seq, world.run.status) == before
    assert world.statuses() == {}


def test_a_plan_whose_worker_left_meanwhile_is_not_approved() -> None:
    world = awaiting()
    world.members = [m for m in world.members if m is not WIM]
    with pytest.raises(PlanInvalid):
        steer(world, steering.approve, None, by="bo")


@pytest.mark.parametrize("make", [queued, planning, running, summarising])
def test_only_a_run_that_awaits_approval_takes_plans(make: Maker) -> None:
    world = make()
    for command in (steering.approve, steering.edit_plan):
        with pytest.raises(WrongStatus):
            steer(world, command, TWO, by="bo")


def test_an_answer_needs_a_question() -> None:
    world = running()
    with pytest.raises(WrongStatus):
        steer(world, steering.answer, world["a"].id, "hello")


@pytest.mark.parametrize(("by", "told"), [("ada", "that"), ("", "")])
def test_the_log_has_what_a_person_answered_not_what_a_program_did(by: str, told: str) -> None:
    world = running()
    with world.machine() as machine:
        machine.wait(world["a"].id, token(world["a"]), Waiting(question="which?"))
        steering.answer(machine, world["a"].id, "that", by=by)
    data = world.last("subtask.ready").data()
    assert (data["key"], data["answer"], data["by"]) == ("a", told, by)


def test_an_answer_under_a_pause_waits_for_the_resume() -> None:
    world = running()
    with world.machine() as machine:
        machine.wait(world["a"].id, token(world["a"]), Waiting(question="which?"))
    pause(world)
    steer(world, steering.answer, world["a"].id, "that")
    assert world.claim() == []
    resume(world)
    assert [row.answers for row in world.claim()] == [["that"]]
