"""How far durable handlers have come, and the events they would not take: what outlives a bus."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Protocol
from uuid import uuid4

import msgspec

from state.errors import NotFound
from state.values import StateEvent


class DeadLetterNotFound(NotFound):
    """There is no such dead letter."""


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far a consumer has read a space: everything up to here has been dealt with.

    The one of the space "" only tells that the name is known; it has no position.
    """

    name: str
    space: str
    revision: int = 0
    #: Number of the last audit record.
    audit: int = 0
    #: Of the space, when it was read; "": not yet.
    epoch: str = ""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """An event that a durable handler failed at until its tries were spent."""

    id: str
    name: str
    event: StateEvent
    #: What the handler raised last.
    error: str
    attempts: int
    at: datetime


class CursorStore(Protocol):
    """Keeps cursors and dead letters. Thread-safe."""

    def load(self, name: str, space: str) -> Cursor | None:
        """How far `name` has come in `space`; None: nothing is known."""

    def keep(self, cursor: Cursor) -> None:
        """Remember it instead of an earlier one of the same name and space."""

    def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter; one with the same id is replaced."""

    def letters(self, name: str) -> list[DeadLetter]:
        """The dead letters of `name`, oldest first."""

    def letter(self, letter_id: str) -> DeadLetter:
        """Raises DeadLetterNotFound."""

    def drop(self, letter_id: str) -> None:
        """Raises DeadLetterNotFound."""


class InMemoryCursorStore:
    """Remembers as long as the process lives."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cursors: dict[tuple[str, str], Cursor] = {}
        self._letters: dict[str, DeadLetter] = {}

    def load(self, name: str, space: str) -> Cursor | None:
        with self._lock:
            return self._cursors.get((name, space))

    def keep(self, cursor: Cursor) -> None:
        with self._lock:
            self._cursors[cursor.name, cursor.space] = cursor

    def bury(self, letter: DeadLetter) -> None:
        with self._lock:
            self._letters[letter.id] = letter

    def letters(self, name: str) -> list[DeadLetter]:
        with self._lock:
            return [each for each in self._letters.values() if each.name == name]

    def letter(self, letter_id: str) -> DeadLetter:
        with self._lock:
            found = self._letters.get(letter_id)
        if found is None:
            raise DeadLetterNotFound
        return found

    def drop(self, letter_id: str) -> None:
        with self._lock:
            if self._letters.pop(letter_id, None) is None:
                raise DeadLetterNotFound


def dead_letter(name: str, event: StateEvent, error: Exception, attempts: int) -> DeadLetter:
    """A new one, of now."""
    return DeadLetter(
        id=str(uuid4()),
        name=name,
        event=event,
        error=f"{type(error).__name__}: {error}",
        attempts=attempts,
        at=datetime.now(UTC),
    )
