"""Reminds people of what waits for them: a note on the row, a word to open pages, a mail where mail is configured."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from groups import live
from groups.execution.statuses import SubtaskStatus
from groups.models import Agent, Subtask

logger = logging.getLogger(__name__)

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
    if not configs:
        return 0
    waiting = Subtask.objects.filter(status=SubtaskStatus.WAITING, agent_id__in=list(configs))
    rows = waiting.select_related("run__group").order_by("reminded_at", "id")
    due = [row for row in rows[: 20 * AT_ONCE] if _is_due(row, configs[row.agent_id], now)]
    reminded = 0
    for row in due[:AT_ONCE]:
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


def _is_due(row: Subtask, config: dict[str, Any], now: datetime) -> bool:
    hours = config.get("remind_every", 24.0)
    since = row.reminded_at or row.started_at
    return hours is not None and since is not None and since + timedelta(hours=hours) <= now


def _mail(row: Subtask, config: dict[str, Any]) -> None:
    """To the person whom the agent stands for, outside of any transaction; what goes wrong is logged only."""
    user = User.objects.filter(username=config.get("user") or None, is_active=True).first()
    if not settings.EMAIL_HOST or user is None or not user.email:
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
