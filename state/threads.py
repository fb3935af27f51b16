"""How coroutines reach the database: in the event loop's threads, never in that of a request or socket.

What watches a run outlives the request or socket in whose context it began, and with it such a thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connections

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(
    read: Callable[P, T], executor: ThreadPoolExecutor | None = None, *, test: bool = True
) -> Callable[P, Coroutine[Any, Any, T]]:
    """The blocking read as a coroutine function; connections that are too old or broken are closed, as by requests.

    It runs in the loop's own threads, or in those of `executor`. Without `test` a connection is not tried out before
    (a round trip): for reads that are repeated when it was broken.
    """

    @wraps(read)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        close = close_old_connections if test else _close_worn_out
        close()
        try:
            return read(*args, **kwargs)
        finally:
            close()

    return sync_to_async(call, thread_sensitive=False, executor=executor)


def _close_worn_out() -> None:
    """Close connections that failed or have outlived their age, and leave the others as they are."""
    now = time.monotonic()
    for each in connections.all(initialized_only=True):
        if each.errors_occurred or (each.close_at is not None and now >= each.close_at):
            each.close_if_unusable_or_obsolete()
