"""An event loop for those who have none: workers are synchronous, and the engine is not."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any, Final, TypeVar
from weakref import WeakSet

from state.errors import Unavailable

T = TypeVar("T")

logger = logging.getLogger(__name__)

#: Seconds in which the loop's thread begins, and ends.
SOON: Final = 5.0


class Loop:
    """One event loop in a daemon thread, which begins at first use. Thread-safe; blocks.

    A forked child has no thread of its parent's: there it begins anew.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._closed = False
        self.forget()
        _loops.add(self)

    def forget(self) -> None:
        """There is no thread any more."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], timeout: float) -> T:
        """What it returns or raises. Raises Unavailable when that takes longer than `timeout` seconds, and once the
        loop is closed."""
        future = self._submit(work)
        try:
            return future.result(timeout)
        except (TimeoutError, CancelledError):
            future.cancel()
            raise Unavailable from None

    def close(self) -> None:
        """Cancel what is under way, and begin nothing more; idempotent."""
        with self._lock:
            self._closed = True
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            with suppress(RuntimeError):  # it has ended with the process
                loop.call_soon_threadsafe(loop.stop)
            thread.join(SOON)

    def _submit(self, work: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        # Under the lock, so that nothing comes to a loop that ends.
        with self._lock:
            if self._closed:
                raise Unavailable
            if self._loop is None:
                begun: Future[asyncio.AbstractEventLoop] = Future()
                self._thread = threading.Thread(
                    target=_live, args=(begun,), name=self._name, daemon=True
                )
                self._thread.start()
                self._loop = begun.result(SOON)
            return asyncio.run_coroutine_threadsafe(work(), self._loop)


def _live(begun: Future[asyncio.AbstractEventLoop]) -> None:
    """Until somebody stops the loop; then what is under way is cancelled, and its threads are waited for."""
    try:
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            begun.set_result(loop)
            loop.run_forever()
    except RuntimeError:  # the interpreter ends, and starts no threads any more
        logger.debug("a loop ends with its process", exc_info=True)


_loops: WeakSet[Loop] = WeakSet()


def _after_fork() -> None:
    for each in tuple(_loops):
        each.forget()


os.register_at_fork(after_in_child=_after_fork)
