"""What sockets say about sync tasks: somebody has what was delivered, or wrote into it and collided."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from state import queue
from state.models import SyncTarget, SyncTask
from state.models.sync import OPEN_TARGETS, WORK_STATUSES
from state.sync.metrics import counts
from state.sync.telling import Publish, tell
from state.values import EventType, TargetStatus


def acked(task_id: str, agent: str, revision: int) -> None:
    """The agent has acknowledged what was delivered for the task, up to `revision`. Repeating it, or for a task that
    has ended, does nothing."""
    try:
        known = UUID(task_id)
    except ValueError:
        return
    now = datetime.now(UTC)
    with transaction.atomic():
        targets = SyncTarget.objects.filter(
            task=known, agent=agent, revision__gt=0, revision__lte=revision
        )
        unended = SyncTask.objects.filter(pk=known, status__in=WORK_STATUSES)
        served = complete(targets, now) and unended.update(due_at=now)
    if served:
        queue.ring()


def conflicted(
    publish: Publish, *, space: str, agent: str, state_id: str, conflict_id: str = ""
) -> int:
    """The agent's write on a state collided: tell of it for every task that has brought it this state and waits for
    its acknowledgement; how many."""
    targets = SyncTarget.objects.filter(
        agent=agent, status=TargetStatus.SENT, task__space=space, task__key=state_id
    )
    tasks = list(targets.values_list("task", flat=True))
    for task in tasks:
        counts.conflict()
        tell(
            publish,
            EventType.SYNC_CONFLICT,
            datetime.now(UTC),
            space=space,
            agent=agent,
            state=state_id,
            task=str(task),
            conflict_id=conflict_id,
        )
    return len(tasks)


def complete(targets: QuerySet[SyncTarget], now: datetime) -> int:
    """These targets have what they must have; how many had not before."""
    return targets.filter(status__in=OPEN_TARGETS).update(
        status=TargetStatus.COMPLETED, acked_at=now, due_at=None, error=""
    )
