"""The only sender to Celery of shared states: a doorbell that says that there is something to sync.

The rows remember the work, so a lost bell costs time, not work: beat rings too.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)
_bell: _Bell

#: Name of the function in `tasks.py`.
SYNC_TASKS: Final = "state.sync_tasks"
#: Seconds between two bells: what happens meanwhile is told by one.
BURST: Final = 0.1
#: Seconds after which a bell that no worker heard is dropped; beat has rung by then.
EXPIRES: Final = 30.0


def ring() -> None:
    """Have some worker look at sync tasks and webhooks, soon. Neither waits nor raises."""
    _bell.ring()


class _Bell:
    """Rings from a thread of its own, so that nobody waits for the broker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_due = False
        self._rung_at = 0.0
        self._thread = ThreadPoolExecutor(1, "state-bell")

    def ring(self) -> None:
        """Once for all who ask before it is done."""
        with self._lock:
            if self._is_due:
                return
            self._is_due = True
        try:
            self._thread.submit(self._ring)
        except RuntimeError:  # the process ends
            logger.debug("no bell any more")

    def _ring(self) -> None:
        time.sleep(max(0.0, self._rung_at + BURST - time.monotonic()))
        with self._lock:
            self._is_due = False
        self._rung_at = time.monotonic()
        try:
            # By registered name, so that tests may run eagerly; unretried, for beat is there.
            signature = current_app.signature(SYNC_TASKS)
            signature.apply_async(ignore_result=True, retry=False, expires=EXPIRES)
        except (OperationalError, OSError) as error:
            logger.warning("doorbell not rung", extra={"task": SYNC_TASKS, "error": str(error)})
        except Exception:
            logger.exception("doorbell broken")


def _new_bell() -> None:
    """A forked child has no thread of its parent's."""
    global _bell
    _bell = _Bell()


_new_bell()
os.register_at_fork(after_in_child=_new_bell)
