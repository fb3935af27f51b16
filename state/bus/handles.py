"""What `subscribe` returns, and the account of running calls that lets `unsubscribe` wait for them."""

from __future__ import annotations

import inspect
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable

from state.values import DURABLE, EventType, StateEvent


def matches(patterns: Iterable[str], state_id: str) -> bool:
    """Whether one of the patterns is this id, or a prefix of it that ends in "*" ("notes/*", "*")."""
    return any(
        state_id.startswith(each[:-1]) if each.endswith("*") else state_id == each
        for each in patterns
    )


class Calls:
    """Which threads are inside which handlers of one bus."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside: defaultdict[int, list[Handle]] = defaultdict(list)
        self._waiting: set[int] = set()

    def here(self) -> bool:
        """Whether this thread is inside a handler, so that waiting for other handlers could be waiting for itself."""
        with self._changed:
            return threading.get_ident() in self._inside

    def enter(self, handle: Handle) -> bool:
        """A call begins, unless (False) the handle is gone."""
        with self._changed:
            if not handle.gone:
                self._inside[threading.get_ident()].append(handle)
            return not handle.gone

    def leave(self, handle: Handle) -> None:
        """A call ended."""
        me = threading.get_ident()
        with self._changed:
            self._inside[me].remove(handle)
            if not self._inside[me]:
                del self._inside[me]
            self._changed.notify_all()

    def retire(self, handle: Handle) -> None:
        """Let no more calls begin and wait for those that run.

        A handler that retires another (or itself) does not wait for one that waits likewise: neither would ever end.
        """
        me = threading.get_ident()
        with self._changed:
            handle.gone = True
            excused = self._waiting if me in self._inside else set[int]()
            self._waiting.add(me)
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: not (self._running(handle) - excused))
            finally:
                self._waiting.discard(me)

    def _running(self, handle: Handle) -> set[int]:
        return {thread for thread, handles in self._inside.items() if handle in handles}


class Handle:
    """One handler's place on a bus; give it to `unsubscribe`."""

    def __init__(
        self,
        calls: Calls,
        event_type: EventType | None,
        handler: object,
        *,
        durable_name: str | None,
        states: Iterable[str] | None,
    ) -> None:
        """`event_type` None: all. Raises TypeError for what cannot be called as a handler."""
        function = getattr(handler, "handle", handler)
        if not callable(function) or inspect.iscoroutinefunction(function):
            raise TypeError(
                f"a handler is a plain callable or has a plain `handle`, not {handler!r}"
            )
        self._function: Callable[[StateEvent], object] = function
        self._calls = calls
        self.event_type = event_type
        self.durable_name = durable_name
        self.states = None if states is None else tuple(states)
        self.gone = False

    def __repr__(self) -> str:
        return f"<Handle {self.durable_name or self._function!r} on {self.event_type or '*'}>"

    def wants(self, event: StateEvent) -> bool:
        """Whether the handler is to be told of the event."""
        return (
            not self.gone
            and self.event_type in (None, event.type)
            and (self.durable_name is None or event.type in DURABLE)
            and (self.states is None or matches(self.states, event.state_id))
        )

    def call(self, event: StateEvent) -> bool:
        """Run the handler, raising what it raises; False: it has been unsubscribed and was not run."""
        if not self._calls.enter(self):
            return False
        try:
            self._function(event)
        finally:
            self._calls.leave(self)
        return True

    def retire(self) -> None:
        """Run the handler no more; wait for running calls."""
        self._calls.retire(self)
