"""The queue of sync tasks, in rows: who is next, how many at once, what becomes of a task (shared-state 1.12).

A task waits in the order of its rank: the time at which it was created, earlier by 30 s for each step of its priority.
That is the order of priorities which grow by one every 30 s. While it is carried out it has one of as many slots as
tasks may run at once, whatever the number of processes: the table has each slot once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction

from state import queue as bell
from state.errors import StarsError
from state.models import SyncTarget, SyncTask
from state.models.sync import OPEN_TARGETS
from state.sync.metrics import counts
from state.sync.tasks import leases
from state.sync.telling import Publish, tell
from state.values import EventType, StateEvent, TargetStatus, TaskStatus

logger = logging.getLogger(__name__)

#: What one step of priority is worth in waiting.
STEP: Final = timedelta(seconds=30)
#: How long tasks are shown after their end.
SHOWN: Final = timedelta(days=7)
#: A task that runs is looked at so often, though nobody says that something happened.
LOOK: Final = timedelta(seconds=5)
#: Others that take the same slot before one gives up until the next call.
_TRIES: Final = 10


class Queue:
    """Tasks of all spaces. Thread-safe; blocks."""

    def __init__(
        self,
        publish: Publish,
        record: Callable[[StateEvent], object],
        clock: Callable[[], datetime],
        *,
        at_once: int,
    ) -> None:
        """`publish` passes best-effort events on, `record` keeps durable ones; `at_once`: tasks carried out at once."""
        self._publish, self._record, self._clock = publish, record, clock
        self._at_once = at_once

    def add(self, task: SyncTask, agents: Iterable[str]) -> None:
        """One more task, for these agents (none: those who subscribe when it starts)."""
        now = self._clock()
        task.created_at = task.due_at = now
        task.rank = now - task.priority * STEP
        with transaction.atomic():
            task.save(force_insert=True)
            SyncTarget.objects.bulk_create([SyncTarget(task=task, agent=each) for each in agents])
        bell.ring()

    def claim(self) -> SyncTask | None:
        """A task on which something is to be done, leased to whoever asks: one that runs, or the next one if there is
        a slot for it."""
        leases.settle()
        now = self._clock()
        due = SyncTask.objects.filter(due_at__lte=now)
        running = due.filter(status=TaskStatus.RUNNING).order_by("due_at")
        waiting = due.filter(status=TaskStatus.PENDING).order_by("rank", "id")
        row = leases.take(running, now)
        for _ in range(_TRIES):
            if row is not None or not waiting.exists():
                break
            slot = self._free_slot()
            if slot is None:
                break
            try:
                with transaction.atomic():
                    row = leases.take(waiting, now, status=TaskStatus.RUNNING.value, slot=slot)
            except IntegrityError:  # somebody took the same slot
                continue
        return row

    def _free_slot(self) -> int | None:
        taken = set(SyncTask.objects.filter(slot__isnull=False).values_list("slot", flat=True))
        if len(taken) >= self._at_once:
            return None
        return next(slot for slot in range(self._at_once) if slot not in taken)

    def choose(self, task: SyncTask, revision: int, agents: Sequence[str] | None) -> bool:
        """The task starts: it is settled whom it serves (`agents`, else those it was given) and which revision they
        must have. False when it is no longer ours."""
        now = self._clock()
        first = task.started_at is None
        changes: dict[str, Any] = {
            "chosen": True,
            "revision": revision,
            "started_at": task.started_at or now,
        }
        with transaction.atomic():
            if not leases.extend(task, now, **changes):
                return False
            if agents is not None:
                SyncTarget.objects.bulk_create(
                    [SyncTarget(task=task, agent=each) for each in agents], ignore_conflicts=True
                )
            task.targets.update(revision=revision)
        for name, value in changes.items():
            setattr(task, name, value)
        if first:
            self._tell(EventType.SYNC_STARTED, task)
        return True

    def settle(self, leased: SyncTask) -> None:
        """A step is done: the task has ended, or the lease is given back; then it goes on when there is something to
        do, or waits among the others until it is tried again."""
        now = self._clock()
        with transaction.atomic():
            task = self._running(leased)
            if task is None:
                return
            targets = list(task.targets.all())
            waits = [each for each in targets if each.status in OPEN_TARGETS]
            if waits:
                self._wait(task, targets, waits, now)
                return
            failed = [each for each in targets if each.status == TargetStatus.FAILED]
            text = f"{len(failed)} of {len(targets)} agents were not served." if failed else ""
            self._end(task, TaskStatus.FAILED if failed else TaskStatus.COMPLETED, text, now)
            # Nobody has it yet: whoever comes back first makes it count (`deferred`).
            away = bool(targets) and all(e.status == TargetStatus.DEFERRED for e in targets)
        self._ended(task, count=not away)

    def _wait(
        self,
        task: SyncTask,
        targets: Sequence[SyncTarget],
        waits: Sequence[SyncTarget],
        now: datetime,
    ) -> None:
        """The task's step is over, and some targets are not served."""
        task.retry_count = max(each.retry_count for each in targets)
        task.due_at = min([each.due_at or now for each in waits])
        if all(each.status == TargetStatus.PENDING for each in waits):
            # None can do anything before then: let others have the slot.
            task.status, task.slot = TaskStatus.PENDING, None
        else:
            task.due_at = min(task.due_at, now + LOOK)
        task.lease, task.lease_until = "", None
        task.save(update_fields=["retry_count", "due_at", "status", "slot", "lease", "lease_until"])

    def postpone(self, task: SyncTask, pause: timedelta) -> None:
        """Give the lease back with nothing done: what it needs is away."""
        leases.release(task, due_at=self._clock() + pause)

    def fail(self, task: SyncTask, error: str) -> None:
        """The whole task cannot be carried out."""
        now = self._clock()
        with transaction.atomic():
            row = self._running(task)
            if row is None:
                return
            open_targets = row.targets.filter(status__in=OPEN_TARGETS)
            open_targets.update(status=TargetStatus.FAILED, error=error, due_at=None)
            self._end(row, TaskStatus.FAILED, error, now)
        self._ended(row)

    def cancel(self, task_id: UUID) -> bool:
        """End the task unless it has ended; targets that were served stay so. Whether it was this call that did."""
        now = self._clock()
        with transaction.atomic():
            unended = SyncTask.objects.filter(
                pk=task_id, status__in=[TaskStatus.PENDING, TaskStatus.RUNNING]
            )
            task = unended.select_for_update().first()
            if task is None:
                return False
            open_targets = task.targets.filter(status__in=OPEN_TARGETS)
            open_targets.update(status=TargetStatus.CANCELLED, due_at=None)
            self._end(task, TaskStatus.CANCELLED, "", now)
        bell.ring()
        return True

    def tell_failures(self) -> None:
        """Keep the failures that are not in the audit trails yet, for the store was away or somebody died."""
        for task in SyncTask.objects.filter(told=False).order_by("completed_at")[:100]:
            self._tell_failure(task)

    def forget(self) -> int:
        """Remove tasks that ended a week ago; how many."""
        old = SyncTask.objects.filter(completed_at__lt=self._clock() - SHOWN)
        _, by_model = old.delete()
        return by_model.get(SyncTask._meta.label, 0)

    # -- within ------------------------------------------------------------------------------------------------------

    def _running(self, leased: SyncTask) -> SyncTask | None:
        """The row, locked; None when it was cancelled or taken over meanwhile."""
        ours = SyncTask.objects.filter(pk=leased.pk, lease=leased.lease)
        return ours.select_for_update().first()

    def _end(self, task: SyncTask, status: TaskStatus, error: str, now: datetime) -> None:
        task.status, task.error, task.completed_at = status.value, error, now
        task.slot, task.lease, task.lease_until = None, "", None
        task.told = status is not TaskStatus.FAILED
        task.retry_count = max([each.retry_count for each in task.targets.all()], default=0)
        task.save()

    def _ended(self, task: SyncTask, *, count: bool = True) -> None:
        if count:
            counts.task_ended(task.status == TaskStatus.COMPLETED)
        if task.status == TaskStatus.COMPLETED:
            self._tell(EventType.SYNC_COMPLETED, task)
        else:
            self._tell_failure(task)
        bell.ring()  # its slot is free

    def _tell(self, kind: EventType, task: SyncTask) -> None:
        tell(
            self._publish,
            kind,
            self._clock(),
            space=task.space,
            agent=task.created_by,
            state=task.key,
            task=str(task.pk),
            type=task.type,
        )

    def _tell_failure(self, task: SyncTask) -> None:
        failed = task.targets.filter(status=TargetStatus.FAILED).values_list("agent", "error")
        event = StateEvent(
            type=EventType.SYNC_FAILED,
            timestamp=task.completed_at or self._clock(),
            space=task.space,
            agent_id=task.created_by,
            state_id=task.key,
            metadata={
                "task": str(task.pk),
                "type": task.type,
                "error": task.error,
                "targets": dict(failed),
            },
        )
        try:
            self._record(event)
        except StarsError as error:
            logger.warning("a failed sync task is told of later: %s", error)
        else:
            SyncTask.objects.filter(pk=task.pk).update(told=True)
