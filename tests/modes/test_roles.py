"""Roles: who may be given what."""

from __future__ import annotations

import pytest

from groups.errors import PlanInvalid
from groups.execution.plan import ANYONE, Plan, candidates, validate
from tests.modes.kit import ALL, CORA, OTTO, SPEC, world
from tests.unit.world import LENA, WES, WIM, item, plan, token


@pytest.mark.parametrize(
    ("assignee", "meant"),
    [
        ("wim", [WIM]),
        ("lena", [LENA]),
        ("cora", [CORA]),
        ("spec", [SPEC]),
        ("otto", []),
        ("law", [SPEC]),  # otto bears it too, and is an observer
        ("math", [WIM]),
        ("steady", [WIM, WES]),
        ("boss", []),
        (ANYONE, [WIM, WES]),
    ],
)
def test_whom_an_assignee_means(assignee: str, meant: list[object]) -> None:
    assert candidates(ALL, assignee) == meant


def test_open_work_in_a_group_without_workers_is_the_leaders_never_a_specialists() -> None:
    assert candidates([LENA, CORA, SPEC, OTTO], ANYONE) == [LENA, CORA]
    assert candidates([SPEC, OTTO], ANYONE) == []


def test_a_plan_that_gives_work_to_an_observer_is_refused_by_name() -> None:
    with pytest.raises(PlanInvalid) as caught:
        validate(plan(item("a", assignee="otto"), item("b", assignee="law")), ALL)
    (fault,) = caught.value.fields["subtasks[0].assignee"]
    assert "'otto' is an observer" in fault and len(caught.value.fields) == 1


def test_whoever_becomes_an_observer_loses_the_work_that_waits_for_it() -> None:
    found = world("leader_worker", ALL)
    (leader,) = found.claim()
    with found.machine() as machine:
        machine.propose(leader.id, token(leader), plan(item("a"), item("b", assignee="wes")))
    found.members = [type(m)(agent_id="wim", role="observer") if m is WIM else m for m in ALL]
    assert [row.key for row in found.claim()] == ["b"]
    assert "is an observer now" in found["a"].error


@pytest.mark.parametrize("key", ["replan-1", "board-1-2", "plan", "summary"])
def test_keys_that_modes_give_are_not_for_plans(key: str) -> None:
    with pytest.raises(PlanInvalid):
        validate(plan(item(key)), ALL)
    validate(plan(item("replan"), item("replan-x"), item("board-1")), ALL)


def test_a_further_plan_may_wait_for_what_is_done_and_repeat_what_there_is() -> None:
    kept, done = {"a", "b"}, {"a"}
    validate(Plan(subtasks=()), ALL, kept=kept, done=done)
    validate(plan(item("b", "ghost", assignee="nobody"), item("c", "a")), ALL, kept=kept, done=done)
    with pytest.raises(PlanInvalid) as caught:
        validate(plan(item("c", "b"), item("d", "ghost")), ALL, kept=kept, done=done)
    assert "was not completed" in caught.value.fields["subtasks[0].depends_on"][0]
    assert "no subtask" in caught.value.fields["subtasks[1].depends_on"][0]
