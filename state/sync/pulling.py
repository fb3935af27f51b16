"""What is under way for each subscription of one socket, and ends with it: above all pulls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from state.sync.protocol import PullOnly, PullWaits
from state.sync.subscription import Subscription

logger = logging.getLogger(__name__)

#: Of one subscription: one under way, and one that waits.
MAX_PULLS: Final = 2


class Pulls:
    """Everything belongs to one event loop."""

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]) -> None:
        self._spawn = spawn
        #: The tasks of each; and those of them that pull.
        self._tasks: dict[Subscription, set[asyncio.Task[None]]] = {}
        self._pulling = set[asyncio.Task[None]]()

    def run(
        self, subscription: Subscription, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> asyncio.Task[None]:
        """Do something for it; a fault of ours ends the socket for a while."""
        task = self._spawn(_guarded(subscription, work))
        self._tasks.setdefault(subscription, set()).add(task)
        task.add_done_callback(lambda done: self._over(subscription, done))
        return task

    def add(self, subscription: Subscription, limit: int) -> None:
        """Have it send what is new. Raises PullOnly, PullWaits."""
        if not subscription.pulled:
            raise PullOnly
        if len(self._tasks.get(subscription, set()) & self._pulling) >= MAX_PULLS:
            raise PullWaits
        self._pulling.add(self.run(subscription, lambda: subscription.pull(limit)))

    def drop(self, subscription: Subscription) -> None:
        """It has ended."""
        for task in self._tasks.pop(subscription, ()):
            task.cancel()

    def _over(self, subscription: Subscription, task: asyncio.Task[None]) -> None:
        self._pulling.discard(task)
        tasks = self._tasks.get(subscription)
        if tasks is not None:
            tasks.discard(task)
            if not tasks:
                del self._tasks[subscription]


async def _guarded(
    subscription: Subscription, work: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    try:
        await work()
    except Exception:
        logger.exception("a subscription of %s cannot be served", subscription.feed.space)
        subscription.sink.failed()
