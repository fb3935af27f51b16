"""All sockets of `stars.sync.v1` of one event loop: their feeds, their clock, their sessions' rows, and what other
processes ask of them."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import secrets
import socket
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol

from state.fanout import Outgoing, Subscription, hub
from state.manager import StateManager
from state.policy import Caller
from state.sync import control, protocol, writing
from state.sync.feeds import Feeds
from state.sync.gating import Gate
from state.sync.live import Live
from state.sync.metrics import counts
from state.sync.sessions import Opened, Sessions, now_utc
from state.threads import in_thread
from state.values import SyncConfig

logger = logging.getLogger(__name__)

#: Seconds between looks at all sockets, and between writes of what changed into the sessions' rows.
TICK: Final = 1.0
FLUSH: Final = 2.0
#: Snapshots read at once (shared-state 2.4).
SNAPSHOTS: Final = 4
#: Seconds in which the hub begins to tell.
READY: Final = 1.0
#: Looks at rights at once.
REVIEWS: Final = 4
#: Writes under way at once: they share commits (`state.manager.lane`).
WRITERS: Final = 16
#: Milliseconds over which clients of a process that ends come back.
SPREAD_MS: Final = 5000
#: Seconds in which they have to be gone.
DRAIN: Final = 3.0


class Identity(Protocol):
    """Somebody signed in, and what proves it."""

    @property
    def user(self) -> Any:
        """Has a `pk`."""

    @property
    def expires_at(self) -> datetime | None:
        """When the proof ends, if that is known."""

    async def renewed(self) -> Identity | None:
        """The same, read again; None when it has ended."""


class Directory(Protocol):
    """What the pool asks of whoever knows people and spaces (`state.conf.Directory`)."""

    def caller(self, user: Any, space: str, *, agent: str = "") -> Caller:
        """Who the user is in the space."""

    async def identify(
        self, headers: Iterable[tuple[bytes, bytes]], session_key: str | None
    ) -> Identity | None:
        """Who sent these headers."""

    def topics(self, space: str) -> tuple[str, ...]:
        """Topics of the hub that tell when somebody's rights in the space may have changed."""

    def concerns_rights(self, payload: bytes) -> bool:
        """Whether a message of such a topic does."""


class _Watch:
    """Listens for changes of rights in one space, for all its sockets."""

    def __init__(self, pool: Pool, space: str) -> None:
        self.lives: set[Live] = set()
        #: Those that have no session yet.
        self.greeting: set[Live] = set()
        #: The least revision that all of them have acknowledged, how many stand there, and when that was counted.
        self.least = self._there = 0
        self._counted_at = 0.0
        self._pool = pool
        loop = asyncio.get_running_loop()
        self._heard: list[Subscription] = [
            hub().subscribe(topic, self._hear, loop=loop, resync=self.review)
            for topic in pool.directory.topics(space)
        ]

    def came_on(self, live: Live, was_at: int) -> bool:
        """Whether with this one, which stood at `was_at`, all have."""
        if was_at > self.least:
            return False  # others hold it up
        self._there -= live.acked > self.least
        if self._there > 0:
            return False
        self._count()
        return True

    def moved_without(self) -> bool:
        """Whether all have come on since it was counted last, because others are no longer waited for. Looks at all
        of them once a second at most."""
        before = self.least
        if time.monotonic() - self._counted_at >= TICK:
            self._count()
        return self.least > before

    def _count(self) -> None:
        # Whoever follows nothing, or does not keep up and is parked, is not waited for.
        places = [each.acked for each in self.lives if each.subs and not each.is_parked]
        self.least = min(places, default=0)
        self._there = places.count(self.least)
        self._counted_at = time.monotonic()

    def _hear(self, message: Outgoing) -> None:
        if self._pool.directory.concerns_rights(message.payload):
            self.review()

    def review(self) -> None:
        for live in (*self.greeting, *self.lives):
            self._pool.spawn_review(live)

    async def ready(self) -> None:
        """Every later change is heard, or after a while: what was missed is made up for by `resync`."""
        waiting = [asyncio.wrap_future(each.ready) for each in self._heard if not each.ready.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=READY)

    def leave(self, live: Live) -> None:
        self.greeting.discard(live)
        self.lives.discard(live)

    @property
    def is_idle(self) -> bool:
        return not (self.lives or self.greeting)

    def close(self) -> None:
        for each in self._heard:
            each.close()


class Pool:
    """See above."""

    def __init__(
        self,
        manager: StateManager,
        config: SyncConfig,
        directory: Directory,
        *,
        hb_s: float = protocol.HB_S,
        parked_s: float = protocol.PARKED_S,
        flush: float = FLUSH,
    ) -> None:
        """For the running loop."""
        self.manager, self.config, self.directory = manager, config, directory
        self.sessions = Sessions(manager.bus.publish_async, parting=self._parting)
        self.feeds = Feeds(manager, config)
        self.gate = Gate(SNAPSHOTS)
        self.reviewing = asyncio.Semaphore(REVIEWS)
        self.hb_s, self.parked_s = hb_s, parked_s
        self.process = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._flush_every = flush
        #: No socket is welcome any more.
        self._draining = False
        self._lives: dict[str, Live] = {}
        self._greeting: set[Live] = set()
        self._watches: dict[str, _Watch] = {}
        self._executor = ThreadPoolExecutor(WRITERS, thread_name_prefix="state-sync")
        self._apply = in_thread(writing.apply, self._executor)
        self._running: list[asyncio.Task[None]] = []
        self._control: Subscription | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # -- sockets come and go --------------------------------------------------------------------------------------

    def greet(self, live: Live) -> None:
        """A socket that has not said hello."""
        self._start()
        self._greeting.add(live)
        if self._draining:
            self._dismiss(live)

    async def attend(self, live: Live) -> None:
        """Once this has returned, it hears of changes of rights in its space (as soon as the hub is there)."""
        watch = self._watch(live.space)
        watch.greeting.add(live)
        await watch.ready()

    def _watch(self, space: str) -> _Watch:
        watch = self._watches.get(space)
        if watch is None:
            watch = self._watches[space] = _Watch(self, space)
        return watch

    def enter(self, live: Live) -> None:
        """It has a session now; another socket that had it before is told to go."""
        assert live.opened is not None
        before = self._lives.get(live.opened.id)
        if before is not None and before is not live and before.opened is not None:
            if before.opened.generation > live.opened.generation:
                live.bye(protocol.SUPERSEDED, "resumed")
                return
            before.bye(protocol.SUPERSEDED, "resumed")
        self._greeting.discard(live)
        self._lives[live.opened.id] = live
        watch = self._watch(live.space)
        watch.greeting.discard(live)
        watch.lives.add(live)
        counts.connected(+1)

    def leave(self, live: Live) -> None:
        """It has gone."""
        self._greeting.discard(live)
        watch = self._watches.get(live.space)
        if watch is None:
            return
        had_session = live in watch.lives
        watch.leave(live)
        if watch.is_idle:
            watch.close()
            del self._watches[live.space]
        if not had_session:
            return
        counts.connected(-1)
        assert live.opened is not None
        if self._lives.get(live.opened.id) is live:
            del self._lives[live.opened.id]
        if not self._draining:
            self._spawn(self._part(live, live.opened))

    def _parting(self, session: str) -> None:
        from state.sync.tasks import deferred

        deferred.settle(self.manager.store, now_utc(), session=session)

    async def _part(self, live: Live, opened: Opened) -> None:
        try:
            if live.last_note is not None:
                await in_thread(self.sessions.note)([live.last_note])
            await in_thread(self.sessions.leave)(
                opened.id, opened.generation, ended=live.ended, error=live.error
            )
        except Exception:
            logger.exception("a session cannot be left, the sweep will notice its silence")

    async def drain(self, seconds: float = DRAIN) -> None:
        """The process ends: say bye to all, with where to go on, and keep how far they have come.

        Returns when all sockets are closed and all rows are written, or after so many seconds.
        """
        self._draining = True
        lives = list(self._lives.values())
        for live in [*self._greeting, *lives]:
            self._dismiss(live)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._part_all(lives)
                while self._lives or self._greeting or self._tasks:
                    await asyncio.sleep(0.01)

    async def _part_all(self, lives: Sequence[Live]) -> None:
        """Together, as far as they are not parted already."""
        notes = [live.last_note for live in lives if live.last_note is not None]
        try:
            await in_thread(self.sessions.note)(notes)
            await in_thread(self.sessions.leave_all)(self.process)
        except Exception:
            logger.exception("the sessions of this process are not kept as they stand")

    def _dismiss(self, live: Live) -> None:
        live.bye(protocol.RESTART, "restart", retry_after_ms=random.randrange(SPREAD_MS))

    # -- what sockets ask -----------------------------------------------------------------------------------------

    async def identify(self, token: str) -> Identity | None:
        """Who has this API token."""
        header = b"Token " + token.encode("utf-8", "replace")
        return await self.directory.identify([(b"authorization", header)], None)

    async def write(self, caller: Caller, user: Any, frame: protocol.Write) -> protocol.Res:
        """Carry out a write of a socket."""
        return await self._apply(self.manager, self.config, caller, user, frame)

    async def task_acked(self, task: str, agent: str, revision: int) -> None:
        """A target of a sync task has acknowledged."""
        from state.sync import tasks

        await in_thread(tasks.acked)(task, agent, revision)

    def acknowledged(self, live: Live, was_at: int) -> None:
        """Count how soon after their commit all sockets of the space have acknowledged changes. This one has just come
        on from the revision `was_at`."""
        watch, feed = self._watches.get(live.space), live.feed
        if watch is None or feed is None or not feed.commits:
            return
        told = watch.came_on(live, was_at)
        if not told and not watch.moved_without():
            return
        now = time.time()
        while feed.commits and feed.commits[0][0] <= watch.least:
            at = feed.commits.popleft()[1]
            if told:  # else nobody knows when the last one had it
                counts.converged(max(0.0, now - at))

    # -- time goes by ---------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if not self._running:
            loop = asyncio.get_running_loop()
            self._control = hub().subscribe(control.TOPIC, self._hear, loop=loop)
            self._running = [loop.create_task(self._tick()), loop.create_task(self._flush())]

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(min(TICK, self.hb_s / 4))
            now = time.monotonic()
            for live in [*self._greeting, *self._lives.values()]:
                try:
                    live.tick(now)
                except Exception:  # its fault alone
                    logger.exception("the clock of a socket stands still")

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(self._flush_every)
            noted = [
                (live, note)
                for live in self._lives.values()
                if live.dirty and (note := live.note()) is not None
            ]
            if not noted:
                continue
            try:
                lost = await in_thread(self.sessions.note)([note for _, note in noted])
            except Exception:
                logger.exception("sessions cannot be kept, trying again")
                for live, note in noted:
                    live.unnoted(note)
                continue
            # Not whoever has the session by now: it was another's note.
            for live, note in noted:
                if note.session in lost:
                    live.bye(protocol.SUPERSEDED, "ended")

    # -- other processes speak ------------------------------------------------------------------------------------

    def _hear(self, message: Outgoing) -> None:
        said = control.read(message.payload)
        match said:
            case control.End(session=session) if session in self._lives:
                live = self._lives[session]
                if live.opened is not None and live.opened.generation <= said.generation:
                    live.bye(said.code, said.reason)
            case control.Deliver(session=session) if session in self._lives:
                self._lives[session].deliver(
                    said.task,
                    said.agent,
                    said.state,
                    full=said.kind == "full",
                    revision=said.revision,
                )
            case control.Review(space=space) if space in self._watches:
                self._watches[space].review()

    def spawn_review(self, live: Live) -> None:
        """Have a socket's rights read again, unless that is to come anyway."""
        if not live.rights.is_awaited:
            self._spawn(live.review())

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Stop the clock; for tests, and for loops that end."""
        for task in self._running:
            task.cancel()
        self._running = []
        if self._control is not None:
            self._control.close()
        self._executor.shutdown(wait=False)
        self.gate.executor.shutdown(wait=False)
