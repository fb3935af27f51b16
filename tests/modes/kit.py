"""Runs in a mode, driven by hand: agents that answer as told, until the run is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from groups.events import VotesCounted
from groups.execution.handing import hand_over
from groups.execution.modes import get_mode
from groups.execution.plan import Assignable
from groups.execution.statuses import RUN_ENDED
from tests.unit.world import LENA, WES, WIM, SubtaskRow, World, token

CORA = Assignable(agent_id="cora", role="coordinator")
SPEC = Assignable(agent_id="spec", role="specialist", tags=("law",))
OTTO = Assignable(agent_id="otto", role="observer", tags=("law", "math"))
ALL = [LENA, WIM, WES, CORA, SPEC, OTTO]

#: What an agent does with its subtask: it drives the machine itself.
Act = Callable[[World, SubtaskRow], None]


def world(mode: str, members: list[Assignable] | None = None, /, **options: Any) -> World:
    """A run in that mode, submitted; its options are checked as at the start of a run."""
    members = [LENA, WIM, WES] if members is None else members
    fields = {
        name: options.pop(name)
        for name in ("task", "failure_policy", "approve_plan")
        if name in options
    }
    found = World(
        members=members, mode=mode, options=get_mode(mode).settle(options, members), **fields
    )
    found.begin()
    return found


def answer(found: World, row: SubtaskRow, text: str = "", **data: Any) -> None:
    """The agent answers, with data."""
    with found.machine() as machine:
        assert machine.complete(row.id, token(row), text or f"{row.key} by {row.agent_id}", data)


def propose(found: World, row: SubtaskRow, proposal: Any) -> None:
    """The agent plans."""
    with found.machine() as machine:
        assert machine.propose(row.id, token(row), proposal)


def pass_on(found: World, row: SubtaskRow, to: str, text: str = "") -> None:
    """The agent hands its subtask over."""
    with found.machine() as machine:
        assert hand_over(machine, row.id, token(row), to=to, text=text)


def drive(found: World, act: Act, *, rounds: int = 2000) -> World:
    """Claim and act until the run is over; it must come to its end."""
    for _ in range(rounds):
        if found.run.status in RUN_ENDED:
            return found
        found.later(61)
        for row in found.claim():
            if row.status == "running":
                act(found, row)
    raise AssertionError(f"no end: {found.statuses()}")


def votes(found: World) -> VotesCounted:
    """How the vote was counted."""
    event = found.last("votes.counted")
    assert isinstance(event, VotesCounted)
    return event


def cannot(found: World, row: SubtaskRow) -> None:
    """The agent fails for good."""
    found.fail(row, "no idea.")
