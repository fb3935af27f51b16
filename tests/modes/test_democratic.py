"""The democratic mode: everyone answers, everyone votes for others, ties and the minority are told."""

from __future__ import annotations

from typing import Any

import pytest

from groups.events import BudgetReached
from groups.execution import steering
from tests.modes.kit import ALL, CORA, answer, drive, votes, world
from tests.unit.world import LENA, WES, WIM, SubtaskRow, World, token


def voting(choices: dict[str, Any], place: str = "choice") -> Any:
    """Everybody answers; each votes as told, or says nothing that can be read."""

    def act(found: World, row: SubtaskRow) -> None:
        if row.kind == "vote":
            chosen = choices.get(row.agent_id)
            answer(
                found, row, f"{row.agent_id} has its reasons", **({place: chosen} if chosen else {})
            )
        else:
            answer(found, row)

    return act


def test_all_but_specialists_and_observers_answer_and_vote() -> None:
    found = drive(world("democratic", ALL), voting({}))
    kinds = {(row.kind, row.agent_id) for row in found.rows.values()}
    who = ("lena", "wim", "wes", "cora")
    assert kinds == {(kind, name) for kind in ("work", "vote") for name in who}


def test_the_answer_with_the_most_votes_is_the_result() -> None:
    chosen = {"lena": "answer-2", "wes": "answer-2", "wim": "answer-3"}
    found = drive(world("democratic"), voting(chosen))
    told = votes(found)
    assert (told.winner, told.tie, told.votes) == ("answer-2", [], chosen)
    assert told.counts == {"answer-1": 0, "answer-2": 2, "answer-3": 1}
    assert found.run.status == "completed" and found.run.result.startswith("answer-2 by wim")
    # wim could not vote for its own answer, so it is no minority.
    assert told.minority == [] and "Nobody voted otherwise" in found.run.result


def test_whoever_chose_otherwise_is_the_minority() -> None:
    members = [LENA, WIM, WES, CORA]
    chosen = {"lena": "answer-2", "wes": "answer-2", "cora": "answer-3", "wim": "answer-1"}
    found = drive(world("democratic", members), voting(chosen))
    assert votes(found).winner == "answer-2" and votes(found).minority == ["cora"]
    assert "`cora` preferred answer-3 of `wes`: cora has its reasons" in found.run.result


def test_a_tie_is_told_and_broken_by_the_leaders_vote() -> None:
    members = [WIM, WES, LENA, CORA]
    chosen = {"wim": "answer-2", "wes": "answer-1", "lena": "answer-2", "cora": "answer-1"}
    found = drive(world("democratic", members), voting(chosen))
    told = votes(found)
    assert (told.tie, told.winner) == (["answer-1", "answer-2"], "answer-2")
    assert told.minority == ["cora"]
    assert "**Tie** between the answers of `wim` and `wes`" in found.run.result
    assert "`cora` preferred answer-1 of `wim`: cora has its reasons" in found.run.result


def test_unreadable_votes_are_abstentions_and_without_any_nothing_is_decided() -> None:
    found = drive(world("democratic"), voting({"wim": "answer-2", "wes": "nonsense"}))
    told = votes(found)  # wim named its own answer
    assert (told.winner, told.votes) == ("", {})
    assert found.run.status == "completed" and "decided nothing" in found.run.result
    assert all(f"answer-{n} by" in found.run.result for n in (1, 2, 3))
    assert "`lena`, `wim`, `wes`" in found.run.result


@pytest.mark.parametrize("rule", ["approval", "ranked"])
def test_other_rules_take_several_names(rule: str) -> None:
    place = "choices" if rule == "approval" else "ranking"
    chosen = {
        "lena": ["answer-3", "answer-2"],
        "wim": ["answer-3", "answer-1"],
        "wes": ["answer-2"],
    }
    found = drive(world("democratic", rule=rule), voting(chosen, place))
    told = votes(found)
    # Approved of twice each, and the leader names the third first.
    assert told.rule == rule and told.winner == "answer-3"
    assert told.tie == (["answer-2", "answer-3"] if rule == "approval" else [])


def test_a_summary_from_before_the_money_was_raised_does_not_stand_over() -> None:
    found = world("democratic")
    reached = BudgetReached(scope="run", limit="tokens", text="The run's cap is reached.")
    lena, wim, wes = found.claim()
    answer(found, wim)
    answer(found, wes)
    with found.machine() as machine:
        assert machine.fail(lena.id, token(lena), "cap", transient=False, reached=reached)
    drive(found, lambda world, row: answer(world, row))
    assert found.run.stop_reason and found["summary"].status == "completed"
    with found.machine() as machine:
        steering.retry(machine, by="bo")
    drive(found, voting({"lena": "answer-2"}))
    assert found.run.result.startswith("answer-2 by wim")
    assert found["summary"].status == "skipped"
    with found.machine() as machine:
        steering.retry(machine, by="bo")
    assert found.run.status == "completed"
