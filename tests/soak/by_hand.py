"""Watch histories by hand: a log, what a good server sends of it, and ways to spoil that."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from state import jsonvalue
from state.sync.protocol import Delta, Mark, Reset, Revoked, Snap, SnapState, WireEntry
from state.values import EntryKind, Json, Operation, OperationType
from tests.soak.records import Cut, Data, Got, Holds, Log, Logged, Step, Subscribed, Watch

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


class Space:
    """A log by hand: what stood in each state at each version, one revision a call of `write`."""

    def __init__(self) -> None:
        self.entries: list[Logged] = []
        self.wire: dict[tuple[str, int], WireEntry] = {}
        self.data: dict[tuple[str, int], Json] = {}
        self.rev = 0
        self._version: dict[str, int] = {}
        self.windows: dict[str, list[tuple[int, bool]]] = {}

    def write(self, *states: str, kind: EntryKind = EntryKind.UPDATE) -> int:
        """Change all of them in one revision; which."""
        self.rev += 1
        for seq, name in enumerate(states):
            v = self._version[name] = self._version.get(name, 0) + 1
            what = EntryKind.CREATE if v == 1 else kind
            data = {} if what is EntryKind.DELETE else {"n": self.rev}
            if what is EntryKind.CONFIG:
                data = self.data[name, v - 1]
            ops: tuple[Operation, ...] = (Operation(OperationType.SET, "", data),)
            if what in (EntryKind.CONFIG, EntryKind.DELETE):
                ops = ()
            h, uid = jsonvalue.digest(data), f"u-{name}"
            self.data[name, v] = data
            self.entries.append(
                Logged(rev=self.rev, seq=seq, id=name, uid=uid, v=v, kind=what, h=h)
            )
            self.wire[name, v] = WireEntry(
                id=name,
                uid=uid,
                rev=self.rev,
                pv=v - 1,
                v=v,
                kind=what,
                by="agent:a",
                at=NOW,
                ops=ops,
                h=h,
            )
        return self.rev

    def may(self, name: str, may: bool) -> None:
        """From a change of settings on, the reader may or may not read the state."""
        self.windows.setdefault(name, [(0, True)]).append(
            (self.write(name, kind=EntryKind.CONFIG), may)
        )

    def log(self) -> Log:
        """As the judges get it."""
        return Log(self.entries, {"agent:r": self.windows})

    def snap(self, *names: str, rev: int = 0) -> Snap:
        """Of these states as of `rev` (0: now)."""
        rev = rev or self.rev
        log, states = self.log(), []
        for name in names:
            at = log.at(name, rev)
            assert at is not None
            states.append(
                SnapState(
                    id=name, uid=at.uid, v=at.v, rev=at.rev, data=self.data[name, at.v], h=at.h
                )
            )
        return Snap(sub=1, part=1, last=True, rev=rev, states=tuple(states))

    def delta(self, prev: int, rev: int, without: str = "") -> Delta:
        """All of the revisions in between."""
        entries = [self.wire[e.id, e.v] for e in self.log().between(prev, rev) if e.id != without]
        return Delta(sub=1, prev=prev, rev=rev, token=f"t{rev}", entries=tuple(entries))

    def holds(self, *names: str) -> Holds:
        """What a client that has all of it holds now."""
        log = self.log()
        at = {name: log.at(name, self.rev) for name in names}
        docs = {name: (e.uid, e.v, e.h) for name, e in at.items() if e is not None}
        return Holds(t=0.0, rev=self.rev, docs=docs)


def mark(prev: int, rev: int, synced: bool = True) -> Mark:
    """A mark with its token."""
    return Mark(sub=1, prev=prev, rev=rev, token=f"t{rev}", synced=synced)


def steps(*what: Data | Step) -> list[Step]:
    """What was heard, frames as they came."""
    return [
        Got(t=0.0, frame=each) if isinstance(each, Snap | Delta | Mark | Reset | Revoked) else each
        for each in what
    ]


def good() -> tuple[Watch, Log]:
    """A snapshot of 3 revisions, deltas (a transaction among them), a deletion, a drop, a resume from the mark of 6,
    a state taken away and given back, a reset."""
    space = Space()
    for name in ("a", "b", "c"):
        space.write(name)
    first: list[Data | Step] = [Subscribed(t=0.0), space.snap("a", "b", "c"), mark(3, 3)]
    first.append(space.holds("a", "b", "c"))
    space.write("a")
    space.write("b", "a")
    space.write("c", kind=EntryKind.DELETE)
    first += [space.delta(3, 5), space.delta(5, 6), mark(6, 6), space.holds("a", "b")]
    space.write("b")
    first += [space.delta(6, 7), Cut(t=1.0)]
    space.write("a")
    first += [Subscribed(t=2.0, since=6), space.delta(6, 8), mark(8, 8)]
    space.may("b", False)  # 9
    first += [Revoked(sub=1, states=("b",)), mark(8, 9)]
    space.write("b")  # 10, unseen
    space.may("b", True)  # 11
    first += [mark(9, 10), space.snap("b"), mark(11, 11)]
    space.write("b")
    first += [space.delta(11, 12), Reset(sub=1, reason="compacted", head=12)]
    first += [space.snap("a", "b"), mark(12, 12), space.holds("a", "b")]
    watch = Watch(name="w", reader="agent:r", states=("*",), steps=steps(*first))
    return watch, space.log()


def frames(watch: Watch) -> list[int]:
    """Places of deltas."""
    found = []
    for place, step in enumerate(watch.steps):
        if isinstance(step, Got) and isinstance(step.frame, Delta):
            found.append(place)
    return found


def nth_delta(watch: Watch, n: int) -> tuple[int, Delta]:
    """Its place, and the delta."""
    place = frames(watch)[n]
    step = watch.steps[place]
    assert isinstance(step, Got) and isinstance(step.frame, Delta)
    return place, step.frame


def put(watch: Watch, place: int, *what: Data | Step) -> None:
    """Replace the step there."""
    watch.steps[place : place + 1] = steps(*what)


def place_of(watch: Watch, frame: type[Data], n: int = 0) -> int:
    """Of the n-th frame of that type."""
    places = [
        p for p, s in enumerate(watch.steps) if isinstance(s, Got) and isinstance(s.frame, frame)
    ]
    return places[n]


def frame_at(watch: Watch, place: int) -> Data:
    """The frame that came there."""
    step = watch.steps[place]
    assert isinstance(step, Got)
    return step.frame


def change(watch: Watch, place: int, **fields: object) -> None:
    """Change fields of the frame there."""
    put(watch, place, msgspec.structs.replace(frame_at(watch, place), **fields))


def change_entry(watch: Watch, n: int, number: int, **fields: object) -> None:
    """Change fields of an entry of the n-th delta."""
    place, delta = nth_delta(watch, n)
    entries = list(delta.entries)
    entries[number] = msgspec.structs.replace(entries[number], **fields)
    change(watch, place, entries=tuple(entries))
