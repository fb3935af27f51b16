"""The swarm: a board from which free workers take what fits, to which they add, and which comes to an end."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groups.execution.plan import Assignable
from tests.modes.kit import ALL, SPEC, answer, drive, pass_on, propose, world
from tests.unit.world import LENA, WES, WIM, SubtaskRow, World, item, plan

LIST = "Do this:\n- count the ships\n- do the math\n3. read the law"


def work(found: World, row: SubtaskRow) -> None:
    answer(found, row)


def test_the_tasks_list_is_the_board() -> None:
    found = world("swarm", board="task", task=LIST)
    titles = [row.title for row in found.rows.values()]
    assert titles == ["count the ships", "do the math", "read the law"]
    drive(found, work)
    assert found.run.status == "completed" and found["summary"].agent_id == "lena"
    one = world("swarm", board="task", task="Count the ships.\nThen rest.")
    assert [row.title for row in one.rows.values()] == ["Count the ships. Then rest."]


def test_each_worker_has_one_item_at_a_time_and_takes_what_fits_it() -> None:
    found = world("swarm", board="task", task=LIST)
    claimed = found.claim()
    # The math is wim's by its tag; what fits nobody in particular goes to who is free; the third waits.
    assert {row.title: row.agent_id for row in claimed} == {
        "do the math": "wim",
        "count the ships": "wes",
    }
    assert found.claim() == []
    answer(found, claimed[0])
    (third,) = found.claim()
    assert third.title == "read the law" and third.agent_id == claimed[0].agent_id


def test_what_names_a_workers_tag_falls_to_that_worker() -> None:
    tidy = Assignable(agent_id="tidy", role="worker", tags=("math",))
    found = world("swarm", [LENA, WES, tidy], board="task", task="do the math")
    (row,) = found.claim()
    assert row.agent_id == "tidy"


def test_the_leader_says_what_and_the_workers_choose() -> None:
    items = plan(
        item("a", assignee="wim"),
        item("b", assignee="law"),
        item("c", assignee="lena"),
        item("d", "a", assignee="steady"),
    )
    found = world("swarm", ALL)

    def act(found: World, row: SubtaskRow) -> None:
        propose(found, row, items) if row.kind == "plan" else answer(found, row)

    drive(found, act)
    assert {key: found[key].assignee for key in "abcd"} == {
        "a": "*",
        "b": "law",
        "c": "lena",
        "d": "steady",
    }
    assert found["b"].agent_id == "spec" and found["a"].agent_id in ("wim", "wes")


def test_workers_put_further_items_up_within_the_bounds() -> None:
    def act(found: World, row: SubtaskRow) -> None:
        board = ["  look   again ", {"title": "ask", "instructions": "ask them", "assignee": "wes"}]
        odd = [{"title": "stranger", "assignee": "mallory"}, {"title": 7}, None, "", ["x"]]
        answer(found, row, board=[*board, *odd] if row.key == "item-1" else "no list")

    found = drive(world("swarm", board="task", task="one"), act)
    rows = {row.title: row for row in found.rows.values() if row.key.startswith("board-")}
    assert list(rows) == ["look again", "ask", "stranger"]
    assert (rows["ask"].agent_id, rows["ask"].instructions) == ("wes", "ask them")
    assert rows["stranger"].assignee == "*"  # nobody outside of the group is reached


def test_the_board_is_full_at_some_time_and_the_summary_is_told() -> None:
    def act(found: World, row: SubtaskRow) -> None:
        answer(found, row, board=["more", "and more"])

    found = drive(world("swarm", board="task", task="one", max_items=5), act)
    assert sum(row.kind == "work" for row in found.rows.values()) == 5
    assert "more were put up than the board holds" in found["summary"].instructions


def test_a_plan_larger_than_the_board_is_refused() -> None:
    found = world("swarm", max_items=2)
    (row,) = found.claim()
    propose(found, row, plan(item("a"), item("b"), item("c")))
    assert found.run.status == "failed" and "at most 2 items" in found.run.error


@given(st.data())
def test_whatever_workers_do_the_swarm_ends_within_its_bounds(data: Any) -> None:
    most, hands = data.draw(st.integers(1, 8)), data.draw(st.integers(0, 3))
    found = world("swarm", [*ALL], board="task", task=LIST, max_items=most, max_handovers=hands)

    def act(found: World, row: SubtaskRow) -> None:
        if row.kind != "work":
            answer(found, row)
            return
        match data.draw(st.sampled_from(["answer", "add", "pass", "fail", "break"])):
            case "answer":
                answer(found, row)
            case "add":
                who = st.sampled_from(["wim", "law", "*", "mallory", "otto"])
                answer(found, row, board=[{"title": "more", "assignee": data.draw(who)}] * 3)
            case "pass":
                pass_on(
                    found,
                    row,
                    data.draw(
                        st.sampled_from(["wim", "wes", "law", "@spec", "*", "steady", "otto", ""])
                    ),
                )
            case "fail":
                found.fail(row, transient=True)
            case _:
                found.fail(row)

    drive(found, act)
    items = [row for row in found.rows.values() if row.kind == "work"]
    assert len(items) <= most
    assert all(row.handovers <= hands and row.agent_id != "otto" for row in items)


@pytest.mark.parametrize("members", [[LENA], [LENA, SPEC]])
def test_open_work_falls_to_the_leader_where_there_is_no_worker(members: list[Assignable]) -> None:
    found = drive(world("swarm", members, board="task", task="one"), work)
    assert found["item-1"].agent_id == "lena"


def test_both_workers_share_the_board() -> None:
    found = world("swarm", [LENA, WIM, WES], board="task", task="- a\n- b\n- c\n- d")
    drive(found, work)
    shares = [row.agent_id for row in found.rows.values() if row.kind == "work"]
    assert sorted(shares) == ["wes", "wes", "wim", "wim"]
