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
        #: Subscriptions of which something came since they were acknowledged: it may be of the same revision.
        self._due: set[int] = set()

    def came(self, sub: int, entries: int, size: int) -> None:
        """A frame with so many entries, of so many characters, fills the window."""
        self._due.add(sub)
        self._entries += entries
        self._size += size

    def applied(self, sub: int, revision: int) -> None:
        """All frames of the subscription up to that revision may be acknowledged."""
        self._applied[sub] = revision

    def held(self, sub: int) -> None:
        """Nothing more of the subscription may be acknowledged until `applied`."""
        self._applied.pop(sub, None)

    def forget(self, sub: int) -> None:
        """The subscription ended, or begins anew."""
        self._applied.pop(sub, None)
        self._due.discard(sub)

    @property
    def are_urgent(self) -> bool:
        """Whether the window would fill."""
        return self._entries >= self._max_entries or self._size >= self._max_size

    def take(self) -> list[Ack]:
        """What to say now."""
        said = [
            Ack(sub=sub, rev=self._applied[sub])
            for sub in sorted(self._due & self._applied.keys())
            if self._applied[sub]
        ]
        self._due -= {each.sub for each in said}
        self._entries = self._size = 0
        return said
