"""What an agent is told of the other subtasks of its run."""

from __future__ import annotations

from collections.abc import Sequence

from groups.agents.base import Finding
from groups.execution.records import SubtaskRecord
from groups.execution.statuses import SubtaskKind, SubtaskStatus


def findings(subtasks: Sequence[SubtaskRecord], item: SubtaskRecord) -> tuple[Finding, ...]:
    """What `item` builds on, in order: for work what it depends on, for a vote the others' answers, for the summary
    and a further plan all work.
    """
    if item.kind == SubtaskKind.WORK and not item.depends_on:
        return ()
    return tuple(
        Finding(
            key=other.key,
            title=other.title,
            agent_id=other.agent_id,
            status=other.status,
            text=other.result,
            error=other.error,
        )
        for other in subtasks
        if other.kind == SubtaskKind.WORK and _counts(other, item)
    )


def is_further_plan(subtasks: Sequence[SubtaskRecord], item: SubtaskRecord) -> bool:
    """Whether it is asked for although there is a plan: that one does not do."""
    works = (other.kind == SubtaskKind.WORK for other in subtasks)
    return item.kind == SubtaskKind.PLAN and any(works)


def _counts(other: SubtaskRecord, item: SubtaskRecord) -> bool:
    match item.kind:
        case SubtaskKind.WORK:
            return other.key in item.depends_on
        case SubtaskKind.VOTE:
            return other.status == SubtaskStatus.COMPLETED and other.agent_id != item.agent_id
        case _:
            return True
