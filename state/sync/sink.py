"""Where the frames of a subscription go: a socket, or whoever collects them for an answer over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from state.sync.protocol import ResetReason, ServerFrame
from state.sync.selecting import Chunk
from state.sync.window import Window

if TYPE_CHECKING:
    from state.sync.subscription import Subscription


class Sink(Protocol):
    """Where the frames of a subscription go."""

    window: Window

    @property
    def is_open(self) -> bool:
        """Whether more is welcome now."""

    async def drained(self) -> None:
        """Wait until more is welcome."""

    def say(self, frame: ServerFrame) -> None:
        """Send a frame."""

    def say_delta(self, subscription: Subscription, chunk: Chunk, *, synced: bool) -> None:
        """Send a delta with these entries: `subscription.prev` and `.token(chunk.reached)` go with it."""

    def parked(self, subscription: Subscription) -> None:
        """It has something to say and the window is closed: call `follow()` when that opens."""

    def unparked(self, subscription: Subscription) -> None:
        """It goes on, or has ended."""

    def granted(self, subscription: Subscription, states: frozenset[str]) -> None:
        """These were sent whole, as far as they are there, as of `subscription.position`."""

    def was_reset(self, reason: ResetReason) -> None:
        """A subscription begins anew, and what it was sent is not waited for any more: count it."""

    def gone(self) -> None:
        """The space is no more."""

    def failed(self) -> None:
        """The subscription cannot go on, for no fault of its reader's: it may come back."""
