"""The contract of event buses: who is told of what, in which order, and what becomes of handlers that fail.

One suite (tests/bus) holds both buses to it. Per (space, state) a handler gets events in the order in which they were
published, one at a time; for different states it may be called from several threads at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Final, Literal, Protocol, TypeAlias, runtime_checkable

from state.bus.handles import Handle
from state.bus.letters import CursorStore, DeadLetter
from state.errors import Conflict, Invalid, NotFound, Unavailable
from state.refusals import Closed
from state.values import DURABLE, EventType, StateEvent

#: Seconds that `close` gives to what is queued and running.
DRAIN: Final = 10.0
#: Seconds that a publisher waits: for room in the queue, or for its turn behind other events of the same state.
PATIENCE: Final = 1.0


@runtime_checkable
class EventHandler(Protocol):
    """Whatever has a `handle`."""

    def handle(self, event: StateEvent) -> object:
        """Act on the event, which is a copy of its own. What it raises is told to the publisher, logged, or, of a
        durable handler, the reason for another try."""


Handler: TypeAlias = EventHandler | Callable[[StateEvent], object]


class QueueFull(Unavailable):
    """Too many events are waiting for their handlers; this one was not taken."""

    reason = "queue_full"


class BusClosed(Closed):
    """The event bus has been closed."""


class DurableNameTaken(Conflict):
    """There is a durable handler by that name already."""

    reason = "exists"


class HandlerNotFound(NotFound):
    """No durable handler by that name is subscribed here."""


class EventBus(ABC):
    """Tells handlers of events. Thread-safe."""

    _cursors: CursorStore

    @abstractmethod
    def subscribe(
        self,
        event_type: EventType | Literal["*"],
        handler: Handler,
        *,
        durable_name: str | None = None,
        states: Iterable[str] | None = None,
    ) -> Handle:
        """Have `handler` told of every later event of the type ("*": all), of these states only if `states` has ids
        or prefixes like "notes/*".

        With a `durable_name` it is told of durable events only, at least once: a failing call is repeated with
        growing pauses, then the event becomes a dead letter and is passed over. Raises DurableNameTaken, Invalid
        (an unknown type, or a durable name for events that are not kept), BusClosed.
        """

    @abstractmethod
    def unsubscribe(self, handle: Handle) -> None:
        """Call the handler no more, and wait for its running calls (not for the one that this is called from).
        Nothing happens the second time."""

    @abstractmethod
    def publish(self, event: StateEvent) -> None:
        """Run the handlers here and now, in the order of subscription, and raise an ExceptionGroup of all that
        failed after all ran. Raises BusClosed.

        Behind earlier events of the same state that other threads are at, it waits for its turn for a second at
        most; then, and from within a handler at once, it leaves the event in its place to the bus's own threads.
        """

    @abstractmethod
    def publish_async(self, event: StateEvent) -> None:
        """Queue the event and return; failures of handlers are logged. With a full queue it waits up to a second
        for room, then raises QueueFull. Raises BusClosed."""

    @abstractmethod
    def redeliver(self, dead_letter_id: str) -> None:
        """Call the durable handler once more with the event of a dead letter, which is dropped when that succeeds;
        otherwise what the handler raised is noted in it and raised. Raises DeadLetterNotFound, HandlerNotFound,
        BusClosed."""

    @abstractmethod
    def close(self) -> None:
        """Refuse new events, finish what is queued within 10 s, log how much was not. Idempotent."""

    def dead_letters(self, name: str) -> list[DeadLetter]:
        """Events that the durable handler `name` could not be brought to take, oldest first."""
        return self._cursors.letters(name)

    def drop(self, dead_letter_id: str) -> None:
        """Give a dead letter up. Raises DeadLetterNotFound."""
        self._cursors.drop(dead_letter_id)


def known_type(event_type: str, durable_name: str | None) -> EventType | None:
    """The event type (None for "*"). Raises Invalid as `EventBus.subscribe` says."""
    if event_type == "*":
        return None
    try:
        found = EventType(event_type)
    except ValueError:
        raise Invalid(f"There are no events of the type {event_type!r}.") from None
    if durable_name is not None and found not in DURABLE:
        raise Invalid(
            f"Events of the type {found} are not kept, so no durable handler can have them."
        )
    return found


def is_logged(event: StateEvent) -> bool:
    """Whether the event stands in its space's log or audit trail, from where anybody can read it again."""
    return event.type in DURABLE and bool(event.id)
