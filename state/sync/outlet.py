"""What one socket is sent: frames into its outbox, counted into its window; and whether it keeps up."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from typing import Final

from state.fanout.outbox import Outbox
from state.sync import protocol
from state.sync.metrics import counts
from state.sync.promises import Promises
from state.sync.protocol import ResetReason, ServerFrame
from state.sync.selecting import Chunk
from state.sync.subscription import Subscription
from state.sync.window import Window

_SYNCED: Final = '"synced":true,'


class Outlet:
    """The sink of all subscriptions of a socket (`subscription.Sink`)."""

    def __init__(self, outbox: Outbox, entries: int, gone: Callable[[], None]) -> None:
        """At most `entries` entries go unacknowledged. `gone` is called when the space is no more."""
        self.outbox = outbox
        self.window = Window(entries, protocol.WINDOW_BYTES)
        self.compressing = False
        #: Nothing more is said.
        self.closed = False
        #: Since when (monotonic seconds) it has not acknowledged although something waits; None: it keeps up.
        self.parked_at: float | None = None
        self.promises: Promises | None = None
        self._parked: set[Subscription] = set()
        self._gone = gone

    @property
    def is_open(self) -> bool:
        """Whether the socket takes more now."""
        return self.outbox.is_open

    async def drained(self) -> None:
        """Wait until it does."""
        await self.outbox.drained()

    def say(self, frame: ServerFrame) -> None:
        """Send a frame."""
        self._put(protocol.encode(frame))

    def say_delta(self, subscription: Subscription, chunk: Chunk, *, synced: bool) -> None:
        """Send a delta and count it into the window."""
        number, reached = subscription.number, chunk.reached
        token = "" if subscription.owes else f'"token":"{subscription.token(reached)}",'
        text = (
            f'{{"t":"delta","sub":{number},"prev":{subscription.prev},"rev":{reached},'
            f"{token}{_SYNCED if synced else ''}"
            f'"entries":[{",".join(chunk.texts)}]}}'
        )
        self._put(text)
        count = len(chunk.texts)
        self.window.sent(number, reached, count, len(text), time.monotonic())
        counts.sent(count, len(text))

    def _put(self, text: str) -> None:
        if self.closed:
            return
        if self.compressing and len(text) > protocol.COMPRESS_FROM:
            packed = zlib.compress(text.encode(), 1)
            self.outbox.put(packed, len(packed))
        else:
            self.outbox.put(text, len(text))

    def parked(self, subscription: Subscription) -> None:
        """It waits for acknowledgements."""
        self._parked.add(subscription)
        if self.parked_at is None:
            self.parked_at = time.monotonic()
            counts.parked(+1)

    def unparked(self, subscription: Subscription) -> None:
        """It goes on."""
        self._parked.discard(subscription)
        if self.parked_at is not None and not self._parked:
            self.parked_at = None
            counts.parked(-1)

    def acknowledged(self) -> None:
        """Something was acknowledged, or need not be any more: whoever waited for that goes on."""
        if self.parked_at is not None:
            self.parked_at = time.monotonic()
        if self.window.is_open:
            for each in tuple(self._parked):
                each.follow()

    def granted(self, subscription: Subscription, states: frozenset[str]) -> None:
        """These states were sent whole."""
        if self.promises is not None:
            self.promises.sent(subscription, states)

    def was_reset(self, reason: ResetReason) -> None:
        """A subscription begins anew."""
        counts.reset(reason)
        self.acknowledged()

    def gone(self) -> None:
        """The space was removed, or cannot be followed."""
        self._gone()
