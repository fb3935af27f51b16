"""Groups as cards: who is in them, what runs, what came of the last run, and the runs of the last day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.contrib.auth.models import User
from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Left, TruncHour
from django.utils import timezone

from groups.access import visible_groups
from groups.execution.modes.reply import Reply
from groups.execution.statuses import RunStatus, SubtaskStatus
from groups.models import Group, Member, Role, Run, Subtask
from groups.overview.day import HOURS, Day, day
from groups.overview.drawing import MOST as STARS
from groups.overview.drawing import Constellation, constellation
from groups.overview.running import Row, rows_of
from groups.overview.seeing import ENDED
from groups.selectors import BRIEF

#: Cards at once; "more" adds as many again, up to the most that a page can bear.
STEP: Final = 24
MOST: Final = 240


class Wanted(NamedTuple):
    """Which groups, in which order, and how many."""

    text: str = ""
    #: "", running, failed (the last run did), needs (somebody is waited for).
    only: str = ""
    #: recent (what ran last first), name, new.
    order: str = "recent"
    shown: int = STEP


class Card(NamedTuple):
    """One group."""

    group: Group
    members: int
    leader: str
    #: The first members, the leader first.
    faces: tuple[Member, ...]
    stars: Constellation
    #: The newest run under way, and how many there are.
    row: Row | None
    under_way: int
    last: Run | None
    day: Day
    needs: int


class Cards(NamedTuple):
    """Some of the groups, how many fit what was wanted, and how many there are at all."""

    cards: tuple[Card, ...]
    found: int
    total: int


def cards(actor: User, wanted: Wanted, needs: Counter[str]) -> Cards:
    """The groups that the actor may see; `needs` counts by group what waits for the actor."""
    everything = visible_groups(actor)
    groups = _sorted(_narrowed(everything, wanted, needs), wanted.order)
    page = list(groups[: min(max(wanted.shown, STEP), MOST)])
    total = everything.count()
    found = groups.count() if wanted.text or wanted.only else total
    return Cards(tuple(_cards(page, needs)), found, total)


def _narrowed(groups: QuerySet[Group], wanted: Wanted, needs: Counter[str]) -> QuerySet[Group]:
    if wanted.text:
        text = wanted.text
        member = Member.objects.filter(group=OuterRef("pk"), agent__agent_id__icontains=text)
        groups = groups.filter(
            Q(name__icontains=text)
            | Q(id__icontains=text)
            | Q(description__icontains=text)
            | Exists(member)
        )
    if wanted.only == "running":
        groups = groups.filter(Exists(_runs().exclude(status__in=ENDED)))
    elif wanted.only == "failed":
        groups = groups.annotate(how=Subquery(_ended().values("status")[:1])).filter(
            how=RunStatus.FAILED
        )
    elif wanted.only == "needs":
        groups = groups.filter(id__in=list(needs))
    return groups


def _sorted(groups: QuerySet[Group], order: str) -> QuerySet[Group]:
    if order == "name":
        return groups.order_by("name", "id")
    if order == "new":
        return groups.order_by("-created_at", "id")
    newest = Subquery(_runs().order_by("-created_at").values("created_at")[:1])
    groups = groups.annotate(last_run_at=newest)
    return groups.order_by(F("last_run_at").desc(nulls_last=True), "name", "id")


def _runs() -> QuerySet[Run]:
    """Of the group of an outer query; answers to messages are no runs to people."""
    return Run.objects.filter(group=OuterRef("pk")).exclude(mode=Reply.name)


def _ended() -> QuerySet[Run]:
    return _runs().filter(status__in=ENDED).order_by("-created_at")


def _cards(groups: list[Group], needs: Counter[str]) -> list[Card]:
    """Everything of all of them in one query per kind."""
    ids = [group.id for group in groups]
    rows = Group.objects.filter(id__in=ids).annotate(
        last_id=Subquery(_ended().values("id")[:1]), member_count=Count("members")
    )
    # By their names the leader's role is among the first two, and the coordinator is one at most.
    first = Member.objects.select_related("agent").order_by("role", "position", "id")[:STARS]
    loaded = {row.id: row for row in rows.prefetch_related(Prefetch("members", first, "first"))}
    lasts = _brief(Run.objects.filter(id__in=[row.last_id for row in loaded.values()]))
    last = {run.group_id: run for run in lasts}
    under_way = _under_way(ids)
    counts = Counter(_unended(ids).values_list("group", flat=True))
    busy = _busy(ids)
    days = _days(ids)
    now = timezone.now()
    return [
        _card(
            loaded[group_id],
            under_way.get(group_id),
            counts[group_id],
            last.get(group_id),
            day(days.get(group_id, {}), now),
            needs[group_id],
            frozenset(busy.get(group_id, ())),
        )
        for group_id in ids
        if group_id in loaded
    ]


def _card(
    group: Any,
    row: Row | None,
    under_way: int,
    last: Run | None,
    hours: Day,
    needs: int,
    busy: frozenset[str],
) -> Card:
    faces = tuple(sorted(group.first, key=lambda member: member.role != Role.LEADER))
    leader = faces[0].agent.agent_id if faces and faces[0].role == Role.LEADER else ""
    stars = constellation(
        group.id,
        [(member.agent.agent_id, member.role == Role.LEADER) for member in faces],
        busy,
    )
    return Card(group, group.member_count, leader, faces, stars, row, under_way, last, hours, needs)


def _unended(ids: Collection[str]) -> QuerySet[Run]:
    return Run.objects.filter(group__in=ids).exclude(status__in=ENDED).exclude(mode=Reply.name)


def _under_way(ids: Collection[str]) -> dict[str, Row]:
    """The newest run under way of each group."""
    newest = Subquery(
        Run.objects.filter(group=OuterRef("group"))
        .exclude(status__in=ENDED)
        .exclude(mode=Reply.name)
        .order_by("-created_at", "-id")
        .values("id")[:1]
    )
    runs = list(_brief(_unended(ids).filter(id=newest)))
    return {row.run.group_id: row for row in rows_of(runs)}


def _brief(runs: QuerySet[Run]) -> QuerySet[Run]:
    return runs.defer("task", "plan", "result", "error").annotate(
        task_brief=Left("task", BRIEF),
        result_brief=Left("result", BRIEF),
        error_brief=Left("error", BRIEF),
    )


def _busy(ids: Collection[str]) -> dict[str, set[str]]:
    """Who carries something out in each group."""
    found: dict[str, set[str]] = {}
    rows = Subtask.objects.filter(run__group__in=ids, status=SubtaskStatus.RUNNING)
    for group_id, agent_id in rows.values_list("run__group", "agent_id").order_by().distinct():
        found.setdefault(group_id, set()).add(agent_id)
    return found


def _days(ids: Collection[str]) -> dict[str, dict[datetime, tuple[int, int]]]:
    """All and failed runs by group and hour."""
    since = timezone.now() - timedelta(hours=HOURS)
    counted = (
        Run.objects.filter(group__in=ids, created_at__gte=since)
        .exclude(mode=Reply.name)
        .order_by()
        .annotate(hour=TruncHour("created_at", tzinfo=UTC))
        .values_list("group", "hour")
        .annotate(all=Count("id"), failed=Count("id", filter=Q(status=RunStatus.FAILED)))
    )
    found: dict[str, dict[datetime, tuple[int, int]]] = {}
    for group_id, hour, runs, failed in counted:
        found.setdefault(group_id, {})[hour] = (runs, failed)
    return found
