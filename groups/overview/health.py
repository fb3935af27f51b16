"""How the installation stands: which processes live, what is free, what waits, and what to do about what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.db.models import Count, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from groups import queue
from groups.execution.statuses import RunStatus, SubtaskStatus
from groups.models import Process, ProcessKind, Subtask
from groups.services.processes import EVERY, FORGOTTEN
from state import conf
from state.errors import StarsError

#: Seconds after which a process that should speak every `EVERY` counts as silent.
SILENT: Final = timedelta(seconds=4 * EVERY)
#: How late the sweep may be before that is worth a word, and before it is a fault.
LATE: Final = timedelta(seconds=20)
STOPPED: Final = timedelta(seconds=60)
#: Work that is ready for so long waits for something that is missing.
LONG: Final = timedelta(seconds=30)


class Level(StrEnum):
    """How bad it is; the worst counts."""

    GOOD = "good"
    STRAINED = "strained"  # it works, and somebody should look
    BROKEN = "broken"  # something does not happen


class Fault(NamedTuple):
    """What is wrong, and what to do about it."""

    part: str
    level: Level
    text: str
    advice: str


class Workers(NamedTuple):
    """Worker processes that speak."""

    alive: int
    silent: int
    slots: int
    free: int

    @property
    def busy(self) -> int:
        """Slots in which an agent works."""
        return self.slots - self.free


class Health(NamedTuple):
    """All of it at one moment."""

    level: Level
    faults: tuple[Fault, ...]
    #: Web, workers and broker are one process.
    embedded: bool
    web: int
    workers: Workers
    #: Doorbells that no worker has answered yet; None: the broker is away.
    doorbells: int | None
    #: Subtasks that could be carried out at once, and since when the oldest of them could.
    ready: int
    oldest: datetime | None
    #: When anybody last looked for what was left behind.
    swept_at: datetime | None
    states: bool
    at: datetime
    processes: tuple[Process, ...]

    def level_of(self, part: str) -> Level:
        """How one part stands."""
        order = list(Level)
        levels = [fault.level for fault in self.faults if fault.part == part]
        return max(levels, key=order.index, default=Level.GOOD)


def health() -> Health:
    """Three queries, and one word with the broker."""
    now = timezone.now()
    processes = tuple(Process.objects.filter(heard_at__gt=now - FORGOTTEN))
    spoke = [each for each in processes if now - each.heard_at <= SILENT]
    workers = [each for each in spoke if each.kind == ProcessKind.WORKER]
    silent = sum(each.kind == ProcessKind.WORKER for each in processes) - len(workers)
    standing = Workers(
        len(workers),
        silent,
        sum(each.slots for each in workers),
        sum(min(each.free, each.slots) for each in workers),
    )
    waiting = _waiting(now)
    found = Health(
        level=Level.GOOD,
        faults=(),
        embedded=not settings.REDIS_URL,
        web=max(1, sum(each.kind == ProcessKind.WEB for each in spoke)),
        workers=standing,
        doorbells=queue.depth(),
        ready=waiting["ready"],
        oldest=waiting["oldest"],
        swept_at=max((each.swept_at for each in processes if each.swept_at), default=None),
        states=_states_answer(),
        at=now,
        processes=processes,
    )
    faults = tuple(_faults(found))
    order = list(Level)
    worst = max((fault.level for fault in faults), key=order.index, default=Level.GOOD)
    return found._replace(level=worst, faults=faults)


def _waiting(now: datetime) -> dict[str, Any]:
    """Work that lacks nothing but a slot: its run goes on, and no pause after a failure holds it back."""
    return Subtask.objects.filter(
        Q(not_before__isnull=True) | Q(not_before__lte=now),
        status=SubtaskStatus.READY,
        run__status__in=(
            *(RunStatus.QUEUED, RunStatus.PLANNING, RunStatus.RUNNING, RunStatus.SUMMARISING),
        ),
    ).aggregate(ready=Count("id"), oldest=Min("ready_at"))


def _states_answer() -> bool:
    """A database that is away has no pages at all; another store may be away alone."""
    if settings.STARS_STATES["type"] == "database":
        return True
    try:
        conf.manager().store.counts()
    except (StarsError, OSError):
        return False
    return True


def _faults(found: Health) -> Iterator[Fault]:
    """The worst first."""
    if found.doorbells is None:
        yield Fault(
            "broker",
            Level.BROKEN,
            _("The broker does not answer."),
            _(
                "Start Redis, or look whether REDIS_URL is right. What is running goes on; new work waits for it."
            ),
        )
    if not found.workers.alive:
        yield Fault("workers", Level.BROKEN, _("No worker is alive: runs wait."), _restart(found))
    if not found.states:
        yield Fault(
            "states",
            Level.BROKEN,
            _("The store of shared states does not answer."),
            _(
                "Look at the server of STARS_STATE_URL; runs that use states try again until it is back."
            ),
        )
    if found.workers.alive:
        yield from _late_sweep(found)
    if found.workers.silent:
        yield Fault(
            "workers",
            Level.STRAINED,
            ngettext(
                "%(n)s worker has fallen silent.",
                "%(n)s workers have fallen silent.",
                found.workers.silent,
            )
            % {"n": found.workers.silent},
            _(
                "Its subtasks go to others when their leases run out. If it was stopped on purpose, "
                "this passes by itself, in %(n)s minutes at most."
            )
            % {"n": int(FORGOTTEN.total_seconds() // 60)},
        )
    if found.workers.alive and found.oldest and found.at - found.oldest > LONG:
        yield _long_wait(found)


def _restart(found: Health) -> str:
    if found.embedded:
        return _("Restart Stars; its log tells why the worker ended. Nothing is lost.")
    return _("Start one: celery -A stars_site worker --pool threads. Nothing is lost meanwhile.")


def _late_sweep(found: Health) -> Iterator[Fault]:
    begun = min(each.started_at for each in found.processes if each.kind == ProcessKind.WORKER)
    late = found.at - (found.swept_at or begun)
    if late > LATE:
        advice = _restart(found)
        if not found.embedded:
            advice = _(
                "Look whether celery beat runs, one for the installation, and reaches the broker."
            )
        yield Fault(
            "sweep",
            Level.BROKEN if late > STOPPED else Level.STRAINED,
            _("Nobody looks for what was left behind."),
            advice,
        )


def _long_wait(found: Health) -> Fault:
    if not found.workers.free:
        return Fault(
            "queue",
            Level.STRAINED,
            _("All slots are taken, and work waits."),
            _("Start another worker, or raise STARS_WORKER_SLOTS."),
        )
    return Fault(
        "queue",
        Level.STRAINED,
        _("Work waits although slots are free."),
        _("Its agents, or its run, are allowed no more at once; look at their limits."),
    )
