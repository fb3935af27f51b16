"""What is new in a space for whoever asks over HTTP: one page after a token, waited for if it is not there yet.

A page is what a subscription of mode "pull" sends, collected; so all the rules of the log are those of
`subscription`. For whoever cannot wait in an event loop there is `tasks.reading`.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from state.errors import Unavailable
from state.refusals import SpaceNotFound
from state.sync import naming, polling, tokens
from state.sync.feed import Feed
from state.sync.filters import Filter
from state.sync.metrics import counts
from state.sync.policies import PolicyChange
from state.sync.polling import Held
from state.sync.protocol import Mark, ResetReason, Revoked, ServerFrame, Snap, SnapState
from state.sync.ring import Revision
from state.sync.selecting import Chunk, Reader
from state.sync.sessions import SubNote
from state.sync.standing import Standing
from state.sync.subscription import Subscription
from state.sync.window import Window
from state.threads import in_thread
from state.values import AuditRecord

if TYPE_CHECKING:
    from state.sync.pool import Pool

#: In the place of a token: only what comes from now on.
NOW: Final = "now"
#: Entries of one page, and characters after which it ends.
MAX_LIMIT: Final = 1000
PAGE_BYTES: Final = 4 * 1024 * 1024
#: Seconds that somebody may wait for something new.
MAX_WAIT: Final = 45.0  # less than what a silent connection is given up after
#: Seconds in which a page must be there when nothing is waited for.
LATE: Final = 15.0
#: Seconds that a space is still followed for whoever asks again.
LINGER: Final = 30.0
_ENDLESS: Final = Window(sys.maxsize, sys.maxsize)


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """One page.

    With `snapshot`, `states` are all there are, and replace what was known; else they were granted meanwhile, and are
    taken over like those of a snapshot, before `entries`. With `reset` there is nothing else: the token cannot be
    continued, and one begins anew without it.
    """

    #: To go on from.
    token: str = ""
    states: tuple[SnapState, ...] = ()
    snapshot: bool = False
    #: Whole revisions; each entry is a `WireEntry` as JSON.
    entries: tuple[str, ...] = ()
    #: States that may be read no more.
    revoked: tuple[str, ...] = ()
    #: States that were named, and are not there for this reader now.
    missing: tuple[str, ...] = ()
    #: Whether there is more than this already.
    more: bool = False
    reset: ResetReason | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it brings nothing but a token."""
        return not (self.snapshot or self.states or self.entries or self.revoked or self.reset)


class _Renewed(Exception):
    """The subscription wants to begin anew."""

    def __init__(self, reason: ResetReason) -> None:
        super().__init__(reason)
        self.reason: ResetReason = reason


class _Page:
    """Collects what a subscription sends (`subscription.Sink`)."""

    is_open = True

    def __init__(self, limit: int) -> None:
        self.window = Window(limit, PAGE_BYTES)
        self.states: dict[str, SnapState] = {}
        self.entries: list[str] = []
        self.revoked: list[str] = []
        self._mark: Mark | None = None

    def read(self, missing: tuple[str, ...], *, snapshot: bool) -> Changes:
        """What was collected."""
        assert self._mark is not None  # it ends every pull
        return Changes(
            token=self._mark.token,
            states=tuple(self.states.values()),
            snapshot=snapshot,
            entries=tuple(self.entries),
            revoked=tuple(self.revoked),
            missing=missing,
            more=not self._mark.synced,
        )

    @property
    def is_empty(self) -> bool:
        return not (self.states or self.entries or self.revoked)

    async def drained(self) -> None:
        """It takes everything at once."""

    def say(self, frame: ServerFrame) -> None:
        match frame:
            case Snap():
                self.states |= {each.id: each for each in frame.states}
            case Mark():
                self._mark = frame
            case Revoked():
                self.revoked += frame.states

    def say_delta(self, subscription: Subscription, chunk: Chunk, *, synced: bool) -> None:
        size = chunk.size
        self.entries += chunk.texts
        if self.window is not _ENDLESS:
            self.window.sent(subscription.number, chunk.reached, len(chunk.texts), size, 0.0)
        counts.sent(len(chunk.texts), size)

    def parked(self, subscription: Subscription) -> None:
        """The page is full."""

    def unparked(self, subscription: Subscription) -> None:
        """It was asked for the next one, which is another page's business."""

    def granted(self, subscription: Subscription, states: frozenset[str]) -> None:
        """They are among the states."""

    def was_reset(self, reason: ResetReason) -> None:
        counts.reset(reason)
        raise _Renewed(reason)

    def gone(self) -> None:
        """Only those hear it who follow by themselves."""

    def failed(self) -> None:
        """Whoever pulls is told by an exception."""


class _Bell:
    """Rings when a space moves (`feed.Follower`)."""

    def __init__(self, news: asyncio.Event) -> None:
        self._news = news
        self.is_gone = False

    def offer(self, revisions: Sequence[Revision], changes: Sequence[PolicyChange]) -> None:
        self._news.set()

    def told(self, records: Sequence[AuditRecord]) -> None:
        """Conflicts are no changes."""

    def restart(self) -> None:
        self._news.set()

    def gone(self) -> None:
        self.is_gone = True
        self._news.set()

    def fail(self) -> None:
        """It does nothing that could."""


async def changes(
    standing: Standing,
    wanted: Filter,
    token: str | None,
    *,
    limit: int,
    wait: float = 0.0,
    mode: str = "all",
    poll: Held | None = None,
) -> Changes:
    """What is new after the token, about `limit` entries (whole revisions; in mode "latest" every state that changed);
    everything that was committed before this was called is seen. When there is nothing, it is waited for, up to
    `wait` seconds, holding no thread meanwhile.

    Without a token a snapshot, with NOW nothing but a token. Who reads is looked up again while this waits. `poll`: the
    connection that is held by asking. Raises BadToken, NotSignedIn, as `Directory.caller`, ConnectionNotFound,
    Unavailable.
    """
    place = tokens.decode(token) if token not in (None, NOW) else None
    until = time.monotonic() + wait
    feed = await standing.pool.feeds.enter(standing.space)
    bell = _Bell(standing.news)
    feed.followers.add(bell)
    page = _Page(limit)
    sub = _subscription(feed, page, Reader(standing.caller, wanted), standing.pool, mode)
    try:
        async with asyncio.timeout(wait + LATE):
            await feed.refresh()
            if place is not None:
                sub.resume(place)
            elif token is None:
                sub.begin()
            if poll is not None:
                note = SubNote(sub.number, wanted.patterns, mode, sub.acked, sub.token())
                await in_thread(polling.heard)(standing.pool.sessions, poll, note)
            if token == NOW:
                now = sub.token(feed.head)
                return Changes(token=now, missing=await naming.missing(feed, sub.reader, sub.gate))
            await _fill(sub, page, limit)
            while place and page.is_empty and (left := until - time.monotonic()) > 0:
                await standing.wait(left)
                if bell.is_gone:
                    raise SpaceNotFound
                if standing.is_due and await standing.review():
                    sub.reread(standing.caller)
                await _fill(sub, page, limit)
            missing = await naming.missing(feed, sub.reader, sub.gate)
    except _Renewed as renewed:
        return Changes(reset=renewed.reason)
    except TimeoutError:
        raise Unavailable from None
    finally:
        sub.close()
        feed.followers.discard(bell)
        asyncio.get_running_loop().call_later(LINGER, feed.leave)
    return page.read(missing, snapshot=token is None)


def _subscription(feed: Feed, page: _Page, reader: Reader, pool: Pool, mode: str) -> Subscription:
    sub = Subscription(1, feed, page, reader, mode=mode, config=pool.config, gate=pool.gate)
    sub.pulled = True
    return sub


async def _fill(sub: Subscription, page: _Page, limit: int) -> None:
    """Pull until the page is full or there is no more.

    The token remembers nothing but a revision: what is due up to there must be on this page, full or not.
    """
    await sub.pull(limit)
    page.window = _ENDLESS
    while sub.pending:
        await sub.pull(limit)
    while sub.owes and (sub.granted or sub.position < sub.feed.head):
        await sub.pull(1)
    page.window = Window(limit, PAGE_BYTES)
