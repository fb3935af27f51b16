"""Follows the logs of all spaces for the handlers of this process that keep no cursor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from state.bus.letters import Cursor
from state.bus.reading import behind, head_of, read
from state.persistence.base import PersistenceLayer
from state.values import SpaceInfo, StateEvent


class Tail:
    """Publishes what is new in a space, each event once, in the order of the log; one thread at a time per space."""

    def __init__(
        self,
        store: PersistenceLayer,
        publish: Callable[[StateEvent], None],
        *,
        here: Callable[[], bool],
        wake: Callable[[str], None],
        patience: float,
    ) -> None:
        """`here`: whether the calling thread is inside a handler; `wake` has `pump` called soon by the bus."""
        self._store = store
        self._publish = publish
        self._here = here
        self._wake = wake
        self._patience = patience
        self._changed = threading.Condition()
        self._busy: set[str] = set()
        #: Spaces that were to be read on while somebody was at it.
        self._wanted: set[str] = set()
        self._at: dict[str, Cursor] = {}

    def begin(self, spaces: Iterable[SpaceInfo]) -> None:
        """Follow from now on; spaces that are made later, from their beginning."""
        self._at = {each.id: head_of(each) for each in spaces}

    def behind(self, info: SpaceInfo) -> bool:
        """Whether the space has something that was not published."""
        return behind(self._at.get(info.id), info)

    def pump(self, space: str) -> list[Exception]:
        """Publish what is new in `space`; what its handlers raised.

        While another thread is at it this one waits for its turn, as `EventBus.publish` says, and otherwise leaves
        it to the bus. What the store raises is raised.
        """
        with self._changed:
            if space in self._busy:
                self._wanted.add(space)
                if self._here() or not self._changed.wait_for(
                    lambda: space not in self._busy, self._patience
                ):
                    return []
            self._busy.add(space)
            self._wanted.discard(space)
        try:
            return self._read_on(space)
        finally:
            with self._changed:
                self._busy.discard(space)
                again = space in self._wanted
                self._wanted.discard(space)
                self._changed.notify_all()
            if again:
                self._wake(space)

    def _read_on(self, space: str) -> list[Exception]:
        errors: list[Exception] = []
        cursor = self._at.get(space) or Cursor(name="", space=space)
        more = True
        while more:
            batch = read(self._store, cursor)
            for event, after in batch.steps:
                self._at[space] = after
                try:
                    self._publish(event)
                except ExceptionGroup as failed:
                    errors += failed.exceptions
            self._at[space] = cursor = batch.cursor
            more = batch.more
        return errors
