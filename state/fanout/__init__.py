"""The process's hub: topic -> listeners of this process, one Redis subscription per process (embedded: none).

Messages are hints with data: whoever listens checks continuity and reads what is missing from the database.
The order that loses nothing is: subscribe, wait for `Subscription.ready`, read the database, follow.
"""

from __future__ import annotations

import os
import threading

from django.conf import settings

from state.fanout.hub import Hub, Listener, Outgoing, Subscription

__all__ = ["Hub", "Listener", "Outgoing", "Subscription", "close_hub", "hub"]

_lock = threading.Lock()
_hub: Hub | None = None


def hub() -> Hub:
    """This process's hub, made at first use: over Redis when settings.REDIS_URL is set, else within the process."""
    global _hub
    if _hub is None:
        with _lock:
            if _hub is None:
                url = getattr(settings, "REDIS_URL", "")
                _hub = _over_redis(url) if url else Hub()
    return _hub


def _over_redis(url: str) -> Hub:
    # Imported when needed: the client takes a third of a second to load, and the embedded shape has no use for it.
    from state.fanout.redis import RedisHub

    return RedisHub(url)


def close_hub() -> None:
    """Close this process's hub, if any; the next call of `hub()` makes a new one."""
    global _hub
    with _lock:
        closing, _hub = _hub, None
    if closing is not None:
        closing.close()


def _after_fork() -> None:
    """A forked child has neither the parent's thread nor its connection: it makes its own hub at first use."""
    global _hub, _lock
    _hub, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
