"""What waits to be written to one viewer. It tells its sources when it had better not grow."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import cached_property
from typing import Any, Final, cast

import msgspec

from groups.events import RUN_END_TYPES
from groups.live import EventsFrame, encode
from state.fanout import Outgoing

#: Characters that may wait for one viewer before it is parked.
LIMIT: Final = 512 * 1024


class _Head(msgspec.Struct):
    seq: int
    type: str


class Frame:
    """A frame with consecutive events of one run, shared by all its viewers: each form of it is made once."""

    def __init__(self, outgoing: Outgoing) -> None:
        self.first = outgoing.first
        self.last = outgoing.last
        self.payload = outgoing.payload

    @cached_property
    def text(self) -> str:
        """The JSON text of the frame."""
        return self.payload.decode()

    @cached_property
    def content(self) -> EventsFrame:
        """The frame decoded, its events still bytes."""
        return msgspec.json.decode(self.payload, type=EventsFrame)

    @cached_property
    def events(self) -> list[tuple[int, str, bytes]]:
        """(seq, type, JSON) of each event."""
        raws = msgspec.json.decode(self.content.events, type=list[msgspec.Raw])
        heads = (msgspec.json.decode(raw, type=_Head) for raw in raws)
        return [(head.seq, head.type, bytes(raw)) for head, raw in zip(heads, raws, strict=True)]

    @property
    def at_rest(self) -> bool:
        """Whether the run had ended when this frame's last event was written."""
        return self.events[-1][1] in RUN_END_TYPES


def merged(messages: list[Outgoing]) -> Frame:
    """One frame for messages that follow each other without a gap."""
    if len(messages) == 1:
        return Frame(messages[0])
    parts = [msgspec.json.decode(message.payload, type=EventsFrame) for message in messages]
    arrays = b",".join(memoryview(part.events)[1:-1] for part in parts)
    first, last = parts[0].first, parts[-1]
    frame = EventsFrame(last.topic, first, last.seq, last.status, msgspec.Raw(b"[" + arrays + b"]"))
    return Frame(Outgoing(last.topic, encode(frame), first, last.seq))


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
