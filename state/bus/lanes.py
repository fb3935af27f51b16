"""Work done in order per key, on whichever thread: at most one piece of a key's work runs at a time."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable

from state.bus.base import DRAIN, PATIENCE, BusClosed, QueueFull
from state.bus.threads import fresh_connections, no_connections

logger = logging.getLogger(__name__)

Work = Callable[[], list[Exception]]


class _Job:
    """A piece of work. One that is `owned` is run by the thread that brought it, others by any thread."""

    __slots__ = ("done", "errors", "key", "owned", "queued", "work")

    def __init__(self, key: Hashable, work: Work, *, queued: bool) -> None:
        self.key = key
        self.work = work
        self.queued = queued
        self.owned = not queued
        self.done = False
        self.errors: list[Exception] = []


class Lanes:
    """One lane per key that has work, and a few threads, started when first needed, that clear them."""

    def __init__(
        self, size: int, *, here: Callable[[], bool], threads: int = 4, patience: float = PATIENCE
    ) -> None:
        """`size` bounds the queued work; `here` says whether the calling thread is inside a piece of work, and
        must not wait for others."""
        self._size = size
        self._here = here
        self._patience = patience
        self._limit = threads
        #: Guards all below; told of every change.
        self._turn = threading.Condition()
        #: Of keys with work, running work included.
        self._lanes: dict[Hashable, deque[_Job]] = {}
        self._running: set[Hashable] = set()
        #: Keys that a thread should look at; may name some twice or in vain.
        self._ready: deque[Hashable] = deque()
        self._queued = 0
        self._threads: list[threading.Thread] = []
        self._closed = False

    def check_open(self) -> None:
        """Raises BusClosed."""
        if self._closed:
            raise BusClosed

    def put(self, key: Hashable, work: Work) -> None:
        """Queue it; its errors are logged. Raises QueueFull when there is no room for a second, BusClosed."""
        with self._turn:
            self.check_open()
            room = self._turn.wait_for(
                lambda: self._closed or self._queued < self._size, self._patience
            )
            self.check_open()
            if not room:
                raise QueueFull(extra={"size": self._size})
            self._queued += 1
            self._add(_Job(key, work, queued=True))

    def run(self, key: Hashable, work: Work) -> list[Exception]:
        """Do it on this thread, behind what the key's lane has already, and return its errors.

        Where that would mean waiting too long (`EventBus.publish`), it is left to the other threads and [] returned.
        """
        with self._turn:
            self.check_open()
            job = _Job(key, work, queued=False)
            self._add(job)
            deadline = time.monotonic() + self._patience
            while not job.done:
                if self._free(key, job):
                    self._step(key)
                elif self._here():
                    self._disown(job)
                    return []
                elif (left := deadline - time.monotonic()) > 0:
                    self._turn.wait(left)
                else:
                    logger.warning("an event waits behind slow handlers", extra={"key": key})
                    self._disown(job)
                    return []
        return job.errors

    def close(self, timeout: float = DRAIN) -> None:
        """Take nothing more, finish within `timeout` seconds what there is, and log how much had to be given up."""
        with self._turn:
            self._closed = True
            self._turn.notify_all()
            if self._here():
                return  # the threads finish without it
            deadline = time.monotonic() + timeout
            if not self._turn.wait_for(lambda: not self._lanes, timeout):
                self._give_up()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    # -- all below is called with `_turn` held -------------------------------------------------------------------------

    def _add(self, job: _Job) -> None:
        self._lanes.setdefault(job.key, deque()).append(job)
        if not job.owned:
            self._announce(job.key)

    def _disown(self, job: _Job) -> None:
        job.owned = False
        self._announce(job.key)

    def _announce(self, key: Hashable) -> None:
        """There may be something for the threads to do."""
        self._ready.append(key)
        if len(self._threads) < min(self._limit, len(self._lanes)):
            thread = threading.Thread(target=self._serve, name="state-bus", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._turn.notify_all()

    def _free(self, key: Hashable, mine: _Job | None = None) -> bool:
        """Whether this thread may do what is next in the lane."""
        lane = self._lanes.get(key)
        if not lane or key in self._running:
            return False
        return lane[0] is mine or not lane[0].owned

    def _step(self, key: Hashable, prepare: Callable[[], None] | None = None) -> None:
        """Do what is next in the lane, with `_turn` let go meanwhile."""
        lane = self._lanes[key]
        job = lane.popleft()
        self._queued -= job.queued
        self._running.add(key)
        self._turn.notify_all()  # there is room
        self._turn.release()
        try:
            if prepare is not None:
                prepare()
            job.errors = job.work()
        finally:
            self._turn.acquire()
            job.done = True
            self._running.discard(key)
            if not lane:
                del self._lanes[key]
            elif not lane[0].owned:
                self._ready.append(key)
            self._turn.notify_all()
        if not job.owned:
            for error in job.errors:
                logger.error("a handler failed", exc_info=error, extra={"key": key})

    def _serve(self) -> None:
        """The life of a thread."""
        with self._turn:
            while True:
                self._turn.wait_for(lambda: self._ready or (self._closed and not self._lanes))
                if not self._ready:
                    break
                key = self._ready.popleft()
                if self._free(key):
                    try:
                        self._step(key, fresh_connections)
                    except BaseException:  # a handler that exits must not take the thread with it
                        logger.exception("a handler failed", extra={"key": key})
        no_connections()

    def _give_up(self) -> None:
        dropped = [job for lane in self._lanes.values() for job in lane]
        for lane in self._lanes.values():
            lane.clear()
        self._lanes = {key: lane for key, lane in self._lanes.items() if key in self._running}
        for job in dropped:
            job.done, job.errors = True, [BusClosed()]
        self._queued = 0
        self._turn.notify_all()
        logger.error("the event bus closed with events undelivered: %d", len(dropped))
