"""Durable handlers: repeated calls, dead letters, and the thread that leads one along the logs of all spaces."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

import msgspec

from state.bus.handles import Handle
from state.bus.isolation import pack, unpack
from state.bus.letters import Cursor, CursorStore, DeadLetter, dead_letter
from state.bus.reading import behind, head_of, read
from state.bus.threads import fresh_connections, no_connections
from state.persistence.base import PersistenceLayer
from state.values import SpaceInfo, StateEvent

logger = logging.getLogger(__name__)


class Retry(msgspec.Struct, frozen=True, kw_only=True):
    """How often a failing call is repeated, and after what pauses (seconds, each twice the one before)."""

    retries: int = 5
    delay: float = 0.5
    cap: float = 30.0

    def pauses(self) -> list[float]:
        """The pause before each repetition."""
        return [min(self.cap, self.delay * 2**n) for n in range(self.retries)]


class Delivery:
    """Calls one durable handler until it takes an event or its tries are spent."""

    def __init__(
        self,
        handle: Handle,
        name: str,
        cursors: CursorStore,
        *,
        retry: Retry,
        sleep: Callable[[float], object],
        stopped: threading.Event,
        bury_when_stopped: bool = False,
    ) -> None:
        """`bury_when_stopped`: nothing else keeps the event, so a stop in the midst of its tries makes it a dead
        letter too."""
        self.handle = handle
        self.name = name
        self.stopped = stopped
        self._cursors = cursors
        self._retry = retry
        self._sleep = sleep
        self._bury_when_stopped = bury_when_stopped
        #: One call at a time, whoever makes it; a handler may redeliver within its own.
        self._turn = threading.RLock()

    def deliver(self, event: StateEvent) -> bool:
        """True: the event has been dealt with. False: stopped or unsubscribed before that."""
        packed = pack(event)
        pauses = iter(self._retry.pauses())
        attempts = 0
        while True:
            attempts += 1
            try:
                return self._call(unpack(packed))
            except Exception as error:
                pause = next(pauses, None)
                if pause is None or (self.stopped.is_set() and self._bury_when_stopped):
                    self._cursors.bury(dead_letter(self.name, unpack(packed), error, attempts))
                    logger.error(
                        "a durable handler failed for good",
                        exc_info=error,
                        extra={"handler": self.name, "event": event.id},
                    )
                    return True
                logger.warning(
                    "a durable handler failed; it is called again in %g s: %s",
                    pause,
                    error,
                    extra={"handler": self.name, "event": event.id},
                )
            self._sleep(pause)
            if self.stopped.is_set() and not self._bury_when_stopped:
                return False

    def again(self, letter: DeadLetter) -> list[Exception]:
        """One more call for a dead letter: [] when it succeeded, and the letter is gone; else what was raised."""
        try:
            if self._call(unpack(pack(letter.event))):
                self._cursors.drop(letter.id)
        except Exception as error:
            worse = dead_letter(letter.name, letter.event, error, letter.attempts + 1)
            self._cursors.bury(msgspec.structs.replace(worse, id=letter.id, at=letter.at))
            return [error]
        return []

    def _call(self, event: StateEvent) -> bool:
        with self._turn:
            return self.handle.call(event)


class Runner:
    """Leads a durable handler along the logs of all spaces, on a thread of its own, from where its cursors are."""

    def __init__(self, delivery: Delivery, store: PersistenceLayer, cursors: CursorStore) -> None:
        self.delivery = delivery
        self._store = store
        self._cursors = cursors
        self._changed = threading.Condition()
        self._dirty: dict[str, None] = {}
        self._at: dict[str, Cursor] = {}
        self._thread = threading.Thread(
            target=self._serve, name=f"state-bus-{delivery.name}", daemon=True
        )

    def start(self, spaces: Iterable[SpaceInfo]) -> None:
        """Begin: a new name with what is committed from now on, a known one where it was; either hears all of
        spaces that are made later."""
        name = self.delivery.name
        if self._cursors.load(name, "") is None:
            for each in spaces:
                self._cursors.keep(head_of(each, name))
            self._cursors.keep(Cursor(name=name, space=""))
        self.notice(spaces)
        self._thread.start()

    def notice(self, spaces: Iterable[SpaceInfo]) -> None:
        """Look into those of the spaces that have moved."""
        for each in spaces:
            if behind(self._at.get(each.id), each):
                self.wake(each.id)

    def wake(self, space: str) -> None:
        """There may be something new in `space`."""
        with self._changed:
            self._dirty[space] = None
            self._changed.notify_all()

    def signal_stop(self) -> None:
        """Begin nothing more; a running call is finished, a pause between tries cut short."""
        self.delivery.stopped.set()
        with self._changed:
            self._changed.notify_all()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of the thread."""
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def _serve(self) -> None:
        stopped = self.delivery.stopped.is_set
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._dirty or stopped())
                if stopped():
                    break
                space = next(iter(self._dirty))
                del self._dirty[space]
            fresh_connections()
            try:
                self._catch_up(space)
            except BaseException:  # the store is away, say: the next sweep finds it behind
                logger.exception("a durable handler cannot follow", extra={"space": space})
        no_connections()

    def _catch_up(self, space: str) -> None:
        name = self.delivery.name
        saved = cursor = self._cursors.load(name, space) or Cursor(name=name, space=space)
        more = True
        while more:
            batch = read(self._store, cursor)
            for event, after in batch.steps:
                if self.delivery.stopped.is_set():
                    return
                if self.delivery.handle.wants(event):
                    if not self.delivery.deliver(event):
                        return
                    if after != saved:
                        self._cursors.keep(after)
                        saved = after
            cursor, more = batch.cursor, batch.more
            if cursor != saved:
                self._cursors.keep(cursor)
                saved = cursor
        self._at[space] = cursor
