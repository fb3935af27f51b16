"""A worker process's engine: slots, leases and the event loop on which its agents work."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from groups import live, queue
from groups.agents import registry
from groups.agents.tools.mcp import all_closed
from groups.engine.attempt import Reporter, attempt
from groups.engine.scribe import Scribe
from groups.engine.writer import Writer
from groups.events import Event
from groups.models import ProcessKind
from groups.services import processes, subtasks
from groups.services.subtasks import Batch, Claiming, End, Released, Report, Step, Work
from state import fanout

logger = logging.getLogger(__name__)

#: Seconds between two looks at the leases; a cancelled run's agents stop within it even if no word came.
BEAT: Final = 0.5
#: Slots that a run which wants some is taken to fill.
RUN_SHARE: Final = 8


@dataclass
class Held:
    """An attempt under way in this process."""

    work: Work
    task: asyncio.Task[End]
    #: Set when the lease is gone: whatever the agent still says is for nobody.
    lost: bool = False


class Engine:
    """Claims ready subtasks up to its free slots and carries them out concurrently."""

    def __init__(self) -> None:
        self.owner = owner_name()
        self._lease = timedelta(seconds=settings.STARS_LEASE_SECONDS)
        self._extended_at = 0.0
        self._slots = int(settings.STARS_WORKER_SLOTS)
        self._started_at = datetime.now(UTC)
        self._told_at = 0.0
        #: When this process last swept.
        self.swept_at: datetime | None = None
        self._free = self._slots
        self._slots_lock = threading.Lock()
        self._held: dict[uuid.UUID, Held] = {}
        #: Runs with more ready work than slots here, longest waiting first.
        self._hungry: dict[uuid.UUID, None] = {}
        self._feeding = False
        self._rung: set[uuid.UUID] = set()
        self._stopping = False
        registry.configure(threads=settings.STARS_WORKER_THREADS)
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._live, name="stars-engine", daemon=True)
        claiming = Claiming(self.owner, self._lease, self._take_slots, self._give_back)
        self._writer = Writer(self, claiming)
        self._scribe = Scribe()
        self._ears: fanout.Subscription | None = None

    def start(self) -> None:
        """Start the loop and the writer."""
        self._thread.start()
        self._writer.start()
        self._scribe.start()
        self._ears = fanout.hub().subscribe(live.CONTROL, self._heard)

    def drive(self, run_ids: Iterable[uuid.UUID]) -> None:
        """Claim what is ready in these runs, as far as there are slots. Returns at once; thread-safe."""
        if not self._stopping:
            for run_id in run_ids:
                self._writer.submit(Step(run_id, claim=True))

    def shutdown(self, grace: float) -> None:
        """Claim no more, give running agents `grace` seconds, release what is left and ring for other workers."""
        self._stopping = True
        if self._ears is not None:
            self._ears.close()
        until = time.monotonic() + grace
        while self._held and time.monotonic() < until:
            time.sleep(0.02)
        runs = {held.work.run_id for held in list(self._held.values())}
        done = threading.Event()
        self._loop.call_soon_threadsafe(self._release_all, done)
        done.wait(2.0)
        self._writer.call(partial(processes.gone, kind=ProcessKind.WORKER, name=self.owner))
        self._writer.stop()
        self._writer.join(10.0)
        self._scribe.stop()
        self._scribe.join(5.0)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(2.0)
        queue.ring(runs | self._hungry.keys())
        queue.settle()

    # --- called by the writer, on its thread --------------------------------------------------

    def launch(self, works: list[Work]) -> threading.Event:
        """See `writer.Agents`."""
        settled = threading.Event()
        self._loop.call_soon_threadsafe(self._launch, works, settled)
        return settled

    def abandon(self, works: list[Work]) -> None:
        """See `writer.Agents`."""
        self._loop.call_soon_threadsafe(self._lose, {work.token for work in works})

    def settled(self, batch: Batch) -> None:
        """See `writer.Agents`."""
        self._scribe.tell(batch.told)
        self._loop.call_soon_threadsafe(self._look_around, batch.hungry, batch.opened, batch.due())

    def _take_slots(self, wanted: int) -> int:
        with self._slots_lock:
            granted = 0 if self._stopping else min(wanted, self._free)
            self._free -= granted
            return granted

    def _give_back(self, slots: int) -> None:
        with self._slots_lock:
            self._free += slots

    # --- on the loop --------------------------------------------------------------------------

    def _live(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._beat()
        self._loop.run_forever()
        self._loop.run_until_complete(all_closed())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _launch(self, works: list[Work], settled: threading.Event) -> None:
        for work in works:
            reporter = Reporter(partial(self._say, work))
            task = self._loop.create_task(attempt(work, reporter))
            self._held[work.token] = Held(work, task)
            # A callback, for a task that is cancelled before its first step never runs a line of its own.
            task.add_done_callback(partial(self._ended, work, reporter))
        # The tasks take their first step in the next round of the loop, their ends are taken in the one after;
        # this comes right behind them.
        self._loop.call_soon(self._loop.call_soon, settled.set)

    def _say(self, work: Work, events: list[Event]) -> None:
        report = Report(work.subtask_id, work.token, events, None)
        self._writer.submit(Step(work.run_id, [report]))

    def _ended(self, work: Work, reporter: Reporter, task: asyncio.Task[End]) -> None:
        end = Released() if task.cancelled() else task.result()
        held = self._held.pop(work.token, None)
        self._give_back(1)
        said = reporter.rest()
        if held is not None and held.lost and isinstance(end, Released):
            return  # somebody else ended it; there is nothing to release
        report = Report(work.subtask_id, work.token, said, end)
        self._writer.submit(Step(work.run_id, [report], claim=not self._stopping))
        self._feed_soon()

    def _look_around(
        self,
        hungry: set[uuid.UUID],
        opened: set[uuid.UUID],
        due: dict[uuid.UUID, datetime],
    ) -> None:
        """After a commit: remember runs with more work than slots, and when back-offs end."""
        for run_id in opened - hungry:
            self._hungry.pop(run_id, None)
            self._rung.discard(run_id)
        self._hungry |= dict.fromkeys(hungry)
        # Other workers may have slots: ring once for a run that has more than fits here.
        if news := hungry - self._rung:
            self._rung |= news
            self._writer.call(partial(queue.ring, news))
        for run_id, at in due.items():
            delay = max(0.0, (at - datetime.now(UTC)).total_seconds()) + 0.01
            self._loop.call_later(delay, self.drive, [run_id])

    def _feed_soon(self) -> None:
        """Slots are free again: once those that end together have ended, look at the runs that wanted some."""
        if self._hungry and not self._feeding:
            self._feeding = True
            self._loop.call_soon(self._feed)

    def _feed(self) -> None:
        """Drive as many hungry runs as may fill the free slots, not all: each has to be loaded."""
        self._feeding = False
        if self._stopping:
            return  # `shutdown` rings for them
        runs = list(self._hungry)[: -(-self._free // RUN_SHARE)]
        for run_id in runs:
            del self._hungry[run_id]
        self.drive(runs)

    def _beat(self) -> None:
        self._loop.call_later(BEAT, self._beat)
        if self._held:
            self._check_leases()
        if not self._stopping and time.monotonic() - self._told_at > processes.EVERY:
            self._told_at = time.monotonic()
            self._writer.call(self._tell)
        self._feed_soon()

    def _tell(self) -> None:
        """On the writer's thread: this worker lives, and so many slots are free."""
        processes.heard(
            kind=ProcessKind.WORKER,
            name=self.owner,
            started_at=self._started_at,
            slots=self._slots,
            free=max(0, self._free),
            swept_at=self.swept_at,
        )

    def _check_leases(self) -> None:
        tokens = list(self._held)
        self._writer.call(partial(self._keep_leases, tokens))

    def _keep_leases(self, tokens: list[uuid.UUID]) -> None:
        """On the writer's thread: find the leases that are gone, extend the others when a third of their time is."""
        holding = subtasks.held_leases(tokens)
        if gone := set(tokens) - holding:
            self._loop.call_soon_threadsafe(self._lose, gone)
        now = time.monotonic()
        if holding and now - self._extended_at > self._lease.total_seconds() / 3:
            with transaction.atomic():
                until = datetime.now(UTC) + self._lease
                extended = subtasks.extend_leases(list(holding), until)
            if extended == len(holding):
                self._extended_at = now

    def _lose(self, tokens: set[uuid.UUID]) -> None:
        for token in tokens:
            if held := self._held.get(token):
                held.lost = True
                held.task.cancel()

    def _release_all(self, done: threading.Event) -> None:
        tasks = [held.task for held in self._held.values()]
        for task in tasks:
            task.cancel()
        waiting = asyncio.gather(*tasks, return_exceptions=True)
        waiting.add_done_callback(lambda _: done.set())

    def _heard(self, message: fanout.Outgoing) -> None:
        """Somebody changed a run (any thread): look at the leases held for it at once."""
        self._loop.call_soon_threadsafe(self._look_at, message.payload.decode())

    def _look_at(self, run_id: str) -> None:
        if any(str(held.work.run_id) == run_id for held in self._held.values()):
            self._check_leases()


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not made for this platform
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def owner_name() -> str:
    """This process, named so that others on the machine can tell when it is dead: host/pid-namespace/pid."""
    try:
        namespace = str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:  # not Linux
        namespace = "-"
    return f"{socket.gethostname()}/{namespace}/{os.getpid()}"


_engine: Engine | None = None
_engine_pid = 0
_lock = threading.Lock()


def get() -> Engine:
    """This process's engine, started on first use (so in a pool's child, not in its parent)."""
    global _engine, _engine_pid
    with _lock:
        if _engine is None or _engine_pid != os.getpid():
            _engine, _engine_pid = Engine(), os.getpid()
            _engine.start()
        return _engine


def swept() -> None:
    """This process has just swept; its engine, if it has one, tells of it."""
    engine = _engine
    if engine is not None and _engine_pid == os.getpid():
        engine.swept_at = datetime.now(UTC)


def shutdown(grace: float) -> None:
    """Stop this process's engine, if it has one; see `Engine.shutdown`."""
    global _engine
    with _lock:
        engine, _engine = _engine, None
    if engine is not None and _engine_pid == os.getpid():
        engine.shutdown(grace)
