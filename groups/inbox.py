"""What waits for a person: questions, approvals, subtasks of human agents, plans. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from django.contrib.auth.models import User
from django.db.models import F, Q, QuerySet

from groups.access import Actor, sees_all, visible_groups
from groups.execution.statuses import RUN_ENDED, RunStatus, SubtaskKind, SubtaskStatus, WaitsFor
from groups.models import Agent, Group, Level, Run, Subtask

#: How much is listed at once; what is left comes when some of it is done.
MOST: Final = 200
HUMAN: Final = "human"


class Item(NamedTuple):
    """One thing that waits for somebody."""

    #: question, approval, work (of a human agent: plan, work, vote, summary, reply), or approve_plan.
    kind: str
    run: Run
    #: None for a plan that awaits approval.
    subtask: Subtask | None
    since: datetime | None
    due_at: datetime | None

    @property
    def key(self) -> str:
        """Names it within a page."""
        return str(self.subtask.id if self.subtask else self.run.id)


def items_for(actor: Actor) -> list[Item]:
    """What waits for the actor in the groups that it may operate, the most urgent first; MOST at most."""
    humans = _humans()
    items = [_item(row, humans) for row in _waiting(actor, humans)[:MOST]]
    plans = (
        Run.objects.filter(_operated(actor, "group"), status=RunStatus.AWAITING_APPROVAL)
        # Which it says already; in these words it is found by the index of runs under way.
        .exclude(status__in=[status for status in RunStatus if status in RUN_ENDED])
        .select_related("group")
        .prefetch_related("attachments")
        .order_by("created_at")
    )
    items += [Item("approve_plan", run, None, run.started_at, None) for run in plans[:MOST]]
    items.sort(key=_urgency)
    return items[:MOST]


def item_of(actor: Actor, subtask: Subtask) -> Item | None:
    """The subtask as an item of the actor's; None when it waits for somebody else or for nobody."""
    humans = _humans()
    row = _waiting(actor, humans).filter(pk=subtask.pk).first()
    return None if row is None else _item(row, humans)


def operated_groups(actor: Actor) -> QuerySet[Group]:
    """The groups in which the actor may answer."""
    groups = visible_groups(actor)
    if actor is None or actor.is_superuser or not isinstance(actor, User):
        return groups
    return groups.filter(access__user=actor, access__level__gte=Level.OPERATOR)


def _operated(actor: Actor, group: str) -> Q:
    """That the group, found by that path, is one in which the actor may answer."""
    return Q() if sees_all(actor) else Q(**{f"{group}__in": operated_groups(actor).values("pk")})


def concerns(actor: Actor, config: dict[str, Any] | None) -> bool:
    """Whether a human agent with these settings (None: it is no human) is the actor, or may be anybody."""
    user = (config or {}).get("user", "")
    return not user or (actor is not None and user == actor.get_username())


def _humans() -> dict[str, dict[str, Any]]:
    return dict(Agent.objects.filter(kind=HUMAN).values_list("agent_id", "config"))


def _waiting(actor: Actor, humans: dict[str, dict[str, Any]]) -> QuerySet[Subtask]:
    """Subtasks that wait for the actor, the most urgent first; those without a date last, on every database."""
    others = [agent_id for agent_id, config in humans.items() if not concerns(actor, config)]
    waiting = Subtask.objects.filter(_operated(actor, "run__group"), status=SubtaskStatus.WAITING)
    return (
        waiting.exclude(waits_for=WaitsFor.REMOTE)
        .exclude(agent_id__in=others)
        .select_related("run__group")
        .prefetch_related("run__attachments")
        .order_by(F("due_at").asc(nulls_last=True), "started_at", "id")
    )


def _item(row: Subtask, humans: dict[str, dict[str, Any]]) -> Item:
    return Item(_kind(row, humans), row.run, row, row.started_at, row.due_at)


def _kind(row: Subtask, humans: dict[str, dict[str, Any]]) -> str:
    if row.agent_id in humans:
        return "work" if row.kind == SubtaskKind.REPLY else row.kind
    return "approval" if row.waits_for == WaitsFor.APPROVAL else "question"


def _urgency(item: Item) -> tuple[bool, float, float, str]:
    due = item.due_at.timestamp() if item.due_at else 0.0
    return (item.due_at is None, due, item.since.timestamp() if item.since else 0.0, item.key)
