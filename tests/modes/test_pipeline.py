"""The pipeline: one after the other, in the plan's order or the members'."""

from __future__ import annotations

import pytest

from groups.execution import steering
from groups.execution.plan import in_order
from groups.services.findings import findings
from state.errors import Invalid
from tests.modes.kit import ALL, OTTO, answer, drive, propose, world
from tests.unit.world import LENA, WES, WIM, SubtaskRow, World, item, plan

ROW = plan(item("c", "a"), item("b"), item("a"))


def carry_out(found: World, row: SubtaskRow) -> None:
    """Plan ROW; everybody answers with what it was given and its own."""
    if row.kind == "plan":
        propose(found, row, ROW)
    else:
        given = findings(list(found.rows.values()), row)
        answer(found, row, f"{given[0].text}+{row.key}" if given else row.key)


def test_the_plans_items_stand_in_a_row_that_keeps_what_they_wait_for() -> None:
    assert [each.key for each in in_order(ROW)] == ["b", "a", "c"]
    found = drive(world("pipeline"), carry_out)
    assert {key: found[key].depends_on for key in "abc"} == {"b": [], "a": ["b"], "c": ["a"]}
    assert (found.run.status, found.run.result) == ("completed", "b+a+c")
    assert "summary" not in found.statuses() and "run.summarising" not in found.types()


def test_the_members_take_it_in_the_order_in_which_they_joined() -> None:
    found = drive(world("pipeline", ALL, order="members"), carry_out)
    assert found.run.options["members"] == ["wim", "wes"]
    assert [row.agent_id for row in found.rows.values()] == ["wim", "wes"]
    assert found.run.result == "step-1+step-2" and "plan.proposed" not in found.types()


def test_an_order_may_be_given_and_names_members_who_can_work() -> None:
    found = drive(
        world("pipeline", ALL, order="members", members=["cora", "wes", "spec"]), carry_out
    )
    assert [row.agent_id for row in found.rows.values()] == ["cora", "wes", "spec"]
    for wrong in (["nobody"], ["otto"], ["wim", "wim"], "wim", [7]):
        with pytest.raises(Invalid) as refused:
            world("pipeline", ALL, order="members", members=wrong)
        assert list(refused.value.fields) == ["options.members"]


def test_the_leader_sums_up_where_that_is_wanted() -> None:
    found = drive(world("pipeline", order="members", result="summary"), carry_out)
    assert found["summary"].agent_id == "lena" and found.run.result == found["summary"].result


def test_the_row_ends_where_a_step_fails_and_the_leader_sums_up_how_far_it_came() -> None:
    broken = [True]

    def act(found: World, row: SubtaskRow) -> None:
        if row.key == "step-2" and broken[0]:
            found.fail(row, "out of ideas")
        else:
            carry_out(found, row)

    members = [LENA, WIM, WES, OTTO]
    found = drive(world("pipeline", members, order="members", members=["wim", "wes", "lena"]), act)
    assert found.statuses() == {"step-1": "completed", "step-2": "failed", "summary": "completed"}
    assert found.run.status == "completed"
    broken[0] = False
    with found.machine() as machine:
        steering.retry(machine, by="bo")
    drive(found, act)
    assert list(found.statuses().values()) == ["completed"] * 4
    assert found["step-3"].agent_id == "lena"


def test_a_group_without_workers_has_its_leader() -> None:
    assert drive(world("pipeline", [LENA], order="members"), carry_out).run.result == "step-1"
