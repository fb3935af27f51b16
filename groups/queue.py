"""The only sender to Celery: doorbells, rung after commit.

The rows remember the work, so a lost bell costs time, not work.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable
from functools import partial
from typing import Any, Final

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

#: Names of the functions in `tasks.py`.
DRIVE: Final = "groups.drive"
SWEEP: Final = "groups.sweep"
DELIVER: Final = "groups.deliver"


def ring(run_ids: Iterable[uuid.UUID]) -> None:
    """After commit, tell some worker that these runs have ready subtasks."""
    ids = [str(run_id) for run_id in run_ids]
    if ids:
        transaction.on_commit(partial(_send, DRIVE, run_ids=ids))


def deliver(message_id: int) -> None:
    """After commit, have a worker hand the message to its recipients."""
    transaction.on_commit(partial(_send, DELIVER, message_id=message_id))


def _send(name: str, **kwargs: Any) -> None:
    """Ring; a broker that does not answer is logged only, for the sweep rings again."""
    try:
        # By registered name, so that tests may run eagerly (celery#581); unretried, for the sweep is there.
        current_app.signature(name, kwargs=kwargs).apply_async(ignore_result=True, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("doorbell not rung", extra={"task": name, "error": str(error)})
