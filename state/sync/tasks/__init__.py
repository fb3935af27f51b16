"""Sync tasks and webhooks: durable rows, leased by whoever works on them; Celery only wakes (shared-state 1.12)."""

from __future__ import annotations

from state.sync.tasks.acking import acked, conflicted
from state.sync.tasks.queue import Queue
from state.sync.tasks.runner import Runner
from state.sync.tasks.waking import Waking
from state.sync.tasks.webhooks import Webhooks

__all__ = ["Queue", "Runner", "Waking", "Webhooks", "acked", "conflicted"]
