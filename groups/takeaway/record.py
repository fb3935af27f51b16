"""What of a run is taken away, as JSON values; whatever renders it needs no database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

#: What a file of ours calls itself. The number grows when an older reader would misread a newer file.
FORMAT: Final = "stars.run"
VERSION: Final = 1


class Log(Protocol):
    """A run's log up to where it stood, read as often as needed and never held whole."""

    def events(self) -> Iterator[dict[str, Any]]:
        """All events as every wire shows them, ascending."""

    def facts(self) -> Iterator[dict[str, Any]]:
        """All but the pieces of text."""

    def text(self, subtask: str, longest: int) -> str:
        """The first characters of what the subtask's last attempt wrote."""


@dataclass(frozen=True)
class Taken:
    """A run as it stood at one moment."""

    #: When, RFC 3339.
    at: str
    run: dict[str, Any]
    subtasks: list[dict[str, Any]]
    attachments: list[dict[str, Any]]
    log: Log
