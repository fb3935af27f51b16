"""What waits to be written to one client of a socket or stream. It tells its sources when it had better not grow."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final, cast

#: Characters that may wait for one client before its sources hold back.
LIMIT: Final = 512 * 1024


class Outbox:
    """A queue with one reader on one event loop. What is put is never dropped; `is_open` asks sources to hold back."""

    def __init__(self, writable: asyncio.Event | None = None) -> None:
        """`writable` is clear while the server holds so much unsent for this viewer that it wants no more."""
        self._items: deque[tuple[Any, int]] = deque()
        self._size = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self._writable = writable

    @property
    def size(self) -> int:
        """Characters that wait."""
        return self._size

    @property
    def is_open(self) -> bool:
        """Whether more may be put now."""
        return self._size < LIMIT and (self._writable is None or self._writable.is_set())

    def put(self, item: Any, size: int) -> None:
        """Add an item of that many characters."""
        self._items.append((item, size))
        self._size += size
        if len(self._items) == 1:
            self._filled.set()
            self._emptied.clear()

    async def get(self) -> Any:
        """The next item, once the server takes it."""
        while True:
            if self._writable is not None and not self._writable.is_set():
                await self._writable.wait()
            if self._items:
                break
            self._filled.clear()
            await self._filled.wait()
        item, size = self._items.popleft()
        self._size -= size
        if not self._items:
            self._emptied.set()
        return item

    async def drained(self) -> None:
        """Wait until everything put so far was taken and more is welcome."""
        while self._items or not self.is_open:
            await self._emptied.wait()
            if self._writable is not None:
                await self._writable.wait()


def writable_of(scope: dict[str, Any]) -> asyncio.Event | None:
    """The server's back-pressure for this connection, if it tells (see `stars_site.backpressure`)."""
    extensions = scope.get("extensions") or {}
    return cast("asyncio.Event | None", extensions.get("stars.writable"))
