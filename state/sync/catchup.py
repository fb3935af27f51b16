"""How a subscription comes from wherever it is to the head of its feed: snapshot, replay, states it may see only now.

What is read is sent only while it is welcome; when it is not, the subscription is parked and this begins again later
at its position.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final

from state.errors import Unavailable
from state.refusals import Compacted
from state.sync import snapshots
from state.sync.feed import AGAIN, FUTURE, EpochChanged
from state.sync.gating import held, is_busy
from state.sync.protocol import Reset
from state.sync.protocol.limits import PART
from state.sync.ring import Revision
from state.sync.selecting import Chunk, turn, whole
from state.threads import in_thread
from state.values import SharedState

if TYPE_CHECKING:
    from state.sync.subscription import Subscription

logger = logging.getLogger(__name__)

#: Milliseconds that snapshots are spread over while all who may read one are at it.
SPREAD_MS: Final = 500


class _Blocked(Exception):
    """There is something to say, and it is not welcome now."""


class CatchUp:
    """One way to the head."""

    def __init__(self, subscription: Subscription) -> None:
        self.sub, self.feed, self.sink = subscription, subscription.feed, subscription.sink
        self._store = subscription.feed.store

    async def run(self) -> None:
        """Ends when the subscription goes live, or is parked."""
        if not self.sub.sent:
            await self._look()
        while await self.step():
            pass
        if not self.sub.is_parked:
            self.sub.join()

    async def _look(self) -> None:
        """ "synced" is to cover all that was committed before the reader came, even if no poke has told of it yet."""
        try:
            await self.feed.refresh()
        except Unavailable as error:
            logger.warning("the log of %s waits for the store: %s", self.feed.space, error)

    async def pull(self, limit: int) -> None:
        """About `limit` entries, then a mark."""
        before = self.sub.sent
        left = limit
        while (left > 0 or self.sub.wants_snapshot) and await self.step(max(left, 1)):
            left = limit - (self.sub.sent - before)
        self.sub.unpark()
        self.sub.mark(synced=self.sub.position == self.feed.head and not self.sub.wants_snapshot)

    async def step(self, most: int | None = None) -> bool:
        """One thing on the way; False at the head, or when it was parked."""
        await self.sink.drained()
        try:
            return await self._step(most)
        except _Blocked:
            if self.sink.window.is_open:
                return True  # the socket is slow, not the reader
            self.sub.park()
            return False
        except Compacted:
            self.sub.renew("compacted")
        except EpochChanged:
            await asyncio.sleep(AGAIN / 10)
        except Unavailable as error:
            logger.warning("a subscriber of %s waits for the store: %s", self.feed.space, error)
            await asyncio.sleep(AGAIN)
        return True

    async def _step(self, most: int | None) -> bool:
        sub, feed = self.sub, self.feed
        if sub.epoch != feed.epoch:
            sub.change_epoch()
        if sub.wants_snapshot:
            await self._snapshot()
        elif sub.position > feed.head:
            if not await feed.reach(sub.position, timeout=FUTURE):
                sub.renew("future")
        elif sub.granted:
            await self._grant()
        elif sub.mode == "latest":
            return await self._latest(most)
        else:
            revisions = await feed.after(sub.position, sub.epoch)
            if not revisions:
                if sub.consistent <= feed.head:
                    return False
                await feed.reach(sub.consistent, timeout=FUTURE)
            else:
                self._serve(self._to_next_turn(revisions), most=most)
        return True

    def _to_next_turn(self, revisions: Sequence[Revision]) -> Sequence[Revision]:
        """Those up to where the reader's rights change; what follows from that is noted."""
        sub = self.sub
        found = turn(revisions, sub.reader, self.feed.policies)
        if found is None:
            return revisions
        if found.lost:
            sub.renew("filter")
            return []
        sub.granted |= found.granted
        # What they became before is of no use to whoever perhaps lacks their beginning.
        sub.withheld |= found.granted
        return [each for each in revisions if each.number <= found.revision]

    def _serve(self, revisions: Sequence[Revision], *, most: int | None = None) -> None:
        if self.sub.wants_snapshot:
            return  # it has to begin anew since
        served = not revisions or self.sub.serve(revisions, most=most)
        if not served and not self.sub.may_send:
            raise _Blocked

    async def _snapshot(self) -> None:
        sub, feed = self.sub, self.feed
        if sub.reset is not None:
            wait = random.randrange(SPREAD_MS) if is_busy(sub.gate) else 0
            self.sink.window.forget(sub.number)
            self.sink.was_reset(sub.reset)
            self.sink.say(
                Reset(sub=sub.number, reason=sub.reset, head=feed.head, retry_after_ms=wait)
            )
            sub.reset = None
            await asyncio.sleep(wait / 1000)
        reader = sub.reader
        snap = await held(sub.gate, snapshots.read, self._store, reader.caller, reader.wanted)
        # Everything that is sent is judged by policies that are at least as new.
        if snap.epoch != sub.epoch or not await feed.reach(snap.consistent, timeout=FUTURE):
            raise EpochChanged
        if sub.epoch != feed.epoch:
            raise EpochChanged
        if sub.reader is not reader:
            return  # somebody with other rights reads now: look again
        sub.wants_snapshot = False
        for gone in (sub.granted, sub.pending, sub.withheld, sub.owed):
            gone.clear()
        sub.prev = sub.position = sub.collected = snap.revision
        sub.consistent, sub.synced = snap.consistent, False
        for frame in snapshots.parts(sub.number, snap.revision, snap.states):
            await self.sink.drained()
            if sub.wants_snapshot:
                return  # it has to begin anew already
            seen = [
                each
                for each in frame.states
                if feed.policies.sees(sub.reader.caller, each.id, each.uid)
            ]
            frame.states = tuple(seen)
            self.sink.say(frame)
        self.sink.granted(sub, frozenset(each.id for each in snap.states))

    async def _load(self, ids: Collection[str]) -> dict[str, SharedState]:
        """States of the history that is followed. Raises EpochChanged."""

        def read() -> dict[str, SharedState]:
            found = self._store.load_states(self.feed.space, ids)
            if snapshots.standing(self._store, self.feed.space).epoch != self.sub.epoch:
                raise EpochChanged
            return found

        found = await in_thread(read)()
        if self.feed.epoch != self.sub.epoch:
            raise EpochChanged
        return found

    async def _grant(self) -> None:
        """Send states whole that the reader may see only now, as of a revision up to which it has all others."""
        sub, feed = self.sub, self.feed
        ids = frozenset(sub.granted)
        sub.withheld |= ids
        # What changes while this is read comes after it, and is not left out.
        head = feed.head
        found = await self._load(ids)
        until = max([head, *(each.revision for each in found.values())])
        if not await feed.reach(until, timeout=FUTURE):
            raise EpochChanged
        while sub.position < until:
            revisions = [
                each for each in await feed.after(sub.position, sub.epoch) if each.number <= until
            ]
            self._serve(self._to_next_turn(revisions))
            if sub.wants_snapshot:
                return
            await self.sink.drained()
        if sub.wants_snapshot:
            return
        sub.granted -= ids
        sub.withheld -= ids
        sub.owed -= ids
        caller = sub.reader.caller
        states = [
            found[each]
            for each in sorted(ids & found.keys())
            if not found[each].deleted and feed.policies.sees(caller, each, found[each].uid)
        ]
        if states:
            for frame in snapshots.parts(sub.number, sub.position, states):
                self.sink.say(frame)
            sub.prev, sub.synced = sub.position, False
        self.sink.granted(sub, ids)

    async def _latest(self, most: int | None) -> bool:
        """What changed since, each state once and as it is now, however much happened to it."""
        sub, feed = self.sub, self.feed
        sub.collected = max(sub.collected, sub.position)
        while sub.collected < feed.head:
            revisions = self._to_next_turn(await feed.after(sub.collected, sub.epoch))
            if sub.wants_snapshot:
                return True
            for each in revisions:
                sub.pending |= {
                    entry.state_id
                    for entry in each.entries
                    if sub.reader.picks(entry, feed.policies)
                }
                sub.collected = each.number
            # Those that it may see only now are sent whole like all the others.
            sub.pending |= sub.granted
            sub.granted.clear()
        if not sub.pending:
            sub.position = sub.collected
            if sub.consistent <= feed.head:
                return False
            await feed.reach(sub.consistent, timeout=FUTURE)
            return True
        if not sub.may_send:
            raise _Blocked
        room = min(sub.config.batch_size, sub.sink.window.room(), most or sub.config.batch_size)
        ids = sorted(sub.pending)[: max(1, room)]
        found = await self._load(ids)
        if sub.wants_snapshot:
            return True
        sub.consistent = max([sub.consistent, *(each.revision for each in found.values())])
        caller = sub.reader.caller
        texts, size = list[str](), 0
        for name in ids:
            if name in found and feed.policies.sees(caller, name, found[name].uid):
                (text,) = sub.texts([whole(found[name])])
                if texts and size + len(text) > PART:
                    break
                texts.append(text)
                size += len(text)
            sub.pending.discard(name)
        # Not before the last of them is the place reached; until then the chain stays where it is.
        reached = sub.prev if sub.pending else sub.collected
        if texts:
            chunk = Chunk(reached, [], texts)
            there = reached == feed.head and not sub.pending
            sub.send(chunk, synced=there and sub.consistent <= reached)
        if not sub.pending:
            sub.position = sub.collected
        return True
