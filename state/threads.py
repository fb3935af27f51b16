"""How coroutines reach the database: in the event loop's threads, never in that of a request or socket.

What watches a run outlives the request or socket in whose context it began, and with it such a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import close_old_connections

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(
    read: Callable[P, T], executor: ThreadPoolExecutor | None = None
) -> Callable[P, Coroutine[Any, Any, T]]:
    """The blocking read as a coroutine function; connections that are too old or broken are closed, as by requests.

    It runs in the loop's own threads, or in those of `executor`.
    """

    @wraps(read)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        close_old_connections()
        try:
            return read(*args, **kwargs)
        finally:
            close_old_connections()

    return sync_to_async(call, thread_sensitive=False, executor=executor)
