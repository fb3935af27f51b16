"""The seed's handler of state events: updates of chosen states, one call each."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from state.bus.events_of import updates_of
from state.bus.handles import matches
from state.values import StateEvent, StateUpdate


class StateEventHandler:
    """Calls back with each update of the states it watches, in order."""

    def __init__(
        self, callback: Callable[[StateUpdate], object], states: Iterable[str] = ("*",)
    ) -> None:
        """`states` are ids or prefixes like "notes/*"."""
        self._callback = callback
        self._states = tuple(states)

    def handle(self, event: StateEvent) -> None:
        """Pass on what an entry did to a watched state; other events are let go. What the callback raises is
        raised."""
        if matches(self._states, event.state_id):
            for update in updates_of(event):
                self._callback(update)
