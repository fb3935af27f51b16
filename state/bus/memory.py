"""The event bus of one process, which keeps nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

from state.bus.base import (
    DRAIN,
    PATIENCE,
    DurableNameTaken,
    EventBus,
    Handler,
    HandlerNotFound,
    known_type,
)
from state.bus.durable import Delivery, Retry
from state.bus.handles import Calls, Handle
from state.bus.isolation import pack, unpack
from state.bus.lanes import Lanes
from state.bus.letters import CursorStore, InMemoryCursorStore
from state.values import EventType, StateEvent

_Tell: TypeAlias = Callable[[StateEvent], object]


class InMemoryEventBus(EventBus):
    """Tells the handlers of this process of what is published in this process.

    It has no log to come back to: a durable handler's repeated calls take place within the delivery (a publisher
    waits for them), what is published while nobody is subscribed is not told later, and it needs no cursor.
    """

    def __init__(
        self,
        buffer_size: int = 1000,
        *,
        cursors: CursorStore | None = None,
        retry: Retry | None = None,
        sleep: Callable[[float], object] | None = None,
        threads: int = 4,
        patience: float = PATIENCE,
        calls: Calls | None = None,
    ) -> None:
        """`buffer_size` bounds what `publish_async` queues; dead letters go to `cursors`; `sleep` takes the seconds
        of a pause before another try; `calls` is shared by a bus that has this one for a part."""
        if buffer_size < 1:
            raise ValueError("buffer_size must be 1 or more")
        self._cursors = cursors or InMemoryCursorStore()
        self._retry = retry or Retry()
        self._stopped = threading.Event()
        self._sleep = sleep or self._stopped.wait
        self._calls = calls or Calls()
        self._lanes = Lanes(buffer_size, here=self._calls.here, threads=threads, patience=patience)
        self._lock = threading.Lock()
        #: In the order of subscription, with how each is told. Replaced, never changed.
        self._told: dict[Handle, _Tell] = {}

    @property
    def has_handlers(self) -> bool:
        """Whether anybody is subscribed."""
        return bool(self._told)

    def subscribe(
        self,
        event_type: EventType | Literal["*"],
        handler: Handler,
        *,
        durable_name: str | None = None,
        states: Iterable[str] | None = None,
    ) -> Handle:
        """As EventBus says."""
        self._lanes.check_open()
        kind = known_type(event_type, durable_name)
        handle = Handle(self._calls, kind, handler, durable_name=durable_name, states=states)
        with self._lock:
            if durable_name is None:
                tell: _Tell = handle.call
            elif any(each.durable_name == durable_name for each in self._told):
                raise DurableNameTaken
            else:
                tell = self._delivery(handle, durable_name).deliver
            self._told = {**self._told, handle: tell}
        return handle

    def unsubscribe(self, handle: Handle) -> None:
        """As EventBus says."""
        with self._lock:
            self._told = {each: tell for each, tell in self._told.items() if each is not handle}
        handle.retire()

    def publish(self, event: StateEvent) -> None:
        """As EventBus says."""
        self._lanes.check_open()
        if wanting := self._wanting(event):
            packed = pack(event)
            key = (event.space, event.state_id)
            errors = self._lanes.run(key, lambda: _tell(packed, wanting))
            if errors:
                raise ExceptionGroup(f"handlers of {event.type} failed", errors)

    def publish_async(self, event: StateEvent) -> None:
        """As EventBus says."""
        self._lanes.check_open()
        if wanting := self._wanting(event):
            packed = pack(event)
            self._lanes.put((event.space, event.state_id), lambda: _tell(packed, wanting))

    def redeliver(self, dead_letter_id: str) -> None:
        """As EventBus says."""
        self._lanes.check_open()
        letter = self._cursors.letter(dead_letter_id)
        handle = next((each for each in self._told if each.durable_name == letter.name), None)
        if handle is None:
            raise HandlerNotFound
        again = self._delivery(handle, letter.name).again
        key = (letter.event.space, letter.event.state_id)
        for error in self._lanes.run(key, lambda: again(letter)):
            raise error

    def close(self) -> None:
        """As EventBus says."""
        self.close_within(DRAIN)

    def close_within(self, seconds: float) -> None:
        """`close` with another limit."""
        self._lanes.close(seconds)
        self._stopped.set()

    def _delivery(self, handle: Handle, name: str) -> Delivery:
        return Delivery(
            handle,
            name,
            self._cursors,
            retry=self._retry,
            sleep=self._sleep,
            stopped=self._stopped,
            bury_when_stopped=True,
        )

    def _wanting(self, event: StateEvent) -> list[_Tell]:
        return [tell for handle, tell in self._told.items() if handle.wants(event)]


def _tell(packed: bytes, wanting: list[_Tell]) -> list[Exception]:
    """Run the handlers, each on a copy of its own; what failed."""
    errors: list[Exception] = []
    for tell in wanting:
        try:
            tell(unpack(packed))
        except Exception as error:
            errors.append(error)
    return errors
