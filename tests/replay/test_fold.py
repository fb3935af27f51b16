"""The fold that all engine tests compare rows with: it notices gaps, and only facts about statuses move statuses."""

from __future__ import annotations

from typing import Any

import pytest

from groups.events import CATALOGUE
from tests.replay.fold import View, fold

PLAN = {"subtasks": [{"id": "1"}, {"id": "2"}]}


def story(*facts: tuple[str, str | None, dict[str, Any]]) -> View:
    return fold((seq, *fact) for seq, fact in enumerate(facts, start=1))


def fact(kind: str, subtask: str | None = None, **data: Any) -> tuple[str, str | None, Any]:
    return (kind, subtask, data)


BEGUN = [
    fact("run.queued"),
    fact("subtask.ready", "p"),
    fact("run.started"),
    fact("subtask.started", "p"),
]


@pytest.mark.parametrize("seqs", [[2], [1, 3], [1, 1], [1, 2, 2], [2, 1]])
def test_a_gap_or_a_double_is_noticed(seqs: list[int]) -> None:
    with pytest.raises(AssertionError, match="gap"):
        fold((seq, "text.delta", "p", {"text": ""}) for seq in seqs)


def test_a_plan_without_approval_is_taken_up_with_its_proposal() -> None:
    view = story(*BEGUN, fact("plan.proposed", "p", plan=PLAN, approval_required=False))
    assert view.status == "running"
    assert view.subtasks == {"p": "running", "1": "blocked", "2": "blocked"}


def test_a_plan_that_needs_approval_is_not() -> None:
    view = story(*BEGUN, fact("plan.proposed", "p", plan=PLAN, approval_required=True))
    assert (view.status, view.subtasks) == ("awaiting_approval", {"p": "running"})


def test_a_pause_is_left_by_a_resume_or_an_end_only() -> None:
    paused = [*BEGUN, fact("run.paused"), fact("run.summarising")]
    assert story(*paused).status == "paused"
    assert story(*paused, fact("run.resumed", status="summarising", retried=[])).status == (
        "summarising"
    )
    assert story(*paused, fact("run.cancelled")).status == "cancelled"


def test_an_end_cancels_what_had_not_ended() -> None:
    view = story(
        *BEGUN,
        fact("plan.proposed", "p", plan=PLAN, approval_required=False),
        fact("subtask.completed", "p", result=""),
        fact("run.failed", error="no"),
    )
    assert view.subtasks == {"p": "completed", "1": "cancelled", "2": "cancelled"}
    assert view.error == "no"


STILL = {
    "text.delta",
    "tool.started",
    "tool.finished",
    "message.sent",
    "state.changed",
    "usage.recorded",
}


@pytest.mark.parametrize("kind", sorted(STILL))
def test_what_agents_say_moves_no_status(kind: str) -> None:
    assert kind in CATALOGUE
    before, after = story(*BEGUN), story(*BEGUN, fact(kind, "p"))
    assert (before.status, before.subtasks) == (after.status, after.subtasks)
