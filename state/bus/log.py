"""The event bus over the store's logs: durable events reach the handlers of every process, and durable handlers
wherever they were when they stopped."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Literal

from state.bus.base import (
    DRAIN,
    PATIENCE,
    BusClosed,
    DurableNameTaken,
    EventBus,
    Handler,
    HandlerNotFound,
    is_logged,
    known_type,
)
from state.bus.durable import Delivery, Retry, Runner
from state.bus.handles import Calls, Handle
from state.bus.letters import CursorStore
from state.bus.memory import InMemoryEventBus
from state.bus.tail import Tail
from state.bus.threads import fresh_connections, no_connections
from state.persistence.base import PersistenceLayer
from state.refusals import StoreDown
from state.values import EventType, SpaceInfo, StateEvent

logger = logging.getLogger(__name__)


class LogEventBus(EventBus):
    """Reads durable events from the logs and audit trails, whoever committed them; others it passes on within the
    process, as the in-memory bus does.

    Publishing a durable event delivers what its space's log has new, this event with it; a durable event without an
    `id` stands in no log and is passed on within the process. Durable handlers have a thread each, so nobody waits
    for their repeated calls; the same name in several processes means that each of them delivers.
    """

    def __init__(
        self,
        store: PersistenceLayer,
        cursors: CursorStore,
        spaces: Callable[[], Iterable[SpaceInfo]] | None = None,
        *,
        buffer_size: int = 1000,
        sweep: float = 1.0,
        retry: Retry | None = None,
        sleep: Callable[[float], object] | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """`spaces` tells which to follow, as they stand (default: all of the store); it is asked every `sweep`
        seconds while anybody is subscribed. The rest as for InMemoryEventBus."""
        self._store = store
        self._cursors = cursors
        self._spaces = spaces or store.spaces
        self._sweep = sweep
        self._retry = retry or Retry()
        self._sleep = sleep
        self._calls = Calls()
        self._local = InMemoryEventBus(
            buffer_size, cursors=cursors, patience=patience, calls=self._calls
        )
        self._tail = Tail(
            store,
            self._local.publish,
            here=self._calls.here,
            wake=self._wake_tail,
            patience=patience,
        )
        #: Guards all below; told of every change.
        self._changed = threading.Condition()
        self._runners: dict[str, Runner] = {}
        self._woken: set[str] = set()
        self._closed = False
        self._thread: threading.Thread | None = None

    def subscribe(
        self,
        event_type: EventType | Literal["*"],
        handler: Handler,
        *,
        durable_name: str | None = None,
        states: Iterable[str] | None = None,
    ) -> Handle:
        """As EventBus says. Also raises what the store and the cursors raise."""
        spaces = list(self._spaces())
        with self._changed:
            self._check_open()
            if durable_name is None:
                if not self._local.has_handlers:
                    self._tail.begin(spaces)
                handle = self._local.subscribe(event_type, handler, states=states)
            else:
                kind = known_type(event_type, durable_name)
                if durable_name in self._runners:
                    raise DurableNameTaken
                handle = Handle(
                    self._calls, kind, handler, durable_name=durable_name, states=states
                )
                runner = self._runner(handle, durable_name)
                runner.start(spaces)
                self._runners[durable_name] = runner
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._serve, name="state-bus-log", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()
        return handle

    def unsubscribe(self, handle: Handle) -> None:
        """As EventBus says."""
        with self._changed:
            runner = self._runners.get(handle.durable_name or "")
            if runner is None or runner.delivery.handle is not handle:
                runner = None
            else:
                del self._runners[runner.delivery.name]
        if runner is None:
            self._local.unsubscribe(handle)
            return
        runner.signal_stop()
        handle.retire()
        if not self._calls.here():
            runner.join()

    def publish(self, event: StateEvent) -> None:
        """As EventBus says; when the store is away, the event is delivered once it is back."""
        self._check_open()
        if not is_logged(event):
            self._local.publish(event)
            return
        self._wake_runners(event.space)
        if not self._local.has_handlers:
            return
        try:
            errors = self._tail.pump(event.space)
        except StoreDown:
            logger.warning("an event waits for the store", extra={"event": event.id})
            self._wake_tail(event.space)
            return
        if errors:
            raise ExceptionGroup(f"handlers of {event.type} failed", errors)

    def publish_async(self, event: StateEvent) -> None:
        """As EventBus says; of an event in the log, the log is the queue, and it is never full."""
        self._check_open()
        if is_logged(event):
            self.wake(event.space)
        else:
            self._local.publish_async(event)

    def wake(self, space: str) -> None:
        """Something was committed in `space`, here or in another process: have it delivered soon. Never waits."""
        if not self._closed:
            self._wake_runners(space)
            self._wake_tail(space)

    def redeliver(self, dead_letter_id: str) -> None:
        """As EventBus says."""
        self._check_open()
        letter = self._cursors.letter(dead_letter_id)
        runner = self._runners.get(letter.name)
        if runner is None:
            raise HandlerNotFound
        for error in runner.delivery.again(letter):
            raise error

    def close(self) -> None:
        """As EventBus says; durable handlers go on from their cursors when they are subscribed again."""
        deadline = time.monotonic() + DRAIN
        with self._changed:
            self._closed = True
            runners = list(self._runners.values())
            self._changed.notify_all()
        for runner in runners:
            runner.signal_stop()
        if not self._calls.here():
            if self._thread is not None:
                self._thread.join(DRAIN)
            for runner in runners:
                runner.join(max(0.0, deadline - time.monotonic()))
        self._local.close_within(max(0.0, deadline - time.monotonic()))

    def _check_open(self) -> None:
        if self._closed:
            raise BusClosed

    def _wake_tail(self, space: str) -> None:
        with self._changed:
            self._woken.add(space)
            self._changed.notify_all()

    def _runner(self, handle: Handle, name: str) -> Runner:
        stopped = threading.Event()
        delivery = Delivery(
            handle,
            name,
            self._cursors,
            retry=self._retry,
            sleep=self._sleep or stopped.wait,
            stopped=stopped,
        )
        return Runner(delivery, self._store, self._cursors)

    def _wake_runners(self, space: str) -> None:
        for runner in list(self._runners.values()):
            runner.wake(space)

    def _serve(self) -> None:
        """The life of the thread: what was woken at once, and all that moved every `sweep` seconds."""
        due = time.monotonic() + self._sweep
        while True:
            with self._changed:
                followed = self._local.has_handlers or bool(self._runners)
                pause = max(0.0, due - time.monotonic()) if followed else None
                self._changed.wait_for(lambda: self._woken or self._closed, pause)
                woken, self._woken = self._woken, set()
                if self._closed and not woken:
                    break
            fresh_connections()
            try:
                if time.monotonic() >= due and not self._closed:
                    due = time.monotonic() + self._sweep
                    woken |= self._moved()
                for space in woken:
                    self._deliver(space)
            except Exception:  # the store is away, say: the next sweep finds what this one did not
                logger.exception("the event bus cannot read the logs")
        no_connections()

    def _moved(self) -> set[str]:
        """Spaces that have something for the tail; durable handlers are told of theirs."""
        spaces = list(self._spaces())
        for runner in list(self._runners.values()):
            runner.notice(spaces)
        return {each.id for each in spaces if self._tail.behind(each)}

    def _deliver(self, space: str) -> None:
        if self._local.has_handlers:
            for error in self._tail.pump(space):
                logger.error("a handler failed", exc_info=error, extra={"space": space})
