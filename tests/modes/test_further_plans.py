"""Planning again when work has failed or a worker has left, and whoever stands in for the leader."""

from __future__ import annotations

from typing import Any

import pytest

from groups.errors import PlanInvalid
from groups.events import PlanChanged, PlanProposed
from groups.execution import steering
from groups.execution.plan import Plan
from groups.execution.statuses import SubtaskKind
from groups.services.findings import findings, is_further_plan
from tests.modes.kit import ALL, CORA, answer, cannot, drive, propose, world
from tests.unit.test_machine_random import view_of
from tests.unit.world import LENA, WES, WIM, SubtaskRow, World, item, plan

FIRST = plan(item("a"), item("b", "a"), item("c", assignee="wes"))
SECOND = plan(item("a2", assignee="wes"), item("b2", "a2", "c", assignee="wes"), note="wes does it")


def act_with(*further: Plan | str, failing: tuple[str, ...] = ("a",)) -> Any:
    """The leader plans FIRST; `failing` fails; further plans come in this order (a text: that planning fails)."""
    left = list(further)

    def act(found: World, row: SubtaskRow) -> None:
        if row.kind == "plan" and row.key == "plan":
            propose(found, row, FIRST)
        elif row.kind == "plan":
            what = left.pop(0)
            if isinstance(what, str):
                found.fail(row, what)
            else:
                propose(found, row, what)
        elif row.key in failing:
            found.fail(row, f"{row.key} broke")
        else:
            answer(found, row)

    return act


def test_the_coordinator_plans_again_and_what_is_done_stays() -> None:
    found = drive(world("leader_worker", ALL, replans=1), act_with(SECOND))
    assert found.run.status == "completed"
    assert found.statuses() == {
        "a": "failed",
        "b": "skipped",
        "c": "completed",
        "a2": "completed",
        "b2": "completed",
        "summary": "completed",
    }
    again = found["replan-1"]
    assert again.agent_id == "cora" and "a “A” (wim): a broke" in again.instructions
    changed = found.last("plan.changed")
    assert isinstance(changed, PlanChanged)
    assert changed.added == ["a2", "b2"] and changed.reason == again.instructions
    assert [each["key"] for each in changed.plan["subtasks"]] == ["a", "b", "c", "a2", "b2"]
    assert found.run.plan == changed.plan
    assert found["a2"].attempt == 1 and found["c"].attempt == 1


def test_without_a_coordinator_the_leader_is_asked_and_told_what_there_is() -> None:
    seen: list[Any] = []
    act = act_with(SECOND)

    def watch(found: World, row: SubtaskRow) -> None:
        rows = list(found.rows.values())
        if row.key == "replan-1":
            assert is_further_plan(rows, row)
            seen.extend((f.key, f.status) for f in findings(rows, row))
        elif row.kind == "plan":
            assert not is_further_plan(rows, row)
        act(found, row)

    found = drive(world("leader_worker", replans=1), watch)
    assert found["replan-1"].agent_id == "lena"
    assert seen == [("a", "failed"), ("b", "skipped"), ("c", "completed")]


@pytest.mark.parametrize(("members", "asked"), [(ALL, 0), ([LENA], 0)])
def test_nobody_is_asked_who_is_not_known_to_be_able(members: Any, asked: int) -> None:
    found = drive(world("leader_worker", [LENA, WIM, WES, *members[3:]]), act_with())
    assert found.run.status == "completed" and "replan-1" not in {
        r.key for r in found.rows.values()
    }


def test_whoever_is_known_to_be_able_is_asked_once() -> None:
    able = type(LENA)(agent_id="lena", role="leader", plans_again=True)
    found = drive(world("leader_worker", [able, WIM, WES]), act_with(SECOND, failing=("a", "a2")))
    assert sum(row.kind == "plan" for row in found.rows.values()) == 2
    none = drive(world("leader_worker", [able, WIM, WES], replans=0), act_with())
    assert sum(row.kind == "plan" for row in none.rows.values()) == 1


def test_a_worker_that_has_left_is_planned_around() -> None:
    found = world("leader_worker", ALL, replans=1)
    act = act_with(SECOND, failing=())
    act(found, found.claim()[0])
    found.members = [m for m in ALL if m is not WIM]
    drive(found, act)
    assert "no longer a member" in found["a"].error and found["b2"].status == "completed"
    assert found.run.status == "completed"


def test_further_plans_are_bounded_whatever_fails() -> None:
    endless = [plan(item(f"x{n}")) for n in range(9)]
    failing = ("a", *(f"x{n}" for n in range(9)))
    found = drive(world("leader_worker", replans=3), act_with(*endless, failing=failing))
    assert sum(row.key.startswith("replan-") for row in found.rows.values()) == 3
    assert found.run.status == "completed" and found["x2"].status == "failed"


@pytest.mark.parametrize(
    "further", [plan(), plan(*FIRST.subtasks), "no idea", plan(item("z", "a"))]
)
def test_a_further_plan_that_adds_nothing_or_fails_leaves_the_run_to_its_summary(
    further: Any,
) -> None:
    found = drive(world("leader_worker", replans=1), act_with(further))
    assert found.run.status == "completed" and "plan.changed" not in found.types()
    assert found["c"].status == "completed" and found["a"].status == "failed"
    if not isinstance(further, str) and further.subtasks and further.subtasks[0].key == "z":
        assert "was not completed, so nothing can wait for it" in found["replan-1"].error


def test_the_policy_stop_stops() -> None:
    found = drive(world("leader_worker", replans=3, failure_policy="stop"), act_with())
    assert found.run.status == "failed" and found.types().count("plan.changed") == 0


def test_people_approve_a_further_plan_too() -> None:
    found = world("leader_worker", ALL, replans=1, approve_plan=True)
    act = act_with(SECOND)
    act(found, found.claim()[0])
    with found.machine() as machine:
        steering.approve(machine, None, by="bo")
    for _ in range(3):
        for row in found.claim():
            act(found, row)
    assert found.run.status == "awaiting_approval" and "a2" not in found.statuses()
    proposed = found.last("plan.proposed")
    assert isinstance(proposed, PlanProposed) and proposed.approval_required
    assert view_of(found).status == "awaiting_approval"
    with pytest.raises(PlanInvalid), found.machine() as machine:
        steering.edit_plan(machine, plan(item("a2", assignee="otto")), by="bo")
    with found.machine() as machine:
        steering.edit_plan(machine, plan(item("mine", "c")), by="bo")
    assert [i["key"] for i in (found.run.plan or {})["subtasks"]] == ["a", "b", "c", "mine"]
    with found.machine() as machine:
        steering.approve(machine, None, by="bo")
    changed = found.last("plan.changed")
    assert isinstance(changed, PlanChanged) and changed.added == ["mine"]
    drive(found, act)
    assert found["mine"].status == "completed" and found.run.status == "completed"


def test_a_plan_proposed_under_a_pause_still_wants_approval() -> None:
    found = world("leader_worker", replans=1, approve_plan=True)
    act = act_with(SECOND)
    act(found, found.claim()[0])
    with found.machine() as machine:
        steering.approve(machine, None, by="bo")
    for row in found.claim():
        act(found, row)
    (again,) = found.claim()
    with found.machine() as machine:
        steering.pause(machine, by="bo")
    act(found, again)
    with found.machine() as machine:
        steering.resume(machine, by="bo")
    assert found.run.status == "awaiting_approval"


def test_the_coordinator_plans_when_the_leader_cannot() -> None:
    def act(found: World, row: SubtaskRow) -> None:
        if row.kind == "plan" and row.agent_id == "lena":
            found.fail(row, "no idea")
        elif row.kind == "plan":
            propose(found, row, plan(item("a")))
        else:
            answer(found, row)

    found = drive(world("leader_worker", ALL), act)
    assert found.run.status == "completed" and found["replan-1"].agent_id == "cora"
    assert "plan.proposed" in found.types() and "plan.changed" not in found.types()


def test_when_neither_can_plan_the_run_fails_and_a_retry_asks_the_last_one_again() -> None:
    found = drive(world("leader_worker", ALL), cannot)
    assert (
        found.run.status == "failed" and "Neither the leader nor the coordinator" in found.run.error
    )
    with found.machine() as machine:
        steering.retry(machine, by="bo")
    (row,) = found.claim()
    assert (row.key, row.agent_id) == ("replan-1", "cora")


def test_the_coordinator_stands_in_for_a_leader_who_is_gone() -> None:
    found = world("leader_worker", [LENA, WIM, CORA])
    found.members = [WIM, CORA]

    def act(found: World, row: SubtaskRow) -> None:
        assert row.agent_id == ("wim" if row.kind == SubtaskKind.WORK else "cora")
        propose(found, row, plan(item("a"))) if row.kind == "plan" else answer(found, row)

    assert drive(found, act).run.status == "completed"
