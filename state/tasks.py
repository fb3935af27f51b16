"""What Celery calls for shared states: the journal's tick, sync tasks and webhooks, and the rarer chores."""

from __future__ import annotations

import logging

from celery import shared_task

from state import conf, queue

logger = logging.getLogger(__name__)

#: Names in the beat's schedule (stars_site.settings).
TICK = "state.tick"
SWEEP = "state.sweep"


@shared_task(name=TICK)
def tick() -> None:
    """Apply journalled operations that the process which took them did not; notice which agents fell silent."""
    conf.manager().tick()
    conf.sync_manager().sweep()


@shared_task(name=SWEEP)
def sweep() -> None:
    """Expire states, settle overdue conflicts, forget old outcomes, compact."""
    done = conf.manager().sweep()
    if any(done.values()):
        logger.info("states swept: %s", done)


@shared_task(name=queue.SYNC_TASKS)
def sync_tasks() -> None:
    """Carry out what is due of sync tasks, and send to webhooks what is new."""
    conf.sync_manager().work()
