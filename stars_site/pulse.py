"""A web process says every few seconds that it lives, as workers do, so that the home page can tell which ones do."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from django.db import Error, connection
from django.utils import timezone

from groups.engine.engine import owner_name
from groups.models import ProcessKind
from groups.services import processes

logger = logging.getLogger(__name__)


def install() -> None:
    """Have Daphne, which runs this application and knows no lifespan, start and stop it; nothing happens under
    another server."""
    # As in `draining`: importing the reactor would choose one for a process that is perhaps no server.
    if "daphne.server" not in sys.modules:
        return
    from twisted.internet import reactor

    pulse = Pulse()
    reactor.callWhenRunning(pulse.start)
    reactor.addSystemEventTrigger("after", "shutdown", pulse.stop)  # type: ignore[arg-type]


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Have any other server start and stop it: this is ASGI's application for the scope "lifespan"."""
    pulse = Pulse()
    while (await receive())["type"] != "lifespan.shutdown":
        pulse.start()
        await send({"type": "lifespan.startup.complete"})
    await asyncio.to_thread(pulse.stop)
    await send({"type": "lifespan.shutdown.complete"})


class Pulse(threading.Thread):
    """Tells of this process until it is stopped, then takes its leave."""

    def __init__(self) -> None:
        super().__init__(name="stars-pulse", daemon=True)
        self._ended: Final = threading.Event()
        self._name: Final = owner_name()
        self._started_at: Final = timezone.now()

    def run(self) -> None:
        """The thread's life."""
        while not self._ended.is_set():
            self._guarded(self._tell)
            self._ended.wait(processes.EVERY)
        self._guarded(self._leave)

    def stop(self) -> None:
        """Take leave and end; waits a moment for it."""
        self._ended.set()
        if self.is_alive():
            self.join(2.0)

    def _tell(self) -> None:
        processes.heard(kind=ProcessKind.WEB, name=self._name, started_at=self._started_at)

    def _leave(self) -> None:
        processes.gone(kind=ProcessKind.WEB, name=self._name)

    def _guarded(self, call: Callable[[], None]) -> None:
        """A database that is away is no reason to end: the next word may come through."""
        try:
            call()
        except Error as error:
            logger.warning("no word of this process", extra={"error": str(error)})
        finally:
            # A word every few seconds is worth no connection that stands open all the while.
            connection.close()
