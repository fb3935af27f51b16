"""What one socket is sent: frames into its outbox, counted into its window; and whether it keeps up."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

from state.fanout.outbox import Outbox
from state.sync import protocol
from state.sync.metrics import counts
from state.sync.promises import Promises
from state.sync.protocol import ResetReason, ServerFrame
from state.sync.selecting import Chunk
from state.sync.subscription import Subscription
from state.sync.window import Window

#: Characters that wait for a client, beyond which it is given up.
HARD: Final = 8 * 1024 * 1024
_SYNCED: Final = '"synced":true,'


class Outlet:
    """The sink of all subscriptions of a socket (`subscription.Sink`)."""

    def __init__(self, outbox: Outbox, entries: int, end: Callable[[int, str], None]) -> None:
        """At most `entries` entries go unacknowledged. `end(code, reason)` closes the socket."""
        self.outbox = outbox
        self.window = Window(entries, protocol.WINDOW_BYTES)
        self.compressing = False
        #: Nothing more is said.
        self.closed = False
        #: Since when (monotonic seconds) it has not acknowledged although something waits; None: it keeps up.
        self.parked_at: float | None = None
        self.promises: Promises | None = None
        #: In the order in which they were parked.
        self._parked: dict[Subscription, None] = {}
        #: When each was sent changes last, counted.
        self._served: WeakKeyDictionary[Subscription, int] = WeakKeyDictionary()
        self._count = 0
        self._end = end
        self._overflows = False

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
        self._count += 1
        self._served[subscription] = self._count
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
        if self.outbox.size > HARD and not self._overflows:
            self._overflows = True  # before the last words, which are put, too
            self._end(protocol.SLOW, "slow")

    def parked(self, subscription: Subscription) -> None:
        """It waits for acknowledgements."""
        self._parked[subscription] = None
        if self.parked_at is None:
            self.parked_at = time.monotonic()
            counts.parked(+1)

    def unparked(self, subscription: Subscription) -> None:
        """It goes on."""
        self._parked.pop(subscription, None)
        if self.parked_at is not None and not self._parked:
            self.parked_at = None
            counts.parked(-1)

    def acknowledged(self) -> None:
        """Something that filled the window was acknowledged, or need not be any more: whoever waited for that goes
        on, first those who have not been sent anything for longest."""
        if self.parked_at is not None:
            self.parked_at = time.monotonic()
        if self.window.is_open:
            for each in sorted(self._parked, key=lambda each: self._served.get(each, 0)):
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
        """The space was removed."""
        self._end(protocol.DENIED, "space_not_found")

    def failed(self) -> None:
        """A subscription cannot go on, for no fault of its client's."""
        self._end(protocol.AWAY, "unavailable")
