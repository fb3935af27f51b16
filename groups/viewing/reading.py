"""How coroutines read the database: in the event loop's threads, never in that of a request or socket.

What watches a run outlives the request or socket in whose context it began, and with it such a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar, cast

from channels.db import database_sync_to_async

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(read: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The blocking read as a coroutine function."""
    return cast(
        "Callable[P, Coroutine[Any, Any, T]]", database_sync_to_async(read, thread_sensitive=False)
    )
