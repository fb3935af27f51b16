"""Carries sync tasks out, one step at a time: deliver, look who has acknowledged, try again, come to an end.

Every step may be repeated, by another process too: what was delivered is delivered again at worst, and a target is
served once, by its task, agent and revision.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from django.db.models import QuerySet

from state.errors import Unavailable
from state.models import Connection, SyncTarget, SyncTask
from state.models.sync import OPEN_TARGETS
from state.persistence.base import PersistenceLayer
from state.sync import control
from state.sync.tasks import leases, recipients
from state.sync.tasks.acking import complete
from state.sync.tasks.queue import Queue
from state.sync.webhooks.sending import WebhookFailed
from state.values import SharedState, SyncConfig, SyncTaskType, TargetStatus

logger = logging.getLogger(__name__)

#: Seconds, the longest pause between two attempts.
LONGEST: Final = 30.0
#: How long a task waits for a store that is away.
AWAY: Final = timedelta(seconds=5)
#: Tasks that may or must find out whom they serve.
_TO_ALL: Final = frozenset(
    {SyncTaskType.BROADCAST, SyncTaskType.FULL_SYNC, SyncTaskType.DELTA_SYNC}
)


class Pushes(Protocol):
    """Sends to webhooks."""

    def push(self, row: Connection, task: str, state: SharedState) -> None:
        """The state as a snapshot, at once. Raises WebhookFailed."""

    def hurry(self, row: Connection) -> None:
        """Have what it has not got sent now."""


def pause(config: SyncConfig, tries: int) -> timedelta:
    """How long to wait after so many failures in a row (1 or more): exponential with full jitter."""
    most = min(config.retry_delay.total_seconds() * 2.0 ** min(tries - 1, 30), LONGEST)
    return timedelta(seconds=random.uniform(0, most))


class Runner:
    """Does what is due. Thread-safe; blocks."""

    def __init__(
        self,
        queue: Queue,
        store: PersistenceLayer,
        config: SyncConfig,
        callers: recipients.Callers,
        webhooks: Pushes,
        clock: Callable[[], datetime],
    ) -> None:
        self._queue, self._store, self._config = queue, store, config
        self._callers, self._webhooks, self._clock = callers, webhooks, clock

    def step(self, task: SyncTask) -> None:
        """What is to be done about a task that was claimed."""
        try:
            state = self._store.load_states(task.space, [task.key]).get(task.key)
            if state is None or state.deleted:
                self._without_state(task)
                return
            if self._is_chosen(task, state) and self._serve(task, state):
                self._queue.settle(task)
        except Unavailable as error:
            logger.warning("a sync task waits: %s", error, extra={"task": str(task.pk)})
            self._queue.postpone(task, AWAY)
        except Exception:
            logger.exception("a sync task is tried again later", extra={"task": str(task.pk)})
            self._queue.postpone(task, AWAY)

    def _without_state(self, task: SyncTask) -> None:
        if any(info.id == task.space for info in self._store.spaces()):
            self._queue.fail(task, "The state is gone.")
        else:
            self._queue.cancel(task.pk)  # with the space everything in it is gone

    def _is_chosen(self, task: SyncTask, state: SharedState) -> bool:
        if task.chosen:
            return True
        agents = None
        if task.type in _TO_ALL and not task.targets.exists():
            agents = recipients.subscribers(state, self._clock(), self._callers)
        return self._queue.choose(task, task.revision or state.revision, agents)

    def _serve(self, task: SyncTask, state: SharedState) -> bool:
        """All targets that are not served; False when the task was cancelled or taken over meanwhile."""
        targets = list(task.targets.filter(status__in=OPEN_TARGETS))
        agents = [each.agent for each in targets]
        rows = recipients.by_agent(task.space, task.key, self._clock(), agents)
        lasting = max(leases.LEASE, 2 * self._config.timeout)
        for target in targets:
            if not leases.extend(task, self._clock(), lasting=lasting):
                return False
            self._look_at(task, state, target, rows.get(target.agent, []))
        return True

    def _look_at(
        self, task: SyncTask, state: SharedState, target: SyncTarget, rows: Sequence[Connection]
    ) -> None:
        now = self._clock()
        has = max((recipients.acked(each, state.id) or 0 for each in rows), default=0)
        if task.type != SyncTaskType.FULL_SYNC and rows and has >= target.revision:
            complete(_only(target), now)
            return
        if target.due_at is not None and target.due_at > now:
            return  # it has time left, or rests
        online = [each for each in rows if recipients.is_online(each)]
        if not online:
            self._change(target, status=TargetStatus.DEFERRED, due_at=None)
        elif target.status == TargetStatus.SENT:
            seconds = self._config.timeout.total_seconds()
            self._failed(task, target, f"It did not acknowledge within {seconds:g} seconds.")
        else:
            self._deliver(task, state, target, online)

    def _deliver(
        self, task: SyncTask, state: SharedState, target: SyncTarget, rows: Sequence[Connection]
    ) -> None:
        readable = [each for each in rows if recipients.may_read(each, state, self._callers)]
        if not readable:
            text = "It may not read this state."
            self._change(target, status=TargetStatus.FAILED, error=text, due_at=None)
            return
        full = task.type == SyncTaskType.FULL_SYNC
        now = self._clock()
        # Before it goes out, for it may be acknowledged before the next line.
        sent = {"status": TargetStatus.SENT, "sent_at": now, "due_at": now + self._config.timeout}
        self._change(target, **sent)
        errors = []
        for row in readable:
            if not row.address:
                kind = "full" if full else "delta"
                control.send(
                    control.Deliver(
                        row.pk, str(task.pk), target.agent, state.id, kind, target.revision
                    )
                )
            elif not full:
                self._webhooks.hurry(row)
            else:
                try:
                    self._webhooks.push(row, str(task.pk), state)
                except WebhookFailed as error:
                    errors.append(error.message)
                else:
                    complete(_only(target), self._clock())
                    return
        if errors and all(each.address for each in readable):
            self._failed(task, target, errors[0])

    def _failed(self, task: SyncTask, target: SyncTarget, error: str) -> None:
        """One more attempt came to nothing."""
        tries = target.retry_count + 1
        if tries > task.max_retries:
            self._change(target, status=TargetStatus.FAILED, error=error, due_at=None)
        else:
            self._change(
                target,
                status=TargetStatus.PENDING,
                error=error,
                retry_count=tries,
                due_at=self._clock() + pause(self._config, tries),
            )

    def _change(self, target: SyncTarget, **changes: object) -> None:
        """Unless it was acknowledged or cancelled meanwhile."""
        _only(target).filter(status__in=OPEN_TARGETS).update(**changes)


def _only(target: SyncTarget) -> QuerySet[SyncTarget]:
    return SyncTarget.objects.filter(pk=target.pk)
