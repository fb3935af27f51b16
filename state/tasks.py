"""What Celery calls for shared states: the journal's tick and the rarer chores."""

from __future__ import annotations

import logging

from celery import shared_task

from state import conf

logger = logging.getLogger(__name__)

#: Names in the beat's schedule (stars_site.settings).
TICK = "state.tick"
SWEEP = "state.sweep"


@shared_task(name=TICK)
def tick() -> None:
    """Apply journalled operations that the process which took them did not."""
    conf.manager().tick()


@shared_task(name=SWEEP)
def sweep() -> None:
    """Expire states, settle overdue conflicts, forget old outcomes, compact."""
    done = conf.manager().sweep()
    if any(done.values()):
        logger.info("states swept: %s", done)
