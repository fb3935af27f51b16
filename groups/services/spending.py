"""What agents have used, summed: by run, and in this calendar month (UTC) by agent, by group and in all."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from groups.agents.base import Usage
from groups.execution.budget import Cap, Spent
from groups.models import Budget, Run, Spending

#: What a sum asks of the database; calls of unknown price are counted, not summed.
SUMS: Final[dict[str, Any]] = {
    "tokens_in": Sum("input_tokens", default=0),
    "tokens_out": Sum("output_tokens", default=0),
    "known_usd": Sum("cost_usd", default=0.0),
    "unpriced": Count("pk", filter=Q(cost_usd=None)),
}


def month_began(now: datetime | None = None) -> datetime:
    """The first moment of this calendar month, UTC."""
    today = (now or timezone.now()).astimezone(UTC)
    return today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


class Month(NamedTuple):
    """A budget's caps and what was used under them in the month that began on `month`."""

    scope: str
    max_tokens: int | None
    max_cost_usd: float | None
    month: date
    used: Spent


def under(budget: Budget) -> Month:
    """What was used this month of what the agent, the group or the site may use."""
    rows = _this_month()
    if budget.agent is not None:
        rows = rows.filter(agent_id=budget.agent.agent_id)
    elif budget.group is not None:
        rows = rows.filter(group=budget.group)
    used = _sum(rows)
    return Month(*budget.cap, month=month_began().date(), used=used)


def note(agent_id: str, attempt: uuid.UUID, usages: Sequence[Usage]) -> None:
    """Count what an agent used outside of any run."""
    now = timezone.now()
    Spending.objects.bulk_create(
        Spending(
            agent_id=agent_id,
            attempt=attempt,
            at=now,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cost_usd=usage.cost_usd,
            model=usage.model[:200],
        )
        for usage in usages
    )


def of_run(run_id: uuid.UUID) -> Spent:
    """What the run used since it began."""
    return _sum(Spending.objects.filter(run_id=run_id))


def by_agent(only: Collection[str] = ()) -> dict[str, Spent]:
    """What each agent (or each of `only`) used this month, those that used nothing left out; the most tokens first."""
    return _grouped("agent_id", Q(agent_id__in=list(only)) if only else None)


def by_group() -> dict[str, Spent]:
    """What the runs of each group used this month; those of groups that are gone stand under the empty id."""
    return _grouped("group_id")


def standing(
    *, run_id: uuid.UUID, agent_id: str, group_id: str, without: Collection[uuid.UUID] = ()
) -> list[tuple[Cap, Spent]]:
    """The caps that stand over an agent at work in a run, each with what was used under it.

    The run's own first, then the agent's, the group's and the site's. What the attempts (leases) `without` used is
    left out. Two queries and one for each cap.
    """
    found: list[tuple[Cap, QuerySet[Spending]]] = []
    own = Run.objects.filter(id=run_id).values_list("max_tokens", "max_cost_usd").first()
    if own and own != (None, None):
        found.append((Cap("run", *own), Spending.objects.filter(run_id=run_id)))
    rows = {
        budget.scope: budget
        for budget in Budget.objects.filter(
            Q(agent__agent_id=agent_id) | Q(group=group_id) | Q(agent=None, group=None)
        )
    }
    month = _this_month()
    spendings = {
        "agent": month.filter(agent_id=agent_id),
        "group": month.filter(group_id=group_id),
        "site": month,
    }
    for scope, spending in spendings.items():
        if budget := rows.get(scope):
            found.append((budget.cap, spending))
    return [(cap, _sum(rows.exclude(attempt__in=list(without)))) for cap, rows in found]


def _this_month() -> QuerySet[Spending]:
    return Spending.objects.filter(at__gte=month_began())


def _sum(rows: QuerySet[Spending]) -> Spent:
    return spent(rows.order_by().aggregate(**SUMS))


def _grouped(name: str, only: Q | None = None) -> dict[str, Spent]:
    sums = _this_month().filter(only or Q()).order_by().values(name).annotate(**SUMS)
    found = {row[name] or "": spent(row) for row in sums}
    return dict(sorted(found.items(), key=lambda item: -item[1].tokens))


def spent(row: dict[str, Any]) -> Spent:
    """What SUMS found."""
    return Spent(
        int(row["tokens_in"] + row["tokens_out"]), float(row["known_usd"]), row["unpriced"]
    )
