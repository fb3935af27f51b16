"""What a run does at the edge of its means: nothing further is begun, the leader gets one turn to wrap up. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from groups.events import BudgetReached, SubtaskFailed, SubtaskSkipped
from groups.execution.book import RunBook
from groups.execution.plan import candidates
from groups.execution.records import SubtaskRecord
from groups.execution.statuses import RunStatus, SubtaskKind, SubtaskStatus

#: The part of its time limit that a run gets to wrap up when that has passed, and the seconds it is at least.
GRACE: Final = 0.1
LEAST_GRACE: Final = 30.0
#: Seconds that an agent is told to have at least, however late the run is.
LEAST: Final = 1.0

_NOT_BEGUN: Final = frozenset({SubtaskStatus.READY, SubtaskStatus.BLOCKED, SubtaskStatus.WAITING})


def reach(book: RunBook, item: SubtaskRecord, reached: BudgetReached) -> None:
    """A cap stopped the running `item`: it ends, what has not begun is skipped; what runs may come to its end.

    A summary is tried once more, as the turn that wraps up (see `wrap_up`). An agent's own cap stops only what falls
    to nobody but that agent.
    """
    first = _note(book, reached, item)
    if item.kind == SubtaskKind.SUMMARY and first:
        item.max_attempts = max(item.max_attempts, item.attempt + 1)
        book.again(item, reached.text, "budget", 0.0)
        return
    item.error = reached.text
    book.move(item, SubtaskStatus.FAILED)
    book.emit(SubtaskFailed(error=reached.text, attempt=item.attempt), item)
    only = item.agent_id if reached.scope == "agent" else ""
    _skip(book, reached.text, _NOT_BEGUN, only)
    book.skip_dependents(item)


def out_of_time(book: RunBook) -> bool:
    """The run's time limit has passed: have what was completed summed up, if there is anything.

    What runs is broken off. False, and nothing done, when there is nothing to sum up or its time for that is over too.
    """
    summaries = [s for s in book.subtasks if s.kind == SubtaskKind.SUMMARY]
    done = any(
        s.kind == SubtaskKind.WORK and s.status == SubtaskStatus.COMPLETED for s in book.subtasks
    )
    begun = any(s.status != SubtaskStatus.BLOCKED for s in summaries)
    if not done or begun or book.run.status != RunStatus.RUNNING:
        return False
    text = f"The run's time limit of {book.run.time_limit:g} s has passed."
    _note(book, BudgetReached(scope="run", limit="time", text=text))
    _skip(book, text, _NOT_BEGUN | {SubtaskStatus.RUNNING})
    grace = min(book.run.subtask_time_limit, max(LEAST_GRACE, book.run.time_limit * GRACE))
    book.run.deadline_at = book.now + timedelta(seconds=grace)
    return True


def seconds_for(book: RunBook) -> float:
    """What an agent that begins now has for its subtask: its own limit, and no more than the run has left."""
    limit = book.run.subtask_time_limit
    if book.run.deadline_at is None:
        return limit
    return min(limit, max(LEAST, (book.run.deadline_at - book.now).total_seconds()))


def wrap_up(book: RunBook, item: SubtaskRecord) -> str:
    """Why this subtask is the turn that wraps the run up; empty when it is not."""
    return book.run.stop_reason if item.kind == SubtaskKind.SUMMARY else ""


def _note(book: RunBook, reached: BudgetReached, item: SubtaskRecord | None = None) -> bool:
    """Keep and log why the run stops, once. Returns whether it was the first time."""
    if book.run.stop_reason:
        return False
    book.run.stop_reason = reached.text
    book.emit(reached, item)
    return True


def _skip(book: RunBook, reason: str, statuses: frozenset[SubtaskStatus], only: str = "") -> None:
    """Skip work in these statuses; with `only`, what falls to no other agent than that."""
    skipped = []
    for item in book.subtasks:
        if item.kind == SubtaskKind.SUMMARY or item.status not in statuses:
            continue
        if only and {m.agent_id for m in candidates(book.members, item.assignee)} != {only}:
            continue
        item.error = reason
        book.move(item, SubtaskStatus.SKIPPED)
        book.emit(SubtaskSkipped(reason=reason), item)
        skipped.append(item)
    for item in skipped:
        book.skip_dependents(item)
