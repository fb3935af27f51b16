"""The crew of the engine's tests, whose agents spend, and browsers and clients for the cast."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from groups.models import Group, Spending
from tests.dashboard.conftest import operator, outsider, owner, viewer
from tests.engine.conftest import crew, doorbell, engine, script

__all__ = ["crew", "doorbell", "engine", "operator", "outsider", "owner", "script", "viewer"]


def make_spending(group: Group | None, *, at: datetime | None = None, **fields: Any) -> Spending:
    """A call of wim's in the group, now: 100 tokens in, 20 out, a quarter of a dollar."""
    given = {"agent_id": "wim", "input_tokens": 100, "output_tokens": 20, "cost_usd": 0.25}
    return Spending.objects.create(group=group, at=at or timezone.now(), **(given | fields))
