"""How the runs of a stretch of time went: how many, how they ended, how long they took, what they used.

Every figure is summed by the database per hour or day, so that reading it costs the same for any number of groups; of
durations, whose quantiles need the values themselves, the newest `SAMPLE` are read.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.db.models import Case, Count, F, QuerySet, Sum, Value, When
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from groups.access import Actor, sees_all, visible_groups, visible_runs
from groups.execution.modes.reply import Reply
from groups.execution.statuses import RunStatus, SubtaskStatus
from groups.models import Group, Run, Spending, Subtask

#: Durations that quantiles are taken of.
SAMPLE: Final = 20_000
#: Agents told apart in a chart; the others are one.
AGENTS: Final = 5


class Period(StrEnum):
    """How far back one looks."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


#: Period -> how many buckets of what length.
_BUCKETS: Final = {
    Period.DAY: (24, timedelta(hours=1)),
    Period.WEEK: (28, timedelta(hours=6)),
    Period.MONTH: (30, timedelta(days=1)),
}


@dataclass(frozen=True)
class Axis:
    """Stretches of equal length (but for the hour that summer time takes or gives); the last one is under way."""

    starts: tuple[datetime, ...]
    step: timedelta

    @classmethod
    def of(cls, period: Period, now: datetime | None = None) -> Axis:
        """Those that end with the present one, in the current time zone."""
        number, step = _BUCKETS[period]
        here = timezone.localtime(now)
        into = here.hour % (step // timedelta(hours=1))
        last = here.replace(hour=here.hour - into, minute=0, second=0, microsecond=0)
        return cls(tuple(last - step * back for back in range(number - 1, -1, -1)), step)

    def place(self, moment: datetime) -> int:
        """In which stretch it lies; -1 before the first one."""
        passed = (moment - self.starts[0]) / self.step
        return min(math.floor(passed), len(self.starts) - 1) if passed >= 0 else -1

    def spread(self, rows: Iterable[tuple[datetime, int | float]]) -> list[float]:
        """Per stretch, the sum of the numbers that fall into it."""
        sums = [0.0] * len(self.starts)
        for moment, number in rows:
            if (place := self.place(moment)) >= 0:
                sums[place] += number
        return sums


@dataclass(frozen=True)
class Trends:
    """Each list has one value per stretch of the axis; what was not measured is None."""

    axis: Axis
    #: How runs that began then stand: completed, failed, cancelled, and under way.
    runs: dict[str, list[float]]
    #: Seconds from the first claim to the end, of runs that ended then.
    median: list[float | None]
    p95: list[float | None]
    #: Agent -> tokens in and out together; "" are all others.
    tokens: dict[str, list[float]]
    #: US dollars of the calls whose price is known.
    cost: list[float]
    #: Agent -> subtasks that failed in the whole period, the most first.
    failing: dict[str, int]


def trends(actor: Actor, period: Period, group: Group | None = None) -> Trends:
    """Of the runs that the actor may see, or of one group's."""
    axis = Axis.of(period)
    since = axis.starts[0]
    runs = visible_runs(actor) if group is None else group.runs.all()
    runs = runs.exclude(mode=Reply.name)
    spent = Spending.objects.filter(at__gte=since)
    if group is not None:
        spent = spent.filter(group=group)
    elif not sees_all(actor):
        spent = spent.filter(group__in=visible_groups(actor).values("pk"))
    tokens, cost = _spent(axis, spent)
    failed = Subtask.objects.filter(
        run__in=runs.filter(created_at__gte=since).values("pk"), status=SubtaskStatus.FAILED
    ).exclude(agent_id="")
    median, p95 = _durations(axis, runs.filter(finished_at__gte=since, started_at__isnull=False))
    return Trends(
        axis=axis,
        runs=_outcomes(axis, runs.filter(created_at__gte=since)),
        median=median,
        p95=p95,
        tokens=tokens,
        cost=cost,
        failing=dict(
            failed.order_by()
            .values_list("agent_id")
            .annotate(number=Count("pk"))
            .order_by("-number", "agent_id")[:AGENTS]
        ),
    )


def _trunc(axis: Axis, field: str) -> TruncDay | TruncHour:
    return TruncDay(field) if axis.step >= timedelta(days=1) else TruncHour(field)


def _outcomes(axis: Axis, runs: QuerySet[Run]) -> dict[str, list[float]]:
    rows = runs.order_by().annotate(then=_trunc(axis, "created_at")).values("then", "status")
    by_look: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for then, status, number in rows.annotate(n=Count("pk")).values_list("then", "status", "n"):
        by_look[status if status in OUTCOMES else "running"].append((then, number))
    return {look: axis.spread(by_look[look]) for look in (*OUTCOMES, "running")}


#: Ends that are told apart, in the order in which they are shown.
OUTCOMES: Final = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


def _durations(axis: Axis, runs: QuerySet[Run]) -> tuple[list[float | None], list[float | None]]:
    newest = runs.order_by("-finished_at").values_list("finished_at", "started_at")[:SAMPLE]
    taken: list[list[float]] = [[] for _ in axis.starts]
    for ended, began in newest:
        if ended and began and (place := axis.place(ended)) >= 0:
            taken[place].append((ended - began).total_seconds())
    for each in taken:
        each.sort()
    return [quantile(each, 0.5) for each in taken], [quantile(each, 0.95) for each in taken]


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that `share` of the ascending values do not exceed (nearest rank); None of nothing."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def _spent(axis: Axis, spent: QuerySet[Spending]) -> tuple[dict[str, list[float]], list[float]]:
    """Tokens by agent, those apart that used most; and the dollars of all."""
    used = Sum(F("input_tokens") + F("output_tokens"))
    by_agent = spent.order_by().values_list("agent_id").annotate(used=used)
    most = [agent for agent, n in by_agent.order_by("-used", "agent_id")[:AGENTS] if n]
    rows = (
        spent.order_by()
        .annotate(
            then=_trunc(axis, "at"),
            who=Case(When(agent_id__in=most, then=F("agent_id")), default=Value("")),
        )
        .values("then", "who")
        .annotate(used=used, dollars=Sum("cost_usd", default=0.0))
        .values_list("then", "who", "used", "dollars")
    )
    tokens: dict[str, list[tuple[datetime, int]]] = {agent: [] for agent in (*most, "")}
    dollars = []
    for then, who, number, cost in rows:
        tokens[who].append((then, number))
        dollars.append((then, cost))
    shown = {who: axis.spread(found) for who, found in tokens.items()}
    if not any(shown[""]):
        del shown[""]
    return shown, axis.spread(dollars)
