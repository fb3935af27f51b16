"""The sweep: heals whatever a lost doorbell, a dead worker or a passed time limit left behind."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from groups import queue
from groups.execution.statuses import RUN_ENDED, RunStatus, SubtaskStatus
from groups.models import Run, Subtask
from groups.services import messaging
from groups.services.ledger import opened
from groups.services.processes import dead_here

logger = logging.getLogger(__name__)

#: How many runs one sweep opens; the rest follow in the next.
AT_ONCE: Final = 200


class Swept(NamedTuple):
    """What a sweep did."""

    expired: int
    timed_out: int
    rung: int
    deliveries: int


def sweep(*, owner: str) -> Swept:
    """Take back dead leases, fail runs past their time limit, ring for runs with ready work and undelivered messages.

    `owner` names the sweeping process (as leases do): leases of other processes of the same machine that no longer
    live are taken back at once, instead of when they run out.
    """
    now = timezone.now()
    is_dead = dead_here(owner)
    expired = timed_out = 0
    lost = Q(status=SubtaskStatus.RUNNING, lease_until__lte=now)
    for name in filter(is_dead, set(_owners())):
        lost |= Q(status=SubtaskStatus.RUNNING, lease_owner=name)
    to_open = set(Subtask.objects.filter(lost).values_list("run_id", flat=True)[:AT_ONCE])
    late = Run.objects.filter(deadline_at__lte=now).exclude(status__in=list(RUN_ENDED))
    to_open |= set(late.values_list("id", flat=True)[:AT_ONCE])
    unanswered = Subtask.objects.filter(status=SubtaskStatus.WAITING, due_at__lte=now)
    to_open |= set(unanswered.values_list("run_id", flat=True)[:AT_ONCE])
    for run_id in to_open:
        try:
            expired_here, timed_out_here = _heal(run_id, is_dead)
        except Exception:
            # One run that cannot be opened must not keep the others from being healed.
            logger.exception("run not healed", extra={"run": str(run_id)})
        else:
            expired += expired_here
            timed_out += timed_out_here
    rung = _ring_for_ready()
    waiting = messaging.pending(older_than=timedelta(seconds=settings.STARS_SWEEP_SECONDS))
    for message_id in waiting:
        queue.deliver(message_id)
    return Swept(expired, timed_out, rung, len(waiting))


def give_up(run_id: uuid.UUID) -> None:
    """Fail a run that the engine cannot write. Raises RunNotFound."""
    with opened(run_id) as machine:
        if not machine.ended:
            machine.end_failed("The server could not go on with this run; its log tells why.")


def _heal(run_id: uuid.UUID, is_dead: Callable[[str], bool]) -> tuple[int, bool]:
    """How many leases of the run were taken back, and whether its time limit ended it."""
    with opened(run_id) as machine:
        expired = machine.expire(is_dead)
        timed_out = machine.check_deadline()
        machine.check_waiting()
        if expired and not machine.ended:
            # Some engine is to know when their back-off ends, sooner than the next sweep.
            queue.ring([run_id])
    return expired, timed_out


def _ring_for_ready() -> int:
    """Ring for runs that have had ready work for a while; drivers that have them already notice no harm."""
    now = timezone.now()
    ready = Subtask.objects.filter(run=OuterRef("pk"), status=SubtaskStatus.READY).filter(
        Q(not_before__isnull=True) | Q(not_before__lte=now)
    )
    standing = [*RUN_ENDED, RunStatus.PAUSED, RunStatus.AWAITING_APPROVAL]
    runs = list(
        Run.objects.exclude(status__in=standing)
        .filter(Exists(ready))
        # Any of them: were it always the oldest, two hundred that wait for a busy agent would starve the others.
        .order_by("?")
        .values_list("id", flat=True)[:AT_ONCE]
    )
    queue.ring(runs)
    return len(runs)


def _owners() -> list[str]:
    running = Subtask.objects.filter(status=SubtaskStatus.RUNNING)
    return list(running.values_list("lease_owner", flat=True).distinct()[:AT_ONCE])
