"""The judges of watch histories: the six promises of etcd's watches (its API guarantees), and what Stars adds.

Each takes what one subscription was sent and the whole log of the space, and returns what is wrong, in words. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from state.sync.protocol import Delta, Mark, Reset, Revoked, Snap, WireEntry
from state.values import EntryKind
from tests.soak.records import Data, Got, Holds, Log, Logged, Subscribed, Watch
from tests.soak.replica import Replica

Validator: TypeAlias = Callable[[Watch, Log], list[str]]
#: Findings that one validator tells of one watch; the rest follows from them as a rule.
MOST: Final = 10


def ordered(watch: Watch, log: Log) -> list[str]:
    """Entries come in the order of the log: none before one that was sent already. Of conflated ones (mode latest)
    that holds for each state, as a frame of them is one step."""
    found = []
    for _, frames in watch.streams():
        last: dict[str, tuple[int, int]] = {}
        for entry in _entries(frames):
            key = entry.id if watch.mode == "latest" else ""
            before = last.get(key, (0, -1))
            logged = log.entry(entry.id, entry.v)
            place = (entry.rev, logged.seq if logged else before[1] + 1)
            if place < before:
                found.append(f"{_name(entry)} came after revision {before[0]}")
            last[key] = max(before, place)
    return found


def unique(watch: Watch, log: Log) -> list[str]:
    """No entry comes twice after one `sub`. (In mode latest a state is read as it stands, and may come again with the
    revision that it is of.)"""
    found = []
    for _, frames in watch.streams():
        seen = set()
        for entry in _entries(frames):
            if (entry.id, entry.v) in seen and watch.mode != "latest":
                found.append(f"{_name(entry)} came twice")
            seen.add((entry.id, entry.v))
    return found


def atomic(watch: Watch, log: Log) -> list[str]:
    """A revision comes whole, in one frame, which names its own end; what is conflated is whole at each `synced`, which
    `bookmarkable` sees to."""
    found = []
    for _, frames in watch.streams():
        split: dict[int, int] = {}
        for number, frame in enumerate(_deltas(frames)):
            inside = {entry.rev for entry in frame.entries}
            if any(entry.coalesced for entry in frame.entries):
                continue
            if inside and not frame.prev < min(inside) <= max(inside) <= frame.rev:
                found.append(f"a delta of {frame.prev}..{frame.rev} holds {sorted(inside)}")
            for rev in inside:
                if split.setdefault(rev, number) != number:
                    found.append(f"revision {rev} came in two frames")
            had = {(entry.id, entry.v) for entry in frame.entries}
            for rev in inside:
                found += [
                    f"revision {rev} came without {_named(logged)}"
                    for logged in log.between(rev - 1, rev)
                    if (logged.id, logged.v) not in had and _due(watch, log, logged)
                    if not (watch.mode == "latest" and _conflated(logged, frame))
                ]
    return found


def reliable(watch: Watch, log: Log) -> list[str]:
    """Nothing is left out: what was not sent by the time a frame names a place to come back to, or at the end, is
    lost. (A state that may be read only now may come whole, behind changes of others.)"""
    found: list[str] = []
    reached: int | None = None
    shown: dict[str, int] = {}
    owed: list[Logged] = []
    for since, frames in watch.streams():
        reached, shown, owed = since, {}, []
        for frame in frames:
            if isinstance(frame, Reset):
                reached, shown, owed = None, {}, []
            if not isinstance(frame, Snap | Delta | Mark):
                continue
            _show(watch, frame, shown)
            had = {(e.id, e.v) for e in frame.entries} if isinstance(frame, Delta) else set()
            if reached is not None:
                owed += log.between(reached, frame.rev)
            owed = [
                logged
                for logged in owed
                if (logged.id, logged.v) not in had and _due(watch, log, logged)
                if shown.get(logged.id, 0) < logged.v
            ]
            if isinstance(frame, Delta | Mark) and frame.token:
                found += [f"{_named(logged)} is missing up to {frame.rev}" for logged in owed]
                owed = []
            reached = frame.rev
    if watch.to_the_end:
        owed += log.between(reached or 0, log.head)
        found += [
            f"{_named(logged)} never came; the last frame was of {reached}"
            for logged in owed
            if _due(watch, log, logged) and shown.get(logged.id, 0) < logged.v
        ]
    return found


def resumable(watch: Watch, log: Log) -> list[str]:
    """A broken watch goes on right behind the token it names: no older event, no hole; or it is reset in words."""
    found = []
    for since, frames in watch.streams():
        if since is None or not frames:
            continue
        first = frames[0]
        if isinstance(first, Delta | Mark) and first.prev != since:
            found.append(f"resumed from {since}, and the first frame follows {first.prev}")
        if isinstance(first, Reset) and not _fair(watch, log, first, since):
            found.append(f"resumed from {since}, and was reset: {first.reason}")
        for frame in frames:
            if isinstance(frame, Reset):
                break
            if isinstance(frame, Delta):
                old = [_name(entry) for entry in frame.entries if entry.rev <= since]
                found += [f"resumed from {since} and got {name}" for name in old]
    return found


def bookmarkable(watch: Watch, log: Log) -> list[str]:
    """A mark is never ahead of data: all up to it was sent before, nothing of it comes after."""
    found = []
    replica = Replica()
    for since, frames in watch.streams():
        marked, snapped = since or 0, since is not None
        if since is None:
            replica = Replica()
        for frame in frames:
            replica.take(frame)
            match frame:
                case Delta(entries=entries):
                    late = [_name(entry) for entry in entries if entry.rev <= marked]
                    found += [f"{name} came after the mark of {marked}" for name in late]
                case Reset():
                    marked, snapped = 0, False
                case Snap(last=last):
                    snapped = last
            # A delta with a token is a bookmark, too.
            if isinstance(frame, Delta | Mark) and frame.token:
                marked = frame.rev
                if marked > log.head:
                    found.append(f"a mark of {marked}, and the log ends at {log.head}")
                if not snapped:
                    found.append(f"a mark of {marked} before the end of the snapshot")
                held = {state_id: doc.v for state_id, doc in replica.alive().items()}
                found += _not_held(watch, log, held, marked)
    return found


def chained(watch: Watch, log: Log) -> list[str]:
    """Every delta and mark names the frame before it in `prev`, every entry the version before it in `pv`."""
    found = []
    replica = Replica()
    for since, frames in watch.streams():
        last = since
        if since is None:
            found += replica.faults
            replica = Replica()
        for frame in frames:
            if isinstance(frame, Delta | Mark):
                if last is None:
                    found.append(f"a frame up to {frame.rev} comes before any snapshot")
                elif frame.prev != last:
                    found.append(f"a frame up to {frame.rev} follows {frame.prev}, sent was {last}")
                if frame.rev < frame.prev:
                    found.append(f"a frame goes back from {frame.prev} to {frame.rev}")
            replica.take(frame)
            last = None if isinstance(frame, Reset) else getattr(frame, "rev", last)
    return found + replica.faults


def hashed(watch: Watch, log: Log) -> list[str]:
    """Every document that the frames make, and every one that the client held, is the server's of that version."""
    found = []
    replica = Replica()
    for since, frames in watch.streams():
        if since is None:
            replica = Replica()
        for frame in frames:
            for state_id, version, digest in replica.take(frame):
                logged = log.entry(state_id, version)
                if logged is None:
                    found.append(f"{state_id} v{version} was never written")
                elif logged.h != digest:
                    found.append(f"{_named(logged)} is not the server's document")
    for step in watch.steps:
        if isinstance(step, Holds):
            for state_id, (uid, version, digest) in step.docs.items():
                logged = log.entry(state_id, version)
                if logged is None or (logged.uid, logged.h) != (uid, digest):
                    found.append(f"at {step.rev} the client holds {state_id} v{version} otherwise")
            held = {state_id: version for state_id, (_, version, _) in step.docs.items()}
            found += _not_held(watch, log, held, step.rev)
    return found


def revoked(watch: Watch, log: Log) -> list[str]:
    """Nothing of a state is seen that may not be read, nor after `revoked` until a snapshot or a new beginning."""
    found = []
    gone: set[str] = set()
    for step in watch.steps:
        if isinstance(step, Subscribed) and step.since is None:
            gone.clear()
        if not isinstance(step, Got):
            continue
        match step.frame:
            case Revoked(states=states):
                gone |= set(states)
            case Reset():
                gone.clear()
            case Snap(states=states):
                gone -= {state.id for state in states}
                found += [
                    f"{state.id} v{state.v} was shown in a snapshot of {step.frame.rev}"
                    for state in states
                    if not _open(watch, log, state.id, state.rev)
                ]
            case Delta(entries=entries):
                found += [f"{_name(e)} came after `revoked`" for e in entries if e.id in gone]
                found += [
                    f"{_name(e)} leaked" for e in entries if not _open(watch, log, e.id, e.rev)
                ]
    return found


VALIDATORS: Final[dict[str, Validator]] = {
    "Ordered": ordered,
    "Unique": unique,
    "Atomic": atomic,
    "Reliable": reliable,
    "Resumable": resumable,
    "Bookmarkable": bookmarkable,
    "Chained": chained,
    "Hashed": hashed,
    "Revoked": revoked,
}


def judge(watch: Watch, log: Log) -> list[str]:
    """What all of them find."""
    return [
        f"{name}: {watch.name}: {finding}"
        for name, validator in VALIDATORS.items()
        for finding in list(dict.fromkeys(validator(watch, log)))[:MOST]
    ]


# -- helpers -------------------------------------------------------------------------------------------------------


def _deltas(frames: list[Data]) -> Iterator[Delta]:
    return (frame for frame in frames if isinstance(frame, Delta))


def _entries(frames: list[Data]) -> Iterator[WireEntry]:
    return (entry for frame in _deltas(frames) for entry in frame.entries)


def _show(watch: Watch, frame: Snap | Delta | Mark, shown: dict[str, int]) -> None:
    """Note versions that make all earlier ones of their state superfluous: of snapshots, of new lives (which hold
    whatever the client had), and of what is conflated."""
    if isinstance(frame, Snap):
        shown |= {state.id: max(state.v, shown.get(state.id, 0)) for state in frame.states}
    if isinstance(frame, Delta):
        for entry in frame.entries:
            if entry.kind is EntryKind.CREATE or watch.mode == "latest":
                shown[entry.id] = max(entry.v, shown.get(entry.id, 0))


def _conflated(logged: Logged, frame: Delta) -> bool:
    return any(entry.id == logged.id and entry.v > logged.v for entry in frame.entries)


def _not_held(watch: Watch, log: Log, held: dict[str, int], rev: int) -> Iterator[str]:
    """What somebody who holds these versions lacks, or has too much, of what stood at that revision."""
    for state_id in filter(watch.wants, log.ids):
        logged = log.at(state_id, rev)
        if logged is None:
            continue
        version = held.get(state_id)
        if not log.may_read_since(watch.reader, state_id, rev):
            if version is not None:
                yield f"{state_id} v{version} is held at {rev}, although its reader may not read it"
        elif log.may_always_read(watch.reader, state_id, rev):
            if logged.kind is EntryKind.DELETE:
                if version is not None and version <= logged.v:
                    yield f"{state_id} v{version} is held at {rev}, although it was deleted"
            elif version is None or version < logged.v:
                yield f"{state_id} is held as v{version} at {rev}, where it is v{logged.v}"


def _name(entry: WireEntry) -> str:
    return f"{entry.id} v{entry.v} (rev {entry.rev})"


def _named(entry: Logged) -> str:
    return f"{entry.id} v{entry.v} (rev {entry.rev})"


def _open(watch: Watch, log: Log, state_id: str, rev: int) -> bool:
    """Whether the subscriber may be shown the state as of that revision; policy counts when it is sent."""
    return watch.wants(state_id) and log.may_read_since(watch.reader, state_id, rev)


def _fair(watch: Watch, log: Log, reset: Reset, since: int) -> bool:
    """Whether there is a reason to begin anew: history given up, or states taken away that it may have had."""
    if reset.reason == "filter":
        return any(log.was_lost(watch.reader, each, since) for each in filter(watch.wants, log.ids))
    return reset.reason == "compacted"


def _due(watch: Watch, log: Log, logged: Logged) -> bool:
    """Whether the subscriber must get the entry, whenever that is."""
    return watch.wants(logged.id) and log.may_always_read(watch.reader, logged.id, logged.rev)
