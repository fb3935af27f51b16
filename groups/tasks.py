"""What Celery calls: each function hands ids to one service or to the engine and returns."""

from __future__ import annotations

import uuid
from typing import Any

from celery import shared_task
from celery.concurrency import prefork
from celery.signals import (
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
)

from groups import queue
from groups.engine import engine
from groups.services import messaging, recovery, run_states, tending
from state import structs

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
    engine.swept()


@shared_task(name=queue.DELIVER)
def deliver(message_id: int) -> None:
    """Hand a message to its recipients."""
    messaging.deliver(message_id=message_id)


@worker_ready.connect
@worker_process_init.connect
def _start_engine(sender: Any = None, **_: Any) -> None:
    """A worker says that it is there before there is work; in a pool of processes it is the children that work."""
    if not isinstance(getattr(sender, "pool", None), prefork.TaskPool):
        structs.learn()
        engine.get()


@worker_process_shutdown.connect
@worker_shutdown.connect
def _stop_engine(**_: Any) -> None:
    engine.shutdown(GRACE)
