"""A subscription as server-sent events (HTML, 9.2): the frames of the sync protocol, one way.

Nothing is acknowledged here: whoever reads slowly is held back by the socket itself, and comes back with the last `id`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Final

from state.errors import StarsError
from state.fanout.outbox import Outbox
from state.sync import naming, protocol, tokens
from state.sync.changes import NOW
from state.sync.feed import Feed
from state.sync.filters import Filter
from state.sync.metrics import counts
from state.sync.protocol import Mark, Reset, ResetReason, ServerFrame
from state.sync.selecting import Chunk, Reader
from state.sync.standing import RENEW, Standing
from state.sync.subscription import Subscription
from state.sync.window import Window

logger = logging.getLogger(__name__)

#: Of the only subscription of a stream.
NUMBER: Final = 1
#: Seconds until it is tried again to look up who reads.
AGAIN: Final = 1.0


class Stream:
    """What one client is sent (`subscription.Sink`): texts in its outbox, None at the end. Owns `standing`, begun."""

    def __init__(self, standing: Standing, outbox: Outbox) -> None:
        self.window = Window(sys.maxsize, sys.maxsize)
        self._standing, self._outbox = standing, outbox
        self._feed: Feed | None = None
        self._sub: Subscription | None = None
        self._watching: asyncio.Task[None] | None = None
        self._closed = False

    async def begin(self, wanted: Filter, token: str | None, *, mode: str = "all") -> None:
        """Follow from the token, from NOW, or (None) from a snapshot. Raises BadToken, Unavailable."""
        place = tokens.decode(token) if token not in (None, NOW) else None
        standing = self._standing
        self._feed = feed = await standing.pool.feeds.enter(standing.space)
        self._sub = sub = Subscription(
            NUMBER,
            feed,
            self,
            Reader(standing.caller, wanted),
            mode=mode,
            config=standing.pool.config,
            gate=standing.pool.gate,
        )
        if place is not None:
            sub.resume(place)
        elif token is None:
            sub.begin()
        else:
            sub.prev = sub.position = feed.head
        await naming.begin(sub, self.say)
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    def close(self) -> None:
        """The client has gone; idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._watching is not None:
            self._watching.cancel()
        if self._sub is not None:
            self._sub.close()
        if self._feed is not None:
            self._feed.leave()
        self._standing.close()

    def beat(self) -> None:
        """Nothing was said for a while: tell where the space stands by now, if it has moved."""
        if self._sub is not None:
            self._sub.mark_if_moved()

    # -- Sink ---------------------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether the client takes more now."""
        return self._outbox.is_open

    async def drained(self) -> None:
        """Wait until it does."""
        await self._outbox.drained()

    def say(self, frame: ServerFrame) -> None:
        """Send a frame as an event."""
        place = ""
        if isinstance(frame, Mark):
            place = self._place(frame.token)
        elif isinstance(frame, Reset):
            place = "id:\n"  # the client forgets the token that it has
        self._put(f"{place}event: {_NAMES[type(frame)]}\ndata: {protocol.encode(frame)}\n\n")

    def say_delta(self, subscription: Subscription, chunk: Chunk, *, synced: bool) -> None:
        """Send entries as an event."""
        frame = protocol.Delta(
            sub=NUMBER,
            prev=subscription.prev,
            rev=chunk.reached,
            token=subscription.token(chunk.reached),
            synced=synced,
        )
        # The entries are JSON already, made once for all subscribers.
        text = protocol.encode(frame).removesuffix("}") + f',"entries":[{",".join(chunk.texts)}]}}'
        self._put(f"{self._place(frame.token)}event: delta\ndata: {text}\n\n")
        counts.sent(len(chunk.texts), len(text))

    def parked(self, subscription: Subscription) -> None:
        """Its window is never closed."""

    def unparked(self, subscription: Subscription) -> None:
        """Its window is never closed."""

    def granted(self, subscription: Subscription, states: frozenset[str]) -> None:
        """No task waits for acknowledgements from here."""

    def was_reset(self, reason: ResetReason) -> None:
        """The subscription begins anew."""
        counts.reset(reason)

    def gone(self) -> None:
        """The space was removed."""
        self._end("space_not_found")

    def failed(self) -> None:
        """It cannot be followed now: an EventSource comes back by itself."""
        self._end("unavailable", protocol.AWAY)

    # -- within -------------------------------------------------------------------------------------------------------

    def _place(self, token: str) -> str:
        """The line that has the client come back to here; none while states are due that no later place brings."""
        return "" if self._sub is None or self._sub.owes else f"id: {token}\n"

    def _put(self, text: str) -> None:
        if not self._closed:
            self._outbox.put(text.encode(), len(text))

    def _end(self, reason: str, code: int = protocol.DENIED) -> None:
        """Say why, and no more."""
        if not self._closed:
            self.say(protocol.Bye(code=code, reason=reason))
            self._outbox.put(None, 0)
            self.close()

    async def _watch(self) -> None:
        """End the stream, or change what it shows, when its reader's rights change."""
        while True:
            await self._standing.wait(RENEW)
            if not self._standing.is_due:
                continue
            try:
                if await self._standing.review() and self._sub is not None:
                    self._sub.reread(self._standing.caller)
            except StarsError as refusal:
                if refusal.status < 500:
                    self._end(refusal.reason)
                    return
                logger.warning("a reader of %s waits: %s", self._standing.space, refusal)
                await asyncio.sleep(AGAIN)
            except Exception:
                logger.exception("who reads a stream cannot be looked up, trying again")
                await asyncio.sleep(AGAIN)


_NAMES: Final[dict[type[ServerFrame], str]] = {
    protocol.Snap: "snap",
    Mark: "mark",
    Reset: "reset",
    protocol.Revoked: "revoked",
    protocol.ConflictFrame: "conflict",
    # Not "error", by which an EventSource tells that its connection broke.
    protocol.ErrorFrame: "missing",
    protocol.Bye: "bye",
}
