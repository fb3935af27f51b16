"""What is judged: the log of a space, and what one subscription of one client was sent; plain values, no I/O."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from state.sync import protocol
from state.sync.filters import filter_of
from state.values import EntryKind

#: Reader to state to the revisions from which it may read it (True) or no longer may (False), ascending.
Windows: TypeAlias = dict[str, dict[str, list[tuple[int, bool]]]]


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the space's log, as its store has it."""

    rev: int
    seq: int
    id: str
    uid: str
    v: int
    kind: EntryKind
    h: str
    by: str = ""
    op_id: str = ""


class Log:
    """All that ever happened in a space, compacted or not, and who might read what when."""

    def __init__(self, entries: Iterable[Logged], windows: Windows | None = None) -> None:
        self.entries = sorted(entries, key=lambda each: (each.rev, each.seq))
        self._revs = [each.rev for each in self.entries]
        self._windows = windows or {}
        self._of: dict[str, list[Logged]] = defaultdict(list)
        for each in self.entries:
            self._of[each.id].append(each)
        self._versions = {(each.id, each.v): each for each in self.entries}

    @property
    def head(self) -> int:
        """The last revision."""
        return self._revs[-1] if self._revs else 0

    @property
    def ids(self) -> list[str]:
        """Of every state that ever was, sorted."""
        return sorted(self._of)

    def entry(self, state_id: str, version: int) -> Logged | None:
        """The entry that made that version."""
        return self._versions.get((state_id, version))

    def between(self, after: int, until: int) -> list[Logged]:
        """Entries with after < rev <= until, in order."""
        return self.entries[bisect_right(self._revs, after) : bisect_right(self._revs, until)]

    def at(self, state_id: str, rev: int) -> Logged | None:
        """The state's last entry up to that revision; None: there was none yet."""
        entries = self._of.get(state_id, [])
        place = bisect_right(entries, rev, key=lambda each: each.rev)
        return entries[place - 1] if place else None

    def may_read(self, reader: str, state_id: str, rev: int) -> bool:
        """Whether the policy as of that revision lets the reader read the state."""
        windows = self._windows.get(reader, {}).get(state_id)
        if windows is None:
            return True
        place = bisect_right(windows, rev, key=lambda each: each[0])
        return place > 0 and windows[place - 1][1]

    def may_read_since(self, reader: str, state_id: str, rev: int) -> bool:
        """Whether it may at that revision or at any later one."""
        later = self._changes(reader, state_id, rev)
        return self.may_read(reader, state_id, rev) or any(may for _, may in later)

    def may_always_read(self, reader: str, state_id: str, rev: int) -> bool:
        """Whether it may at that revision and at every later one."""
        later = self._changes(reader, state_id, rev)
        return self.may_read(reader, state_id, rev) and all(may for _, may in later)

    def was_lost(self, reader: str, state_id: str, since: int) -> bool:
        """Whether the right to read it was taken away after that revision."""
        return any(not may for _, may in self._changes(reader, state_id, since))

    def _changes(self, reader: str, state_id: str, rev: int) -> list[tuple[int, bool]]:
        windows = self._windows.get(reader, {}).get(state_id, [])
        return windows[bisect_left(windows, rev + 1, key=lambda each: each[0]) :]


# -- what one subscription heard -----------------------------------------------------------------------------------

Data: TypeAlias = protocol.Snap | protocol.Delta | protocol.Mark | protocol.Reset | protocol.Revoked


class Subscribed(msgspec.Struct, frozen=True, tag="subscribed", tag_field="what"):
    """The client said `sub`: from the token of a mark at revision `since`, or (None) without one."""

    t: float
    since: int | None = None


class Got(msgspec.Struct, frozen=True, tag="got", tag_field="what"):
    """A frame of the subscription arrived."""

    t: float
    frame: Data


class Holds(msgspec.Struct, frozen=True, tag="holds", tag_field="what"):
    """What the client held after a mark: by state, its life, version and hash."""

    t: float
    rev: int
    docs: dict[str, tuple[str, int, str]]


class Cut(msgspec.Struct, frozen=True, tag="cut", tag_field="what"):
    """The connection ended."""

    t: float


Step: TypeAlias = Subscribed | Got | Holds | Cut


class Watch(msgspec.Struct, kw_only=True):
    """One subscription of one client from its first `sub` to the end, over all its connections."""

    name: str
    #: The principal, as the policy's windows name it.
    reader: str
    states: tuple[str, ...]
    mode: Literal["all", "latest"] = "all"
    steps: list[Step] = msgspec.field(default_factory=list)
    #: Whether the end was quiet: everything must have arrived.
    to_the_end: bool = True

    def wants(self, state_id: str) -> bool:
        """Whether the subscription is about that state."""
        return filter_of(self.states).matches(state_id)

    def streams(self) -> Iterator[tuple[int | None, list[Data]]]:
        """What came after each `sub`, with the revision that it went on from; repetitions of a frame right behind
        it, which the proxy of the soak makes, are taken out."""
        since: int | None = None
        frames: list[Data] | None = None
        for step in self.steps:
            if isinstance(step, Subscribed):
                if frames is not None:
                    yield since, frames
                since, frames = step.since, []
            elif isinstance(step, Cut):
                if frames is not None:
                    yield since, frames
                frames = None
            elif frames is not None and isinstance(step, Got) and [step.frame] != frames[-1:]:
                frames.append(step.frame)
        if frames is not None:
            yield since, frames
