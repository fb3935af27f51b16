"""Handing a subtask over: within the group, to another, so many times, tried afresh there."""

from __future__ import annotations

import pytest

from groups.events import SubtaskHandedOver
from groups.execution.handing import hand_over
from tests.modes.kit import ALL, pass_on, world
from tests.unit.test_machine_random import view_of
from tests.unit.world import SubtaskRow, World, item, plan, token


def begun(**options: int) -> World:
    """wim works on a."""
    found = world("leader_worker", ALL, **options)
    (leader,) = found.claim()
    with found.machine() as machine:
        machine.propose(leader.id, token(leader), plan(item("a"), item("b", "a", assignee="wes")))
    found.claim()
    assert found["a"].agent_id == "wim"
    return found


@pytest.mark.parametrize("to", ["spec", "law", "@spec", "#law", " spec "])
def test_another_member_goes_on_with_what_it_was_told(to: str) -> None:
    found = begun()
    row = found["a"]
    row.attempt, row.answers, row.memo = 2, ["yes"], {"draft": 1}
    pass_on(found, row, to, "half of it is done")
    event = found.last("subtask.handed_over")
    assert isinstance(event, SubtaskHandedOver)
    assert (event.to, event.text) == ("spec", "half of it is done")
    assert [e.agent_id for e in found.log][-2:] == ["wim", "spec"]
    (again,) = found.claim()
    assert (again.key, again.agent_id, again.attempt, again.handovers) == ("a", "spec", 1, 1)
    assert "wim hands over to spec: half of it is done" in again.instructions
    assert (again.answers, again.memo) == ([], {})
    assert view_of(found).subtasks[str(row.id)] == "running"


@pytest.mark.parametrize("to", ["wim", "math", "otto", "mallory", "boss", "", "plan"])
def test_nobody_else_who_can_work_is_a_failure(to: str) -> None:
    found = begun()
    pass_on(found, found["a"], to)
    assert found["a"].status == "failed" and "could not be handed over" in found["a"].error
    assert found["b"].status == "skipped" and "subtask.handed_over" not in found.types()


def test_of_several_with_the_tag_the_least_busy_one_gets_it_never_the_same() -> None:
    found = begun()
    pass_on(found, found["a"], "steady")
    assert found["a"].agent_id == "wes"
    (row,) = found.claim()
    pass_on(found, row, "steady")
    assert found["a"].agent_id == "wim"


def test_the_ball_does_not_go_round_for_ever() -> None:
    found = begun(max_handovers=3)
    passes = 0
    row: SubtaskRow = found["a"]
    while row.status == "running":
        pass_on(found, row, "wes" if row.agent_id == "wim" else "wim")
        passes += 1
        found.claim()
        row = found["a"]
    assert passes == 4 and row.handovers == 3
    assert row.status == "failed" and "at most 3 are allowed" in row.error


def test_only_work_is_handed_over_and_a_zombie_hands_over_nothing() -> None:
    found = world("leader_worker", ALL)
    (leader,) = found.claim()
    pass_on(found, leader, "wim")
    assert leader.status == "failed" and "Only work" in leader.error
    other = begun()
    late = token(other["a"])
    other.fail(other["a"], transient=True)
    with other.machine() as machine:
        assert not hand_over(machine, other["a"].id, late, to="spec", text="")
    assert other["a"].refused == 1 and other["a"].status == "ready"
