"""What is said and heard on one connection: subscribing, acknowledging, heartbeats, posting writes.

Nothing here waits for the application: frames are applied and heartbeats answered whether it looks or not.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from msgspec import UNSET

from state.sync.client.acks import Acks
from state.sync.client.backoff import SUB_COST, Pace
from state.sync.client.connection import Connection, Lost
from state.sync.client.posting import Posting
from state.sync.client.replica import Frame
from state.sync.client.subscription import Subscription
from state.sync.protocol import (
    ClientFrame,
    ClientHb,
    ConflictFrame,
    Delta,
    ErrorFrame,
    Mark,
    Pull,
    Res,
    Reset,
    Revoked,
    ServerFrame,
    ServerHb,
    Snap,
    Sub,
    UnknownSubscription,
    Unsub,
    Welcome,
    encode,
)

logger = logging.getLogger(__name__)

#: Seconds after which what was applied is acknowledged, at the latest.
ACK_S: Final = 0.5
#: Times that it is looked in vain for room, after each ACK_S, before a subscription is left until there is some: what
#: was sent of it fills the window of all.
LOOKS: Final = 4
#: Seconds that the server may take to answer when it is asked on the same connection.
PATIENCE_S: Final = 10.0
#: Reasons of a refused token (`sync.tokens`), and of a frame that came too fast (`sync.live`).
BAD_TOKEN: Final = "bad_token"
FLOOD: Final = "flood"


class Talk:
    """See above."""

    def __init__(
        self,
        connection: Connection,
        welcome: Welcome,
        subscriptions: dict[int, Subscription],
        posting: Posting,
        changed: Callable[[], None],
    ) -> None:
        """`subscriptions` may change meanwhile; `changed()` is called when a replica did."""
        #: Where the space stood last, as the server said.
        self.head = welcome.head
        self._connection, self._subscriptions, self._posting = connection, subscriptions, posting
        self._changed = changed
        self._acks, self._pace = Acks(welcome.window), Pace()
        self._out: deque[ClientFrame] = deque()
        self._wake, self._came = asyncio.Event(), asyncio.Event()
        #: By subscription: looks in vain; and those that were left for a while.
        self._looks: Counter[int] = Counter()
        self._left: set[int] = set()

    async def run(self) -> None:
        """Until the connection is lost. Raises Lost."""
        helpers = [asyncio.create_task(self._post()), asyncio.create_task(self._acknowledge_soon())]
        try:
            for each in self._subscriptions.values():
                if not each.is_stalled:
                    self.ask(each)
            self._wake.set()
            while True:
                frame, size = await self._connection.receive()
                self._take(frame, size)
        finally:
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)

    # -- saying ---------------------------------------------------------------------------------

    def ask(self, subscription: Subscription, *, fresh: bool = True) -> None:
        """Subscribe from where the replica is; `fresh`: nothing of it can be on its way on this connection."""
        self._say(subscription.ask(fresh=fresh))
        if subscription.pulls:
            self.pull(subscription)

    def pull(self, subscription: Subscription) -> None:
        """Ask for what is new of it."""
        if not subscription.is_asked:
            self._ask_again(subscription)
            return
        self._say(Pull(sub=subscription.number, limit=subscription.pulls))

    def leave(self, subscription: Subscription) -> None:
        """End it."""
        self._acks.forget(subscription.number)
        if subscription.is_asked:
            self._say(Unsub(sub=subscription.number))

    def resume(self, subscription: Subscription) -> None:
        """There is room again for what it brings."""
        if subscription.is_asked:
            self._acks.applied(subscription.number, subscription.revision)
            self._acknowledge()
        elif subscription.has_room:
            self._ask_again(subscription)

    def _ask_again(self, subscription: Subscription) -> None:
        self.ask(subscription, fresh=subscription.number not in self._left)

    def _leave_for_now(self, subscription: Subscription) -> None:
        """So that it does not fill the window, in which others' frames come."""
        self.leave(subscription)
        subscription.is_asked = False
        self._left.add(subscription.number)

    def wake(self) -> None:
        """There may be writes to post."""
        self._wake.set()

    def _say(self, frame: ClientFrame) -> None:
        self._out.append(frame)
        self._wake.set()

    async def _post(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(Lost):  # whoever reads hears of it
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._out:
                    await self._send(self._out.popleft())
                if wait := self._posting.wait(loop.time()):
                    loop.call_later(wait, self._wake.set)
                    continue
                for write in self._posting.outbox.take(loop.time()):
                    await self._send(write)

    async def _send(self, frame: ClientFrame) -> None:
        text = encode(frame)
        more = SUB_COST if isinstance(frame, Sub) else 0.0
        if wait := self._pace.wait(asyncio.get_running_loop().time(), len(text), more):
            await asyncio.sleep(wait)
        await self._connection.send(text)

    async def _acknowledge_soon(self) -> None:
        while True:
            await self._came.wait()
            await asyncio.sleep(ACK_S)
            self._came.clear()
            for each in self._subscriptions.values():
                if each.is_asked:
                    self._look_for_room(each)
            self._acknowledge()

    def _look_for_room(self, subscription: Subscription) -> None:
        number = subscription.number
        if not subscription.is_stalled:
            self._acks.applied(number, subscription.revision)
            del self._looks[number]
            return
        self._looks[number] += 1
        self._came.set()  # look again
        if (
            self._looks[number] >= LOOKS
            and not subscription.pulls
            and subscription.replica.is_placed
        ):
            self._leave_for_now(subscription)
            del self._looks[number]

    def _acknowledge(self) -> None:
        for ack in self._acks.take():
            self._say(ack)

    # -- hearing --------------------------------------------------------------------------------

    def _take(self, frame: ServerFrame, size: int) -> None:
        match frame:
            case Snap() | Delta() | Mark() | Reset() | Revoked():
                self._feed(frame, size)
            case ServerHb():
                self.head = max(self.head, frame.head)
                places = [each.revision for each in self._subscriptions.values()]
                self._say(ClientHb(n=frame.n, applied=min(places, default=0)))
                self._look_after()
            case Res():
                self._posting.answered(frame)
                self._wake.set()
            case ErrorFrame():
                self._refused(frame)
            case ConflictFrame():
                about = self._subscriptions.get(frame.sub)
                if about is not None:
                    about.collided(frame)
            case _:
                pass  # a second welcome; bye, which the connection keeps

    def _feed(self, frame: Frame, size: int) -> None:
        subscription = self._subscriptions.get(frame.sub)
        if subscription is None or not subscription.is_asked:
            return
        self._count(frame, size)
        if isinstance(frame, Mark):
            subscription.pulls = 0
        subscription.receive(frame)
        self._changed()
        # A reset for integrity was asked for, and counted then.
        was_reset = isinstance(frame, Reset) and frame.reason != "integrity"
        if was_reset or subscription.replica.lost:
            self._anew(subscription)
        if subscription.is_stalled:
            self._acks.held(frame.sub)
        else:
            self._acks.applied(frame.sub, subscription.revision)
        if self._acks.are_urgent:
            self._acknowledge()
        self._came.set()

    def _look_after(self) -> None:
        """Whatever was asked and not answered is asked again, and what was not for want of room. Raises Lost."""
        now = asyncio.get_running_loop().time()
        for each in tuple(self._subscriptions.values()):
            if each.is_asked and each.replica.is_waiting and now - each.asked_at > PATIENCE_S:
                each.replica.give_up()
                self._anew(each)
            elif not each.is_asked and not each.is_stalled:
                # Whoever made it wait may have gone without a word.
                self._ask_again(each)

    def _count(self, frame: Frame, size: int) -> None:
        match frame:
            case Reset():
                self._acks.forget(frame.sub)
            case Delta():
                self._acks.came(frame.sub, len(frame.entries), size)
                self.head = max(self.head, frame.rev)
            case Snap() | Mark():
                # These are not in the server's window.
                self._acks.came(frame.sub, 0, 0)
                self.head = max(self.head, frame.rev)

    def _anew(self, subscription: Subscription) -> None:
        """It was reset, or cannot go on: ask again, unless that goes on and on. Raises Lost."""
        lost = subscription.replica.lost
        if lost:
            logger.warning("stars: %s in %s", lost, ", ".join(subscription.patterns))
        if subscription.resets.are_too_many(asyncio.get_running_loop().time()):
            raise Lost("sent back to the beginning again and again")
        if lost:
            if not subscription.replica.is_placed:
                # What is on its way of before, like states that were granted, would pass for the snapshot.
                raise Lost("a snapshot has to come on a connection of its own")
            self._acks.forget(subscription.number)
            self.ask(subscription, fresh=False)

    def _refused(self, frame: ErrorFrame) -> None:
        if frame.op_id is not UNSET:
            self._posting.refused(frame)
            self._wake.set()
            return
        if frame.reason == FLOOD:
            # It did not look at some frame, and does not say which.
            raise Lost("too many frames for the server")
        subscription = self._subscriptions.get(frame.sub) if frame.sub is not UNSET else None
        if subscription is None:
            logger.warning("stars: the server refused: %s (%s)", frame.message, frame.reason)
        elif frame.reason == BAD_TOKEN and subscription.replica.token:
            subscription.replica.forget_token()
            self.ask(subscription)
        elif frame.reason != UnknownSubscription.reason:
            subscription.refused(frame)
            if subscription.is_closed:
                self._subscriptions.pop(subscription.number, None)
