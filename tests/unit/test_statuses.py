"""The tables of legal transitions: complete, closed at the ends, and kept by the machine."""

from __future__ import annotations

import itertools

import pytest

from groups.errors import WrongStatus
from groups.execution.statuses import (
    RUN_ENDED,
    RUN_TRANSITIONS,
    SUBTASK_ENDED,
    SUBTASK_TRANSITIONS,
    RunStatus,
    SubtaskStatus,
)
from tests.unit.world import World, item, plan

RUN_PAIRS = list(itertools.product(RunStatus, RunStatus))
SUBTASK_PAIRS = list(itertools.product(SubtaskStatus, SubtaskStatus))


def test_every_status_stands_in_its_table() -> None:
    assert set(RUN_TRANSITIONS) == set(RunStatus)
    assert set(SUBTASK_TRANSITIONS) == set(SubtaskStatus)


def test_a_cancelled_run_stays_cancelled() -> None:
    assert not RUN_TRANSITIONS[RunStatus.CANCELLED]


def test_any_run_under_way_can_be_cancelled_and_can_fail() -> None:
    for status in set(RunStatus) - RUN_ENDED:
        assert RUN_TRANSITIONS[status] >= {RunStatus.CANCELLED, RunStatus.FAILED}


def test_ends_are_left_only_to_be_taken_up_again() -> None:
    for status in SUBTASK_ENDED:
        assert SUBTASK_TRANSITIONS[status] == {SubtaskStatus.BLOCKED}
    for end in RUN_ENDED:
        assert not RUN_TRANSITIONS[end] & (RUN_ENDED | {RunStatus.PAUSED})


def test_no_status_leads_to_itself() -> None:
    for status in RunStatus:
        assert status not in RUN_TRANSITIONS[status]
    for part in SubtaskStatus:
        assert part not in SUBTASK_TRANSITIONS[part]


@pytest.mark.parametrize(("old", "new"), RUN_PAIRS)
def test_the_run_moves_along_the_table_only(old: RunStatus, new: RunStatus) -> None:
    world = World(status=old)
    with world.machine() as machine:
        if new in RUN_TRANSITIONS[old]:
            machine.set_status(new)
            assert world.run.status == new
            assert (world.run.finished_at is not None) == (new in RUN_ENDED)
        else:
            with pytest.raises(WrongStatus):
                machine.set_status(new)
            assert world.run.status == old


@pytest.mark.parametrize(("old", "new"), SUBTASK_PAIRS)
def test_a_subtask_moves_along_the_table_only(old: SubtaskStatus, new: SubtaskStatus) -> None:
    world = World()
    world.planned(plan(item("a")))
    row = world["a"]
    row.status = old
    with world.machine() as machine:
        if new in SUBTASK_TRANSITIONS[old]:
            machine.move(row, new)
            assert row.status == new
            assert (row.finished_at is not None) == (new in SUBTASK_ENDED)
        else:
            with pytest.raises(WrongStatus):
                machine.move(row, new)
            assert row.status == old


@pytest.mark.parametrize("status", [s for s in RunStatus if s not in (*RUN_ENDED, "paused")])
def test_progress_does_not_undo_a_pause(status: RunStatus) -> None:
    world = World(status=RunStatus.PAUSED)
    with world.machine() as machine:
        machine.progress_to(status)
    assert world.run.status == RunStatus.PAUSED
