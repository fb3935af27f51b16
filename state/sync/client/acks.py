"""When to acknowledge what was applied: before the server's window closes, and else soon. Pure."""

from __future__ import annotations

from typing import Final

from state.sync.protocol import Ack, Window

#: Entries after which an acknowledgement goes out at once.
ENTRIES: Final = 64


class Acks:
    """Of one connection."""

    def __init__(self, window: Window) -> None:
        """Half of the window may be filled before it is emptied."""
        self._max_entries = max(1, min(ENTRIES, window.entries // 2))
        self._max_size = max(1, window.bytes // 2)
        self._entries = self._size = 0
        self._applied: dict[int, int] = {}
        self._acked: dict[int, int] = {}

    def came(self, entries: int, size: int) -> None:
        """A frame with so many entries, of so many characters, fills the window."""
        self._entries += entries
        self._size += size

    def applied(self, sub: int, revision: int) -> None:
        """All frames of the subscription up to that revision may be acknowledged."""
        self._applied[sub] = revision

    def forget(self, sub: int) -> None:
        """The subscription ended, or begins anew."""
        self._applied.pop(sub, None)
        self._acked.pop(sub, None)

    @property
    def are_urgent(self) -> bool:
        """Whether the window would fill."""
        return self._entries >= self._max_entries or self._size >= self._max_size

    def take(self) -> list[Ack]:
        """What to say now."""
        due = [
            Ack(sub=sub, rev=revision)
            for sub, revision in self._applied.items()
            if revision > self._acked.get(sub, 0)
        ]
        self._acked.update((each.sub, each.rev) for each in due)
        self._entries = self._size = 0
        return due
