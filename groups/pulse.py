"""How lately those that work on a run were heard of: a lease that was extended is a sign of life."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from groups.execution.statuses import SubtaskStatus
from groups.live import timestamp
from groups.models import Run, Subtask

#: Beats shown; a run may have hundreds of subtasks at work.
MOST: Final = 50


def pulse(run: Run) -> dict[str, Any]:
    """When each worker at a subtask of the run last extended its lease, the longest ago first; in one query.

    `late` is the age, in seconds, from which one is overdue (leases are extended when a third of them is over), and
    `lost` the age at which its work is given to others.
    """
    lease = timedelta(seconds=settings.STARS_LEASE_SECONDS)
    held = Subtask.objects.filter(run_id=run.pk, status=SubtaskStatus.RUNNING)
    rows = held.order_by("lease_until", "id").values("id", "key", "agent_id", "lease_until")[:MOST]
    return {
        "at": timestamp(timezone.now()),
        "late": lease.total_seconds() / 2,
        "lost": lease.total_seconds(),
        "beats": [
            {
                "subtask": str(row["id"]),
                "key": row["key"],
                "agent_id": row["agent_id"],
                "at": timestamp(row["lease_until"] - lease),
            }
            for row in rows
            if row["lease_until"]
        ],
    }
