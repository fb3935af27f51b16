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
from kombu.exceptions import ChannelError, OperationalError

logger = logging.getLogger(__name__)
_bells: _Bells

#: Names of the functions in `tasks.py`.
DRIVE: Final = "groups.drive"
SWEEP: Final = "groups.sweep"
DELIVER: Final = "groups.deliver"
#: Seconds within which a further bell counts as part of a burst.
BURST: Final = 0.005
#: Seconds for which a broker that was away is not asked again by `depth`: each look may take a while.
AWAY: Final = 5.0

_away_until = 0.0


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
    transaction.on_commit(partial(_bells.deliver, message_id), robust=True)


def depth() -> int | None:
    """How many doorbells no worker has answered yet; None: the broker is away."""
    now = time.monotonic()
    if now < _away_until:
        return None
    with current_app.connection_for_read() as connection:
        # What Redis says itself, to a wrong password or while it goes away, is none of kombu's errors.
        said: Any = (*connection.connection_errors, *connection.channel_errors)
        faults: tuple[type[Exception], ...] = (OperationalError, OSError, *said)
        try:
            connection.ensure_connection(max_retries=0, timeout=1)
            return _waiting(connection.default_channel)
        except faults:
            _look_again_at(now + AWAY)
            return None


def _waiting(channel: Any) -> int:
    try:
        declared = channel.queue_declare(queue=current_app.conf.task_default_queue, passive=True)
    except ChannelError:  # nobody has rung since the queue was last empty
        return 0
    return int(declared.message_count)


def _look_again_at(moment: float) -> None:
    global _away_until
    _away_until = moment


class _Bells:
    """Sends from a thread of its own, so that nobody waits for the broker; what comes meanwhile goes together."""

    def __init__(self) -> None:
        self._runs: dict[str, None] = {}
        self._messages: dict[int, None] = {}
        self._ringing = False
        self._rung_at = 0.0
        self._lock = threading.Lock()
        self._thread = ThreadPoolExecutor(1, "stars-bells")

    def ring(self, ids: list[str]) -> None:
        """Ring for these runs soon; at the process's end what waits is still sent."""
        with self._lock:
            self._runs |= dict.fromkeys(ids)
            self._begin()

    def deliver(self, message_id: int) -> None:
        """Ring for this message soon."""
        with self._lock:
            self._messages[message_id] = None
            self._begin()

    def _begin(self) -> None:
        if not self._ringing:
            self._ringing = True
            self._thread.submit(self._ring)

    def _ring(self) -> None:
        while True:
            # Runs that come in a burst share a message; one that comes alone does not wait.
            if time.monotonic() - self._rung_at < BURST:
                time.sleep(BURST)
            with self._lock:
                ids, self._runs = list(self._runs), {}
                # One at a time: runs that are rung for meanwhile do not wait for a thousand letters.
                message_id = next(iter(self._messages), None)
                if message_id is not None:
                    del self._messages[message_id]
                elif not ids:
                    self._ringing = False
                    return
            if ids:
                self._rung_at = time.monotonic()
                self._try(DRIVE, run_ids=ids)
            if message_id is not None:
                self._try(DELIVER, message_id=message_id)

    def _try(self, name: str, **kwargs: Any) -> None:
        try:
            away = _send(name, **kwargs)
        except Exception:
            logger.exception("doorbell broken")
        else:
            if away:
                # Each further letter would be waited for as long; the sweep rings for all of them again.
                with self._lock:
                    self._messages.clear()

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


def _send(name: str, **kwargs: Any) -> bool:
    """Ring; returns whether the broker is away, which is logged only, for the sweep rings again."""
    try:
        # By registered name, so that tests may run eagerly (celery#581); unretried, for the sweep is there.
        current_app.signature(name, kwargs=kwargs).apply_async(ignore_result=True, retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("doorbell not rung", extra={"task": name, "error": str(error)})
        return True
    return False
