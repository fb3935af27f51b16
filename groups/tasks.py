"""What Celery calls: each function hands ids to one service or to the engine and returns."""

from __future__ import annotations

import uuid
from typing import Any

from celery import shared_task
from celery.signals import worker_process_shutdown, worker_shutdown

from groups import queue
from groups.engine import engine
from groups.services import messaging, recovery, run_states, tending

#: Seconds that agents at work get when their worker is told to stop.
GRACE = 5.0


@shared_task(name=queue.DRIVE)
def drive(run_ids: list[str]) -> None:
    """Let this process claim what is ready in these runs; the engine goes on after the task has returned."""
    engine.get().drive([uuid.UUID(run_id) for run_id in run_ids])


@shared_task(name=queue.SWEEP)
def sweep() -> None:
    """Heal what was left behind."""
    recovery.sweep(owner=engine.owner_name())
    run_states.catch_up()
    tending.tend()


@shared_task(name=queue.DELIVER)
def deliver(message_id: int) -> None:
    """Hand a message to its recipients."""
    messaging.deliver(message_id=message_id)


@worker_process_shutdown.connect
@worker_shutdown.connect
def _stop_engine(**_: Any) -> None:
    engine.shutdown(GRACE)
