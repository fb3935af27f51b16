"""Deferred targets: whoever was away when a task came by has the state once it is back and has acknowledged it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec
from django.db import transaction
from django.db.models import Exists, OuterRef

from state.models import Connection, SyncTarget, SyncTask
from state.persistence.base import PersistenceLayer
from state.policy import Caller
from state.sync import sessions
from state.sync.metrics import counts
from state.sync.policies import sees
from state.sync.tasks import recipients
from state.values import ConnectionStatus, SharedState, SyncTaskType, TargetStatus, TaskStatus

#: Targets that are looked at together, the newest ones.
MOST: Final = 1000


def settle(store: PersistenceLayer, now: datetime, *, session: str = "") -> int:
    """Complete the deferred targets that live connections (default: all) have served by now; how many.

    A connection serves one when its subscription matches the state, its agent may read it, and it has acknowledged the
    target's revision. One query when nothing is deferred for anybody who is there, else four, and a read of the store
    per space. Raises Unavailable.
    """
    rows = sessions.live(now).filter(acked__isnull=False)
    if session:
        rows = rows.filter(pk=session)
    there = rows.filter(space=OuterRef("task__space"), agent=OuterRef("agent"))
    deferred = SyncTarget.objects.filter(
        Exists(there.order_by()), status=TargetStatus.DEFERRED, revision__gt=0
    ).exclude(task__status=TaskStatus.CANCELLED)
    targets = list(deferred.select_related("task").order_by("-pk")[:MOST])
    if not targets:
        return 0
    rows = rows.filter(agent__in={each.agent for each in targets})
    by_agent = defaultdict(list)
    for row in rows.filter(space__in={each.task.space for each in targets}).defer("secret"):
        by_agent[row.space, row.agent].append(row)
    states = _states(store, targets)
    served = [
        each
        for each in targets
        if (state := states.get((each.task.space, each.task.key))) is not None
        and any(_has(row, each, state) for row in by_agent[each.task.space, each.agent])
    ]
    return _complete(served, now) if served else 0


def _states(
    store: PersistenceLayer, targets: Iterable[SyncTarget]
) -> dict[tuple[str, str], SharedState]:
    """By space and id; those that are there."""
    wanted = defaultdict(set)
    for each in targets:
        wanted[each.task.space].add(each.task.key)
    known = {info.id for info in store.spaces()}
    return {
        (space, state.id): state
        for space, ids in wanted.items()
        if space in known
        for state in store.load_states(space, sorted(ids)).values()
        if not state.deleted
    }


def _has(row: Connection, target: SyncTarget, state: SharedState) -> bool:
    """Whether by this connection the agent has what the target wants."""
    place = recipients.acked(row, state.id)
    if place is None or place < target.revision:
        return False
    if target.task.type == SyncTaskType.FULL_SYNC and row.status != ConnectionStatus.CONNECTED:
        return False  # it has not been back since
    return sees(state, msgspec.convert(row.reader, Caller))


def _complete(served: Iterable[SyncTarget], now: datetime) -> int:
    keys = {each.task_id for each in served}
    with transaction.atomic():
        # A task whose targets were all away has its success only now.
        tasks = SyncTask.objects.filter(pk__in=keys).order_by("pk").select_for_update()
        ended = {each.pk for each in tasks if each.status == TaskStatus.COMPLETED}
        had = SyncTarget.objects.filter(task__in=ended, status=TargetStatus.COMPLETED)
        ended -= set(had.values_list("task", flat=True))
        rows = SyncTarget.objects.filter(
            pk__in=[each.pk for each in served], status=TargetStatus.DEFERRED
        )
        newly = set(rows.values_list("task", flat=True)) & ended
        number = rows.update(status=TargetStatus.COMPLETED, acked_at=now, due_at=None, error="")
    for _ in newly:
        counts.task_ended(True)
    return number
