"""Reminds people of what waits for them: a note on the row, a word to open pages, a mail where mail is configured."""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from groups import live
from groups.access import level_in
from groups.execution.statuses import SubtaskStatus
from groups.models import Agent, Level, Subtask

logger = logging.getLogger(__name__)

#: Since when nobody has been reminded of a subtask.
SINCE: Final = Coalesce("reminded_at", "started_at")
#: How many one sweep reminds of.
AT_ONCE: Final = 50
#: Characters of the question in a mail.
QUOTED: Final = 2_000


def remind() -> int:
    """Part of the sweep: remind of every subtask of a human agent that waits for longer than its agent says; how many.

    Two sweeps at once remind once: the row is marked only if it is as it was read.
    """
    now = timezone.now()
    configs = dict(Agent.objects.filter(kind="human").values_list("agent_id", "config"))
    due = _due(configs, now)
    if not due:  # which would be all
        return 0
    waiting = Subtask.objects.filter(status=SubtaskStatus.WAITING)
    rows = waiting.annotate(since=SINCE).filter(due).select_related("run__group")
    reminded = 0
    for row in rows.order_by("since", "id")[:AT_ONCE]:
        with transaction.atomic():
            mine = Subtask.objects.filter(
                pk=row.pk, status=SubtaskStatus.WAITING, reminded_at=row.reminded_at
            )
            if not mine.update(reminded_at=now):
                continue
            live.announce(
                pokes=[(live.DASHBOARD, "inbox", {"group": row.run.group_id, "reminds": True})]
            )
        reminded += 1
        _mail(row, configs[row.agent_id])
    return reminded


def _due(configs: dict[str, dict[str, Any]], now: datetime) -> Q:
    """Which subtasks have waited for longer than their agents say; empty when nobody wants to be reminded."""
    names: dict[float, list[str]] = defaultdict(list)
    for agent_id, config in configs.items():
        if (hours := config.get("remind_every", 24.0)) is not None:
            names[hours].append(agent_id)
    due = Q()
    for hours, ids in names.items():
        due |= Q(agent_id__in=ids, since__lte=now - timedelta(hours=hours))
    return due


def _mail(row: Subtask, config: dict[str, Any]) -> None:
    """To the person whom the agent stands for, outside of any transaction; what goes wrong is logged only."""
    user = User.objects.filter(username=config.get("user") or None, is_active=True).first()
    if not settings.EMAIL_HOST or user is None or not user.email:
        return
    # Whoever could not answer is told nothing of what is asked: it may be somebody who was put out of the group.
    if (level_in(user, row.run.group_id) or 0) < Level.OPERATOR:
        return
    due = f"\n\nIt is due at {row.due_at:%Y-%m-%d %H:%M %Z}." if row.due_at else ""
    try:
        send_mail(
            # On one line: titles are written by agents, and no mail has a subject of two.
            " ".join(f"{row.run.group.name}: '{row.title}' waits for you".split()),
            f"{row.question[:QUOTED]}{due}\n\nAnswer it in your inbox, /inbox/.",
            None,
            [user.email],
        )
    except OSError:
        logger.warning("a reminder was not mailed", extra={"user": user.pk}, exc_info=True)
