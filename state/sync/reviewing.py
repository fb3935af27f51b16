"""Something that is read again whenever it may have changed. Pure but for the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Review:
    """One look at a time, so that no older one overtakes a newer; whoever asks meanwhile shares the next."""

    def __init__(self, look: Callable[[], Awaitable[None]], gate: asyncio.Semaphore) -> None:
        """`gate` bounds the looks of many reviews together."""
        self._look, self._gate = look, gate
        self._turn = asyncio.Lock()
        #: Numbers of requests: the last one, and the last one that the present and the last good look know of.
        self._asked = self._begun = self._seen = 0

    @property
    def is_awaited(self) -> bool:
        """Whether a look is to come that has not begun."""
        return self._asked > self._begun

    async def run(self) -> None:
        """Returns once a look has ended that began after this was called. Raises what the look raises."""
        self._asked += 1
        mine = self._asked
        async with self._turn, self._gate:
            if self._seen >= mine:
                return
            begun = self._begun = self._asked
            await self._look()
            self._seen = begun
