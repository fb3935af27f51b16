"""Subscriptions of a space in memory, with nothing but the engine beneath them: what each is sent, and what it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from state.manager import StateManager
from state.policy import Caller
from state.sync import tokens
from state.sync.feed import Feed
from state.sync.feeds import Feeds
from state.sync.filters import filter_of
from state.sync.protocol import ResetReason, ServerFrame
from state.sync.selecting import Chunk, Reader
from state.sync.subscription import Subscription
from state.sync.window import Window
from state.values import AccessPolicy, SyncConfig
from tests.sync.reference import Reference

SPACE = "lab"
ADMIN = Caller(space=SPACE, name="human:ada", admin=True)
WIM = Caller(space=SPACE, name="agent:wim")
OPEN, SHUT = AccessPolicy(public=True), AccessPolicy()


class Sink:
    """One reader (`state.sync.sink.Sink`), who acknowledges nothing by itself."""

    is_open = True

    def __init__(self, seen: Reference, entries: int) -> None:
        """`entries` may be on their way."""
        self.window = Window(entries, 1 << 30)
        self.seen = seen
        self.frames: list[dict[str, Any]] = []
        self.is_gone = False
        self.subscription: Subscription

    async def drained(self) -> None:
        """It takes everything at once."""

    def say(self, frame: ServerFrame) -> None:
        self._take(msgspec.json.decode(msgspec.json.encode(frame)))

    def say_delta(self, subscription: Subscription, chunk: Chunk, *, synced: bool) -> None:
        entries = [msgspec.json.decode(text) for text in chunk.texts]
        self._take(
            {
                "t": "delta",
                "prev": subscription.prev,
                "rev": chunk.reached,
                "token": subscription.token(chunk.reached),
                "synced": synced,
                "entries": entries,
            }
        )
        self.window.sent(subscription.number, chunk.reached, len(entries), 1, 0.0)

    def parked(self, subscription: Subscription) -> None:
        pass

    def unparked(self, subscription: Subscription) -> None:
        pass

    def granted(self, subscription: Subscription, states: frozenset[str]) -> None:
        pass

    def was_reset(self, reason: ResetReason) -> None:
        pass

    def gone(self) -> None:
        self.is_gone = True

    failed = gone

    def _take(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        self.seen.hear(frame)

    @property
    def kinds(self) -> list[str]:
        """Of the frames."""
        return [each["t"] for each in self.frames]

    @property
    def data(self) -> dict[str, Any]:
        """What the reader has, by id."""
        return {name: data for name, (_, _, data) in self.seen.states.items()}

    @property
    def versions(self) -> list[int]:
        """Of all entries that came."""
        return [each["v"] for frame in self.frames for each in frame.get("entries", ())]


class Room:
    """A feed, and those who follow it."""

    def __init__(self, manager: StateManager, feed: Feed) -> None:
        self.manager, self.feed = manager, feed
        self.sinks: list[Sink] = []

    def follow(
        self,
        caller: Caller = WIM,
        *,
        token: str | int | None = None,
        mode: str = "all",
        entries: int = 10_000,
        batch: int = 256,
        seen: Reference | None = None,
    ) -> Sink:
        """Somebody follows everything, from a token or the revision of one; `seen` is what it has already."""
        sink = Sink(seen or Reference(), entries)
        config = SyncConfig(batch_size=batch)
        reader, gate = Reader(caller, filter_of(["*"])), asyncio.Semaphore(4)
        sub = Subscription(1, self.feed, sink, reader, mode=mode, config=config, gate=gate)
        if isinstance(token, int):
            hashed = tokens.filter_hash(reader.wanted, caller, mode)
            token = tokens.encode(tokens.Token(self.feed.epoch, token, hashed))
        if token is None:
            sub.begin()
        else:
            sub.resume(tokens.decode(token))
        sink.subscription = sub
        self.sinks.append(sink)
        sub.follow()
        return sink

    async def settled(self) -> None:
        """The feed has shown everything, and everybody follows it or is parked."""
        async with asyncio.timeout(5):
            quiet = 0
            while quiet < 2:
                self.feed.wake()
                await asyncio.sleep(0.01)
                info = self.manager.store.open_space(SPACE)
                there = (self.feed.head, self.feed.audit, self.feed.epoch)
                calm = there == (info.revision, info.audit, info.epoch) and all(
                    each.subscription.is_live or each.subscription.is_parked for each in self.sinks
                )
                quiet = quiet + 1 if calm else 0


@asynccontextmanager
async def room_of(manager: StateManager, **config: Any) -> AsyncIterator[Room]:
    """Follow the space until the end of the block."""
    feed = await Feeds(manager, SyncConfig(**config)).enter(SPACE)
    room = Room(manager, feed)
    try:
        yield room
    finally:
        for each in room.sinks:
            each.subscription.close()
        feed.leave()
