"""The whole of Stars in one process: Daphne in the main thread, Celery's worker and beat in threads beside it.

The worker listens to the in-memory broker, or to Redis when there is one; either way it is the same code as grown.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any, Final

from celery import Celery
from celery.beat import EmbeddedService, Scheduler
from celery.platforms import EX_OK
from celery.signals import worker_ready
from celery.worker import WorkController
from celery.worker import state as worker_state

from groups import queue

logger = logging.getLogger(__name__)

#: Seconds after which a thread that does not end is left behind; running agents get `groups.tasks.GRACE` of them.
JOIN_SECONDS: Final = 15.0
#: Doorbells answered at once; driving a run only hands it to the engine's loop, deliveries take longer.
WORKER_THREADS: Final = 4


class _Worker(WorkController):
    """Celery's worker without a command line; says that it is ready, as the one with a command line does."""

    def on_consumer_ready(self, consumer: Any) -> None:
        worker_ready.send(sender=consumer)


class Crew:
    """Worker and beat of this process, as threads."""

    def __init__(self, app: Celery) -> None:
        self.app = app
        self._worker: threading.Thread | None = None
        self._beat: Any = None

    def start(self) -> None:
        """Start both; returns at once."""
        # The command that called us has run the system checks already.
        os.environ["CELERY_SKIP_CHECKS"] = "1"
        self.app.finalize()
        self.app.set_default()
        worker = _Worker(
            app=self.app,
            pool="threads",
            concurrency=WORKER_THREADS,
            loglevel="WARNING",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
        )
        self._worker = threading.Thread(target=worker.start, name="worker", daemon=True)
        self._worker.start()
        # Celery's own scheduler in memory: nothing to keep, every entry is due again after a start.
        self._beat = EmbeddedService(self.app, thread=True, scheduler_cls=Scheduler)
        self._beat.start()

    def stop(self) -> None:
        """Take no new work, let running agents finish for a while, give the rest back, end both threads.

        The engine is stopped by the worker's own signal of shutdown, as in a worker that stands alone.
        """
        self._beat.service.stop()
        worker_state.should_stop = EX_OK  # type: ignore[assignment]  # the stubs know only None
        # It looks at that between two messages, so give it one.
        self.app.send_task(queue.SWEEP)
        for thread in (self._worker, self._beat):
            if thread is not None:
                thread.join(JOIN_SECONDS)


def serve(*, host: str, port: int, on_ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `on_ready` is called when the server begins to listen."""
    _install_fast_loop()
    from daphne.endpoints import build_endpoint_description_strings
    from daphne.server import Server

    from stars_site.asgi import application
    from stars_site.celery import app

    crew = Crew(app)
    server = Server(
        application,
        endpoints=build_endpoint_description_strings(host=host, port=port),
        ready_callable=on_ready,
        verbosity=0,
    )
    crew.start()
    try:
        server.run()
    finally:
        logger.info("stopping")
        crew.stop()


def _install_fast_loop() -> None:
    """Let Twisted, and so Daphne, run on uvloop where there is one. Must precede any import of its reactor."""
    try:
        import uvloop
    except ImportError:
        return
    from twisted.internet import asyncioreactor

    asyncioreactor.install(uvloop.new_event_loop())  # type: ignore[no-untyped-call]
