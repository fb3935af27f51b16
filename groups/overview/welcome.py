"""The first steps of somebody who is new here, and which of them are done."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.contrib.auth.models import User
from django.db.models import BooleanField, ExpressionWrapper, Q

from groups.access import visible_groups, visible_runs
from groups.models import Agent, Group, Run, Seen
from groups.selectors import agents
from groups.services.seed import DEMO, TASK

_DEMO_FIRST: Final = ExpressionWrapper(Q(name=DEMO), output_field=BooleanField()).desc()


class Welcome(NamedTuple):
    """What there is to begin with."""

    #: The example run, if it is still there.
    demo: Run | None
    #: Where a first task may be given.
    group: Group | None
    #: Whether an example can be watched, whether the person has started a run, whether any agent thinks by a model.
    watched: bool
    tried: bool
    connected: bool


def seen_by(actor: User) -> Seen | None:
    """What the actor has put aside; None before the first time."""
    return Seen.objects.filter(user=actor).first()


def welcome(actor: User, seen: Seen | None) -> Welcome | None:
    """None once it was put away, or every step is done."""
    if seen is not None and seen.welcome_at is not None:
        return None
    mine = visible_runs(actor).filter(created_by=actor)
    demo = (
        visible_runs(actor)
        .filter(group__in=Group.objects.filter(name=DEMO).values("pk"), task=TASK)
        # As the index of a group's runs goes: the tasks of all other runs are not looked at.
        .order_by("group_id", "-created_at")
        .first()
    )
    others: list[Agent] = list(agents().exclude(kind="builtin")[:1])
    first = Welcome(
        demo=demo,
        # The example's group makes something of any table and any list; others want tasks of their kind.
        group=visible_groups(actor).order_by(_DEMO_FIRST, "created_at", "id").first(),
        watched=demo is not None and demo.finished_at is not None,
        tried=mine.exclude(task=TASK).exists(),
        connected=bool(others),
    )
    return None if first.watched and first.tried and first.connected else first
