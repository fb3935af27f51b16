"""Keeps the shared states of runs up to date beside the engine: its own thread, so that no run waits for it."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterable
from typing import Final

from django.db import Error, connections

from groups.services import run_states
from state.errors import StarsError

logger = logging.getLogger(__name__)

#: Seconds that news of runs are gathered before their states are written: a run of quick agents is one write, and the
#: engine is left alone meanwhile. Agents that look at the state of their run have it written at once.
GATHER: Final = 0.5


class Scribe(threading.Thread):
    """Writes the states of the runs it is told of. What it cannot write, the sweep does."""

    def __init__(self) -> None:
        super().__init__(name="stars-scribe", daemon=True)
        self._runs: dict[uuid.UUID, None] = {}
        self._bell = threading.Condition()
        self._stopping = False

    def tell(self, runs: Iterable[uuid.UUID]) -> None:
        """These runs have come to something; thread-safe."""
        with self._bell:
            self._runs |= dict.fromkeys(runs)
            self._bell.notify()

    def stop(self) -> None:
        """Write what it was told of, then end."""
        with self._bell:
            self._stopping = True
            self._bell.notify()

    def run(self) -> None:
        """The thread's life."""
        try:
            while True:
                with self._bell:
                    while not (self._runs or self._stopping):
                        self._bell.wait()
                    if not self._stopping:
                        self._bell.wait_for(lambda: self._stopping, timeout=GATHER)
                    runs, self._runs = self._runs, {}
                    if not runs:
                        return
                for run_id in runs:
                    self._write(run_id)
        finally:
            connections.close_all()

    def _write(self, run_id: uuid.UUID) -> None:
        try:
            run_states.write(run_id)
        except (StarsError, Error) as error:
            connections.close_all()
            logger.warning(
                "a run's state is left to the sweep",
                extra={"run": str(run_id), "error": str(error)},
            )
        except Exception:
            logger.exception("a run's state could not be written", extra={"run": str(run_id)})
