"""The only sender to Celery: doorbells, rung after commit.

The rows remember the work, so a lost bell costs time, not work.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from functools import partial
from typing import Any, Final

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
_bells: _Bells

#: Names of the functions in `tasks.py`.
DRIVE: Final = "groups.drive"
SWEEP: Final = "groups.sweep"
DELIVER: Final = "groups.deliver"
#: Seconds within which a further bell counts as part of a burst.
BURST: Final = 0.005


def ring(run_ids: Iterable[uuid.UUID]) -> None:
    """After commit, tell some worker that these runs have ready subtasks."""
    ids = [str(run_id) for run_id in run_ids]
    if ids:
        transaction.on_commit(partial(_bells.ring, ids), robust=True)


def settle(timeout: float = 5.0) -> None:
    """Wait, `timeout` seconds at most, for the doorbells of this process that are still to be rung."""
    _bells.settle(timeout)


def deliver(message_id: int) -> None:
    """After commit, have a worker hand the message to its recipients."""
    transaction.on_commit(partial(_send, DELIVER, message_id=message_id), robust=True)


class _Bells:
    """Sends from a thread of its own, so that nobody waits for the broker; what comes meanwhile goes together."""

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self._ringing = False
        self._rung_at = 0.0
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "stars-bells")

    def ring(self, ids: list[str]) -> None:
        """Ring for these runs soon; at the process's end what waits is still sent."""
        with self._lock:
            self._waiting |= dict.fromkeys(ids)
            if self._ringing:
                return
            self._ringing = True
        self._thread.submit(self._ring)

    def _ring(self) -> None:
        while True:
            # Runs that come in a burst share a message; one that comes alone does not wait.
            if time.monotonic() - self._rung_at < BURST:
                time.sleep(BURST)
            with self._lock:
                ids, self._waiting = list(self._waiting), {}
                if not ids:
                    self._ringing = False
                    return
            self._rung_at = time.monotonic()
            try:
                _send(DRIVE, run_ids=ids)
            except Exception:
                logger.exception("doorbell broken")

    def settle(self, timeout: float) -> None:
        """Wait, `timeout` seconds at most, until what was to be rung is rung."""
        with suppress(FutureTimeout):
            self._thread.submit(int).result(timeout)


def _new_bells() -> None:
    """A forked child has no thread of its parent's."""
    global _bells
    _bells = _Bells()


_new_bells()
os.register_at_fork(after_in_child=_new_bells)


def _send(name: str, **kwargs: Any) -> None:
    """Ring; a broker that does not answer is logged only, for the sweep rings again."""
    try:
        # By registered name, so that tests may run eagerly (celery#581); unretried, for the sweep is there.
        current_app.signature(name, kwargs=kwargs).apply_async(ignore_result=True, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("doorbell not rung", extra={"task": name, "error": str(error)})
