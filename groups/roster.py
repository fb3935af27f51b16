"""The register of agents as people look at it: how each is, what it has to do, where it is a member, what it costs.

A constant number of queries however many agents there are: what is counted is counted for all of them at once, then
filtered, put in order and cut into pages here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from django.db.models import Count, Max, Q, QuerySet, Sum
from django.db.models.functions import Left, TruncMonth
from django.utils import timezone

from groups.access import Actor, visible_groups, visible_runs
from groups.execution.budget import Spent
from groups.execution.statuses import SubtaskStatus
from groups.inbox import HUMAN
from groups.models import Agent, DialIn, Member, Spending, Subtask
from groups.search import words_of
from groups.services import dialins, spending

#: Over what "lately" goes.
LATELY: Final = timedelta(days=1)
#: An agent fails too often when so many of its subtasks did lately: one in four.
TOO_OFTEN: Final = 4
#: Agents on one page, subtasks and months on an agent's.
PAGE: Final = 50
RECENT: Final = 20
MONTHS: Final = 12


class Health(StrEnum):
    """How an agent is, the worst first."""

    AWAY = "away"  # nobody would answer: no program is there, or its last test failed
    FAILING = "failing"  # it failed too often lately
    UNKNOWN = "unknown"  # neither tried nor used
    GOOD = "good"


class Row(NamedTuple):
    """One agent and how it is."""

    agent_id: str
    name: str
    description: str
    kind: str
    skill: str
    #: In the groups that the actor may see.
    tags: tuple[str, ...]
    groups: int
    #: Of its programs (kind connected), how many are there.
    programs: int
    #: Subtasks now, and how many it takes at once (None: no limit).
    working: int
    slots: int | None
    #: Subtasks that ended lately, and how many of them failed.
    ended: int
    failed: int
    last_ended_at: datetime | None
    tested_ok: bool | None
    tested_at: datetime | None
    month: Spent

    @property
    def health(self) -> Health:
        """What is known of it, put into one word."""
        if self.kind == "connected" and not self.programs:
            return Health.AWAY
        if self.tested_ok is False:
            return Health.AWAY
        if self.failed * TOO_OFTEN >= self.ended > 0 and self.failed:
            return Health.FAILING
        if self.ended or self.tested_ok or self.programs or self.kind in ("builtin", HUMAN):
            return Health.GOOD
        return Health.UNKNOWN

    @property
    def load(self) -> float:
        """How much of what it takes at once is taken; without a limit the number of subtasks counts."""
        return self.working / self.slots if self.slots else float(self.working)


class Filters(NamedTuple):
    """Which agents, and in which order."""

    query: str = ""
    kind: str = ""
    health: str = ""
    tag: str = ""
    order: str = ""


class Page(NamedTuple):
    """Some agents of those that were asked for; `number` counts from 1."""

    rows: list[Row]
    number: int
    total: int
    kinds: list[str]
    tags: list[str]

    @property
    def more(self) -> bool:
        """Whether there is a page after it."""
        return self.number * PAGE < self.total


#: Order -> what is put in order. By id among equals.
ORDERS: Final[dict[str, Callable[[Row], Any]]] = {
    "": lambda row: (),
    "health": lambda row: list(Health).index(row.health),
    "load": lambda row: -row.load,
    "cost": lambda row: (-row.month.cost_usd, -row.month.tokens),
    "lately": lambda row: -row.ended,
}


def page(actor: Actor, filters: Filters, number: int = 1) -> Page:
    """The agents that the filters let through; every signed-in user may see every agent."""
    rows = _rows(actor, Agent.objects.all())
    words = [word.lower() for word in words_of(filters.query)]
    found = [
        row
        for row in rows
        if (not filters.kind or row.kind == filters.kind)
        and (not filters.health or row.health == filters.health)
        and (not filters.tag or filters.tag in row.tags)
        and all(word in f"{row.agent_id} {row.name} {row.description}".lower() for word in words)
    ]
    found.sort(key=ORDERS.get(filters.order, ORDERS[""]))
    number = max(1, min(number, -(-len(found) // PAGE)))
    return Page(
        found[(number - 1) * PAGE : number * PAGE],
        number,
        len(found),
        sorted({row.kind for row in rows}),
        sorted({tag for row in rows for tag in row.tags}),
    )


def one(actor: Actor, agent: Agent) -> Row:
    """That agent."""
    return _rows(actor, Agent.objects.filter(pk=agent.pk))[0]


def memberships(actor: Actor, agent: Agent) -> QuerySet[Member]:
    """Where it is a member, as far as the actor may see, by the group's name."""
    seen = agent.memberships.filter(group__in=visible_groups(actor).values("pk"))
    return seen.select_related("group").order_by("group__name", "group_id")


def subtasks(actor: Actor, agent: Agent) -> list[Subtask]:
    """What it works at and what it did last, with their runs; RECENT each at most, as far as the actor may see."""
    mine = (
        Subtask.objects.filter(agent_id=agent.agent_id, run__in=visible_runs(actor).values("pk"))
        .select_related("run")
        .defer("instructions", "result", "memo", "data", "run__plan", "run__result")
    )
    under_way = mine.filter(status__in=[SubtaskStatus.RUNNING, SubtaskStatus.WAITING])
    ended = mine.filter(finished_at__isnull=False).order_by("-finished_at")
    return [*under_way.order_by("-started_at")[:RECENT], *ended[:RECENT]]


def months(agent: Agent) -> tuple[list[tuple[datetime, Spent]], Spent]:
    """What it used in each of the last MONTHS months in which it used anything, the latest first, and in all."""
    rows = Spending.objects.filter(agent_id=agent.agent_id).order_by()
    by_month = rows.annotate(month=TruncMonth("at")).values("month").annotate(**spending.SUMS)
    found = sorted(((row["month"], spending.spent(dict(row))) for row in by_month), reverse=True)
    total = Spent()
    for _month, used in found:
        total = total.plus(used)
    return found[:MONTHS], total


def _rows(actor: Actor, agents: QuerySet[Agent]) -> list[Row]:
    """By id."""
    listed = list(
        agents.order_by("agent_id")
        .annotate(brief=Left("description", 400))
        .values_list(
            *("pk", "agent_id", "name", "brief", "kind", "config__skill", "ability__ok"),
            *("tested_at", "max_concurrency"),
        )
    )
    only: Sequence[str] = [row[1] for row in listed] if len(listed) == 1 else []
    tags, groups = _memberships(actor, [row[0] for row in listed] if only else [])
    ended = _ended(only)
    working = _working(only)
    programs = _programs([row[0] for row in listed] if only else [])
    spent = spending.by_agent(only)
    found = []
    for pk, agent_id, name, brief, kind, skill, ok, tested_at, limit in listed:
        there, room = programs.get(pk, (0, 0))
        lately, failed, last = ended.get(agent_id, (0, 0, None))
        slots = min(limit or room, room) if kind == "connected" else limit
        found.append(
            Row(
                agent_id,
                name,
                brief,
                kind,
                str(skill or ""),
                tuple(sorted(tags[pk])),
                groups[pk],
                there,
                working.get(agent_id, 0),
                slots or None,
                lately,
                failed,
                last,
                None if tested_at is None else bool(ok),
                tested_at,
                spent.get(agent_id, Spent()),
            )
        )
    return found


def _memberships(
    actor: Actor, only: Sequence[int]
) -> tuple[defaultdict[int, set[str]], defaultdict[int, int]]:
    """The tags of each agent and in how many groups it is, as far as the actor may see."""
    rows = Member.objects.filter(group__in=visible_groups(actor).values("pk")).order_by()
    tags: defaultdict[int, set[str]] = defaultdict(set)
    groups: defaultdict[int, int] = defaultdict(int)
    rows = rows.filter(agent__in=only) if only else rows
    for pk, worn in rows.values_list("agent_id", "tags"):
        tags[pk] |= set(worn)
        groups[pk] += 1
    return tags, groups


def _ended(only: Sequence[str]) -> dict[str, tuple[int, int, datetime]]:
    """Of each agent the subtasks that ended lately: how many, how many of them failed, when the last one did."""
    rows = Subtask.objects.filter(
        finished_at__gt=timezone.now() - LATELY,
        status__in=[SubtaskStatus.COMPLETED, SubtaskStatus.FAILED],
    ).order_by()
    rows = rows.filter(agent_id__in=only) if only else rows
    sums = rows.values_list("agent_id").annotate(
        count=Count("pk"),
        failed=Count("pk", filter=Q(status=SubtaskStatus.FAILED)),
        last=Max("finished_at"),
    )
    return {agent_id: (count, failed, last) for agent_id, count, failed, last in sums}


def _working(only: Sequence[str]) -> dict[str, int]:
    rows = Subtask.objects.filter(status=SubtaskStatus.RUNNING).order_by()
    rows = rows.filter(agent_id__in=only) if only else rows
    return dict(rows.values_list("agent_id").annotate(Count("pk")))


def _programs(only: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Of each connected agent the programs that are there, and how many calls they take at once."""
    there: QuerySet[DialIn] = dialins.all_present().order_by()
    there = there.filter(agent__in=only) if only else there
    sums = there.values_list("agent_id").annotate(Count("pk"), Sum("parallel"))
    return {pk: (count, room) for pk, count, room in sums}
