"""What is under way: runs with how far they are and who is at what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from django.contrib.auth.models import User
from django.db.models import Case, Count, IntegerField, Q, QuerySet, When
from django.db.models.functions import Left

from groups.execution.modes.reply import Reply
from groups.execution.statuses import RunStatus, SubtaskKind, SubtaskStatus
from groups.models import Run, Subtask
from groups.overview.seeing import ENDED, seen
from groups.selectors import BRIEF, WORK_DONE

#: Rows on the home page; the rest is counted.
SHOWN: Final = 6
#: Agents named in a row.
NAMED: Final = 3

_MOVING: Final = (RunStatus.PLANNING, RunStatus.RUNNING, RunStatus.SUMMARISING)


class Row(NamedTuple):
    """A run under way."""

    run: Run
    done: int
    total: int
    #: What its agents are at, newest first; NAMED at most.
    at_work: tuple[Subtask, ...]
    #: How many more are at work.
    others: int


class Running(NamedTuple):
    """The runs that were touched last, and how many there are in all."""

    rows: tuple[Row, ...]
    total: int


def under_way(actor: User) -> QuerySet[Run]:
    """The runs that have not ended and that the actor may see; answers to messages are no runs to people."""
    return seen(Run.objects.all(), actor).exclude(status__in=ENDED).exclude(mode=Reply.name)


def running(actor: User) -> Running:
    """Those in which something moves first, then the newest."""
    moving = Case(When(status__in=_MOVING, then=0), default=1, output_field=IntegerField())
    runs = list(
        under_way(actor)
        .select_related("group")
        .defer("task", "plan", "result", "error")
        .annotate(task_brief=Left("task", BRIEF))
        .order_by(moving, "-created_at", "-id")[: SHOWN + 1]
    )
    total = len(runs) if len(runs) <= SHOWN else under_way(actor).count()
    return Running(tuple(rows_of(runs[:SHOWN])), total)


def rows_of(runs: Sequence[Run]) -> list[Row]:
    """Two queries for all of them."""
    ids = [run.id for run in runs]
    work = Q(kind=SubtaskKind.WORK)
    counts = {
        run_id: (done, total)
        for run_id, done, total in Subtask.objects.filter(run__in=ids)
        .order_by()
        .values_list("run")
        .annotate(
            done=Count("id", filter=work & Q(status__in=list(WORK_DONE))),
            total=Count("id", filter=work),
        )
    }
    at_work: dict[object, list[Subtask]] = {}
    busy = Subtask.objects.filter(run__in=ids, status=SubtaskStatus.RUNNING)
    for subtask in busy.only("run_id", "title", "agent_id", "kind", "started_at").order_by(
        "-started_at", "id"
    ):
        at_work.setdefault(subtask.run_id, []).append(subtask)
    return [
        Row(
            run,
            *counts.get(run.id, (0, 0)),
            tuple(at_work.get(run.id, ())[:NAMED]),
            max(0, len(at_work.get(run.id, ())) - NAMED),
        )
        for run in runs
    ]
