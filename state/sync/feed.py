"""The log of each followed space, read once per process and event loop: poked by whoever commits, and looked for every
second since a poke may be lost (shared-state 3.4). A lost poke costs latency, never data.

What a feed has shown reaches up to `head`; its policies are at least as new. Everything belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from state.errors import Unavailable
from state.fanout import Outgoing, Subscription, hub
from state.refusals import Compacted, SpaceNotFound
from state.sync.policies import Policies, PolicyChange
from state.sync.ring import Revision, Ring, revisions_of
from state.threads import in_thread
from state.values import AuditRecord, Filters, LogPage, SharedState, SpaceInfo

if TYPE_CHECKING:
    from state.sync.feeds import Feeds

logger = logging.getLogger(__name__)

#: Seconds to wait for Redis to confirm the subscription of pokes; the sweep works without.
CONFIRM: Final = 3.0
#: Entries read at once, and pages kept for readers that are behind.
PAGE: Final = 1000
PAGES: Final = 4
#: Seconds per follower between two frames, and at most: what comes meanwhile goes into one frame. A frame costs the
#: server about 90 us per socket, whatever is in it (`bench/live.py`).
PACE: Final = 0.0002
MAX_PACE: Final = 0.1
#: Seconds until a read that failed is tried again.
AGAIN: Final = 1.0
#: Seconds that the log is waited for to be read up to a place which is known to exist.
FUTURE: Final = 2.0


class EpochChanged(Exception):
    """The space has another history than the one that is followed."""


class Follower(Protocol):
    """Whoever is told of what is new; what it is told of follows what it was told before."""

    def offer(self, revisions: Sequence[Revision], changes: Sequence[PolicyChange]) -> None:
        """These revisions are new, after these changes of settings."""

    def told(self, records: Sequence[AuditRecord]) -> None:
        """These records of the audit trail are new."""

    def restart(self) -> None:
        """The feed begins anew, with another epoch or beyond a hole: compare your place with it."""

    def gone(self) -> None:
        """There is no such space any more."""

    def fail(self) -> None:
        """It raised when it was told; what it was told of is still to come."""


class _News(NamedTuple):
    """New revisions, the states whose readers changed in them, and where the space stood."""

    revisions: list[Revision]
    loaded: dict[str, SharedState]
    info: SpaceInfo
    more: bool


def space_topic(space: str) -> str:
    """The hub's topic of what changes in a space."""
    return f"space:{space}"


class Feed:
    """One space."""

    def __init__(self, feeds: Feeds, space: str) -> None:
        self.space = space
        self.head = 0
        self.epoch = ""
        self.floor = 0
        self.audit = 0
        self.ring = Ring()
        #: What was read last for those whom the ring does not reach back to.
        self._pages: deque[Ring] = deque(maxlen=PAGES)
        self.policies = Policies()
        #: (revision, seconds since 1970) of the last commits, for whoever measures how soon all have them.
        self.commits: deque[tuple[int, float]] = deque(maxlen=4096)
        #: Those who have been shown everything up to `head`.
        self.followers: set[Follower] = set()
        self.guests = 0
        self._feeds = feeds
        self.store = feeds.manager.store
        self._woken = False
        self._is_open = False
        self._reading: asyncio.Task[None] | None = None
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        #: Looks at where the space stands: the one under way, and the next.
        self._look: asyncio.Task[None] | None = None
        self._next_look: asyncio.Task[None] | None = None
        self._pokes: Subscription | None = None
        self._opening = asyncio.get_running_loop().create_task(self._open())

    async def opened(self) -> None:
        """Wait until its pokes are heard and its place is known. Raises what the store raises."""
        await asyncio.shield(self._opening)

    def leave(self) -> None:
        """A guest goes; the last one closes the feed."""
        self.guests -= 1
        if not self.guests:
            self._feeds.close(self)

    def close(self) -> None:
        """Hear nothing more; idempotent."""
        self._opening.cancel()
        for task in (self._reading, self._look, self._next_look):
            if task is not None:
                task.cancel()
        if self._pokes is not None:
            self._pokes.close()
        for _, waiter in self._waiting:
            waiter.cancel()

    def wake(self) -> None:
        """There may be something new: look, soon."""
        self._woken = True
        if self._reading is None and self._is_open and self.guests:
            self._reading = asyncio.get_running_loop().create_task(self._read_on())

    def look(self, info: SpaceInfo) -> None:
        """The space stands there: look, if that is elsewhere than was shown."""
        if (info.revision, info.audit, info.epoch) != (self.head, self.audit, self.epoch):
            self.wake()

    async def refresh(self) -> None:
        """Show everything that was committed before this call, pokes or no pokes; many callers share one read, which
        begins after all of them called. Raises what the store raises."""
        if self._next_look is None:
            self._next_look = asyncio.get_running_loop().create_task(self._look_up(self._look))
        await asyncio.shield(self._next_look)

    async def _look_up(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        # Who calls from now on may have seen what this look does not.
        self._look, self._next_look = self._next_look, None
        info = await in_thread(self.store.open_space)(self.space)
        self.look(info)
        if info.epoch == self.epoch:
            await self.reach(info.revision, timeout=FUTURE)
        elif self._reading is not None:
            await asyncio.wait([self._reading], timeout=FUTURE)

    async def reach(self, revision: int, *, timeout: float | None = None) -> bool:
        """Wait until `head` is there; whether it is, after at most `timeout` seconds."""
        if self.head >= revision:
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((revision, waiter))
        self.wake()
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._waiting = [each for each in self._waiting if each[1] is not waiter]
        return True

    async def after(self, position: int, epoch: str) -> list[Revision]:
        """Revisions after `position` of that epoch and up to `head`: the first ones, all if the ring has them; none at
        `head`. Where they end before `head`, the ring does not reach back to their end.

        Raises Compacted when some of them are gone, EpochChanged, Unavailable.
        """
        if epoch != self.epoch:
            raise EpochChanged
        if position >= self.head:
            return []
        kept = self.ring.since(position)
        for each in self._pages if kept is None else ():
            kept = kept or each.since(position) or None
        if kept is not None:
            return self._led_on(kept)
        page = await self._page(position)
        if not epoch == page.space.epoch == self.epoch:
            self.wake()
            raise EpochChanged
        found = [each for each in revisions_of(page.entries) if each.number <= self.head]
        # Readers that come back take a window at a time: the rest of the page is theirs next.
        rest = Ring()
        rest.extend(found)
        self._pages.append(rest)
        return self._led_on(found)

    def _led_on(self, found: list[Revision]) -> list[Revision]:
        """With what was shown since the page was read: it is judged by policies of `head`, and whoever may see a state
        by them only has to come to the turn of its rights at once, not after changes that were hidden."""
        return [*found, *(self.ring.since(found[-1].number) or ())] if found else found

    async def _page(self, position: int) -> LogPage:
        return await in_thread(self.store.read_log, test=False)(
            self.space, after=position, limit=PAGE
        )

    # -- opening --------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        self._pokes = hub().subscribe(
            space_topic(self.space), self._hear, loop=loop, resync=self.wake
        )
        try:
            ready = asyncio.wrap_future(self._pokes.ready)
            await asyncio.wait_for(asyncio.shield(ready), timeout=CONFIRM)
        except TimeoutError:
            logger.warning("the hub does not answer; the sweep looks after %s", self.space)
        await self._begin()
        self._is_open = True
        if self._woken:
            self.wake()

    async def _begin(self) -> None:
        """Where the space stands, and who may read what in it at that moment."""
        while True:
            info, states = await in_thread(self._survey)()
            self.ring.clear()
            self._pages.clear()
            self.policies.clear()
            self.policies.put(states)
            self.head, self.epoch = info.revision, info.epoch
            self.audit, self.floor = info.audit, info.compact_revision
            # They were read one after the other, and some after `head`: what changed meanwhile is looked up again.
            seen = max([info.revision, *(each.revision for each in states)])
            try:
                news = await self._news(seen)
            except (Compacted, EpochChanged):
                continue
            self.policies.put(news.loaded.values())
            if news.revisions:
                self.ring.extend(news.revisions)
                self.head = news.revisions[-1].number
            self._settle()
            return

    def _survey(self) -> tuple[SpaceInfo, list[SharedState]]:
        info = self.store.open_space(self.space)
        found: list[SharedState] = []
        for filters in (Filters(), Filters(deleted=True)):
            after = ""
            while True:
                page = self.store.list_states(self.space, filters, limit=PAGE, after=after)
                found += page.states
                after = page.next
                if not after:
                    break
        return info, found

    # -- following ------------------------------------------------------------------------------------------------

    def _hear(self, message: Outgoing) -> None:
        self.wake()

    async def _read_on(self) -> None:
        try:
            while self._woken:
                self._woken = False
                try:
                    await self._read()
                except (Compacted, EpochChanged):
                    await self._begin()
                    for each in tuple(self.followers):
                        each.restart()
                except SpaceNotFound:
                    for each in tuple(self.followers):
                        each.gone()
                    return
                except Unavailable as error:
                    logger.warning("the log of %s waits for the store: %s", self.space, error)
                    await asyncio.sleep(AGAIN)
                    self._woken = True
                pause = min(len(self.followers) * PACE, MAX_PACE) + self._feeds.linger
                if pause:
                    await asyncio.sleep(pause)
        except Exception:
            logger.exception("the log of %s cannot be read, the sweep tries again", self.space)
        finally:
            self._reading = None
            # Whoever woke it between the last look and now found it reading.
            if self._woken and self._is_open and self.guests:
                asyncio.get_running_loop().call_later(AGAIN, self.wake)

    async def _read(self) -> None:
        news = await self._news()
        revisions = news.revisions
        if revisions:
            self.policies.remember(revisions)
            changes = self.policies.put(news.loaded.values())
            self.ring.extend(revisions)
            self.head = revisions[-1].number
            if self.followers:
                self.commits += (
                    (each.number, each.entries[0].at.timestamp()) for each in revisions
                )
            for each in tuple(self.followers):
                try:
                    each.offer(revisions, changes)
                except Exception:
                    logger.exception("a subscription of %s failed, it begins anew", self.space)
                    each.fail()
            self._settle()
        await self._hear_audit(news.info)
        if news.more:
            self._woken = True

    async def _news(self, until: int = 0) -> _News:
        """What comes after `head`, at least up to `until`.

        The states loaded are those of the last of these revisions, never of a later one: so whoever is told of the
        revisions is told in the same moment of all that has hidden or shown some of them.
        """
        revisions, loaded = list[Revision](), dict[str, SharedState]()
        reached = self.head
        while True:
            page = await self._page(reached)
            if page.space.epoch != self.epoch or page.space.revision < reached:
                raise EpochChanged
            self.floor = page.space.compact_revision
            new = revisions_of(page.entries)
            if new and new[0].number != reached + 1:
                raise EpochChanged  # a hole: nothing of this can be a continuation
            touched = {entry.state_id for each in new for entry in each.touched}
            if touched:
                loaded |= await in_thread(self.store.load_states, test=False)(self.space, touched)
                until = max([until, *(each.revision for each in loaded.values())])
            revisions += new
            reached = new[-1].number if new else reached
            if reached >= until or not new:
                return _News(revisions, loaded, page.space, page.more)

    async def _hear_audit(self, info: SpaceInfo) -> None:
        if info.audit > self.audit:
            read = in_thread(self.store.read_audit, test=False)
            records = await read(self.space, after=self.audit, limit=PAGE)
            self.audit = max(self.audit, *(each.n for each in records))
            for each in tuple(self.followers):
                each.told(records)

    def _settle(self) -> None:
        for revision, waiter in self._waiting:
            if revision <= self.head and not waiter.done():
                waiter.set_result(None)
