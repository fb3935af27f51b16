"""What needs whoever looks: what waits in the inbox, conflicts to settle, runs that failed, words addressed to them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec
from django.contrib.auth.models import User
from django.db.models.functions import Left
from django.utils import timezone

from groups import inbox
from groups.access import visible_groups
from groups.execution.modes.reply import Reply
from groups.execution.statuses import RunStatus
from groups.inbox import HUMAN, Item
from groups.models import Agent, Delivery, DeliveryStatus, GroupAccess, Level, Run, Seen
from groups.overview.seeing import seen
from groups.selectors import BRIEF
from groups.spaces import GroupDirectory
from state import conf
from state.errors import StarsError
from state.manager import GLOBAL_SPACE
from state.policy import Caller
from state.values import ConflictRecord

#: Of each kind; what is left comes when some of it is done.
MOST: Final = 20
#: Failures and words older than this are history, not news.
NEWS: Final = timedelta(days=7)
#: What somebody who never put failures aside is shown.
FIRST: Final = timedelta(days=1)


class Needs(NamedTuple):
    """All of it, the most urgent kind first."""

    items: tuple[Item, ...]
    conflicts: tuple[ConflictRecord, ...]
    failures: tuple[Run, ...]
    mentions: tuple[Delivery, ...]

    @property
    def total(self) -> int:
        """How many things."""
        return sum(map(len, self))

    def by_group(self) -> Counter[str]:
        """How many in each group."""
        return Counter(
            [item.run.group_id for item in self.items]
            + [record.space for record in self.conflicts]
            + [run.group_id for run in self.failures]
            + [delivery.message.group_id for delivery in self.mentions]
        )


def needs_of(actor: User, known: Seen | None) -> Needs:
    """What needs the actor now."""
    items = inbox.items_for(actor)
    now = timezone.now()
    put_aside = known.failures_at if known and known.failures_at else now - FIRST
    return Needs(
        tuple(items),
        tuple(_conflicts(actor)),
        tuple(_failures(actor, max(put_aside, now - NEWS))),
        tuple(_mentions(actor, items, now - NEWS)),
    )


def _failures(actor: User, since: datetime) -> list[Run]:
    failed = seen(Run.objects.filter(status=RunStatus.FAILED, finished_at__gt=since), actor)
    return list(
        failed.exclude(mode=Reply.name)
        .select_related("group")
        .defer("task", "plan", "result", "error")
        .annotate(task_brief=Left("task", BRIEF), error_brief=Left("error", BRIEF))
        .order_by("-finished_at")[:MOST]
    )


def _mentions(actor: User, items: list[Item], since: datetime) -> list[Delivery]:
    """Messages that address a human agent of the actor's and were not answered; those that wait in the inbox already
    are told there."""
    mine = [
        agent_id
        for agent_id, config in Agent.objects.filter(kind=HUMAN).values_list("agent_id", "config")
        if config.get("user") == actor.get_username()
    ]
    waiting = {item.run.message_id for item in items}
    found = (
        Delivery.objects.filter(recipient__in=mine, message__created_at__gt=since)
        .filter(message__group__in=visible_groups(actor).values("pk"))
        .exclude(status__in=(DeliveryStatus.ANSWERED, DeliveryStatus.FAILED))
        .select_related("message__group")
        .order_by("-id")[: 5 * MOST]
    )
    return [
        delivery
        for delivery in found
        if delivery.recipient in delivery.message.addressed and delivery.message_id not in waiting
    ][:MOST]


def _conflicts(actor: User) -> list[ConflictRecord]:
    try:
        return conf.manager().conflicts_everywhere(callers(actor), limit=MOST)
    except StarsError:
        # A store that is away is told of by `health`; everything else can still be shown.
        return []


def callers(actor: User) -> dict[str, Caller]:
    """Who the actor is in each space, with the rights to settle and not only to read."""
    found = GroupDirectory().readers(actor)
    if actor.is_superuser:
        steered = set(found)
    else:
        mine = GroupAccess.objects.filter(user=actor, level__gte=Level.OPERATOR)
        # In the space of the installation everybody who is signed in may be asked.
        steered = {GLOBAL_SPACE, *mine.values_list("group_id", flat=True)}
    return {
        space: msgspec.structs.replace(caller, read_only=space not in steered)
        for space, caller in found.items()
    }
