"""What the subscriptions of one socket of mode "pull" are asked for."""

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
        self._asked: dict[Subscription, set[asyncio.Task[None]]] = {}

    def add(self, subscription: Subscription, limit: int) -> None:
        """Have it send what is new. Raises PullOnly, PullWaits."""
        if not subscription.pulled:
            raise PullOnly
        asked = self._asked.setdefault(subscription, set())
        if len(asked) >= MAX_PULLS:
            raise PullWaits
        task = self._spawn(_pull(subscription, limit))
        asked.add(task)
        task.add_done_callback(lambda done: self._over(subscription, done))

    def drop(self, subscription: Subscription) -> None:
        """It has ended."""
        for task in self._asked.pop(subscription, ()):
            task.cancel()

    def _over(self, subscription: Subscription, task: asyncio.Task[None]) -> None:
        asked = self._asked.get(subscription)
        if asked is not None:
            asked.discard(task)
            if not asked:
                del self._asked[subscription]


async def _pull(subscription: Subscription, limit: int) -> None:
    try:
        await subscription.pull(limit)
    except Exception:
        logger.exception("a subscription of %s cannot be pulled", subscription.feed.space)
        subscription.sink.failed()
