"""The feeds of one event loop: opened with their first guests, closed with their last, and swept meanwhile."""

from __future__ import annotations

import asyncio
import logging

from state.manager import StateManager
from state.sync.feed import Feed
from state.threads import in_thread
from state.values import SpaceInfo, SyncConfig

logger = logging.getLogger(__name__)


class Feeds:
    """The feeds of one event loop."""

    def __init__(self, manager: StateManager, config: SyncConfig) -> None:
        self.manager = manager
        self.linger = config.flush_interval.total_seconds()
        self._interval = config.sync_interval.total_seconds()
        self._feeds: dict[str, Feed] = {}
        self._sweeping: asyncio.Task[None] | None = None

    async def enter(self, space: str) -> Feed:
        """The space's feed, open; call `leave()` on it at the end. Raises what the store raises."""
        feed = self._feeds.get(space)
        if feed is None:
            feed = self._feeds[space] = Feed(self, space)
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().create_task(self._sweep())
        feed.guests += 1
        try:
            await feed.opened()
        except BaseException:
            feed.leave()
            raise
        return feed

    def close(self, feed: Feed) -> None:
        """Called by the feed when its last guest goes."""
        feed.close()
        if self._feeds.get(feed.space) is feed:
            del self._feeds[feed.space]
        if not self._feeds and self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                infos = await in_thread(self._stand)(frozenset(self._feeds))
            except Exception as error:
                logger.warning(
                    "the spaces cannot be looked at, the next sweep tries again: %s", error
                )
                continue
            there = {info.id: info for info in infos}
            for space, feed in self._feeds.items():
                if space in there:
                    feed.look(there[space])
                else:
                    feed.wake()  # it was removed, or is made just now

    def _stand(self, spaces: frozenset[str]) -> list[SpaceInfo]:
        """Where these spaces stand, in one read."""
        return [each for each in self.manager.store.spaces() if each.id in spaces]
