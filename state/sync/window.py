"""What was sent on one connection and not acknowledged: the back-pressure that the socket itself does not give
(shared-state 2.3). Pure."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class _Sent(NamedTuple):
    rev: int
    entries: int
    size: int
    at: float


class Acked(NamedTuple):
    """What one acknowledgement covered: how many entries, and when the first of them was sent."""

    entries: int
    at: float


class Window:
    """At most `entries` entries or `size` characters may be on their way; one frame always may."""

    def __init__(self, entries: int, size: int) -> None:
        self._max_entries, self._max_size = entries, size
        self._entries = self._size = 0
        self._sent: dict[int, deque[_Sent]] = {}

    @property
    def is_open(self) -> bool:
        """Whether more may be sent."""
        return self._entries < self._max_entries and self._size < self._max_size

    def room(self) -> int:
        """Entries that may still be sent, at least 1 while it is open."""
        return max(0, self._max_entries - self._entries)

    @property
    def entries(self) -> int:
        """On their way."""
        return self._entries

    def sent(self, sub: int, rev: int, entries: int, size: int, at: float) -> None:
        """A frame of that subscription, up to revision `rev`, went out at the monotonic time `at`."""
        self._sent.setdefault(sub, deque()).append(_Sent(rev, entries, size, at))
        self._entries += entries
        self._size += size

    def ack(self, sub: int, rev: int) -> Acked:
        """Everything of the subscription up to that revision was applied."""
        waiting = self._sent.get(sub, deque())
        count, at = 0, 0.0
        while waiting and waiting[0].rev <= rev:
            each = waiting.popleft()
            at = at or each.at
            count += each.entries
            self._entries -= each.entries
            self._size -= each.size
        return Acked(count, at)

    def forget(self, sub: int) -> None:
        """The subscription has ended or begins anew."""
        for each in self._sent.pop(sub, ()):
            self._entries -= each.entries
            self._size -= each.size
