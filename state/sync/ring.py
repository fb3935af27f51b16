"""The newest revisions of a space, kept in memory so that those who follow it read the store once together. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import cached_property
from itertools import groupby, islice
from operator import attrgetter
from typing import Final

import msgspec

from state.sync.protocol import WireEntry
from state.values import Entry, EntryKind

#: What a ring holds at most (shared-state 3.4); the newest revision stays however large it is.
MAX_ENTRIES: Final = 1024
MAX_BYTES: Final = 4 * 1024 * 1024
#: Settings that decide who may read.
_READERS: Final = frozenset({"owners", "readers", "access_policy"})

_encoder: Final = msgspec.json.Encoder()


def wire(entry: Entry) -> WireEntry:
    """The entry as subscribers get it."""
    return WireEntry(
        id=entry.state_id,
        uid=entry.uid,
        rev=entry.revision,
        pv=entry.version - 1,
        v=entry.version,
        kind=entry.kind,
        by=entry.agent,
        at=entry.at,
        op_id=entry.op_id,
        ops=entry.ops,
        h=entry.hash,
        config=entry.config,
        conflict=entry.conflict,
        note=entry.metadata,
    )


def touches_readers(entry: Entry) -> bool:
    """Whether after this entry others may read the state than before."""
    return entry.kind in (EntryKind.CREATE, EntryKind.DELETE) or not _READERS.isdisjoint(
        entry.config
    )


class Revision:
    """One revision of a space: all entries of one transaction, and their JSON texts, each made once."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        self.number = entries[0].revision
        self.entries = entries

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The entries as JSON."""
        return tuple(_encoder.encode(wire(each)).decode() for each in self.entries)

    @cached_property
    def size(self) -> int:
        """Characters of all texts."""
        return sum(map(len, self.texts))

    @cached_property
    def touched(self) -> tuple[Entry, ...]:
        """Entries after which others may read their states."""
        return tuple(filter(touches_readers, self.entries))


def revisions_of(entries: Iterable[Entry]) -> list[Revision]:
    """Whole revisions, of entries in the order of the log."""
    return [Revision(tuple(each)) for _, each in groupby(entries, attrgetter("revision"))]


class Ring:
    """Consecutive revisions, the newest last."""

    def __init__(self) -> None:
        self._kept: deque[Revision] = deque()
        self._entries = self._bytes = 0

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._entries = self._bytes = 0

    def extend(self, revisions: Iterable[Revision]) -> None:
        """Add the revisions that follow the last one."""
        for each in revisions:
            assert not self._kept or each.number == self._kept[-1].number + 1, "a hole in the ring"
            self._kept.append(each)
            self._entries += len(each.entries)
            self._bytes += each.size
        while len(self._kept) > 1 and (self._entries > MAX_ENTRIES or self._bytes > MAX_BYTES):
            gone = self._kept.popleft()
            self._entries -= len(gone.entries)
            self._bytes -= gone.size

    def since(self, position: int) -> list[Revision] | None:
        """All revisions after `position`; None when the ring does not reach so far back."""
        if not self._kept or position + 1 < self._kept[0].number:
            return None
        return list(islice(self._kept, position + 1 - self._kept[0].number, None))
