"""What of a stretch of the log one subscription is to get: which entries, and who may read what from then on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from state import jsonvalue
from state.policy import Caller
from state.sync.filters import Filter
from state.sync.policies import Policies
from state.sync.protocol import ConflictFrame, WireEntry
from state.sync.protocol.limits import PART
from state.sync.ring import Revision, wire
from state.values import (
    Entry,
    EntryKind,
    EventType,
    Operation,
    OperationType,
    SharedState,
    StateEvent,
)


class Reader(NamedTuple):
    """Who reads what."""

    caller: Caller
    wanted: Filter

    def picks(self, entry: Entry, policies: Policies) -> bool:
        """Whether the entry is for this reader, as the policies stand."""
        return self.wanted.matches(entry.state_id) and policies.sees(
            self.caller, entry.state_id, entry.uid
        )


class Chunk(NamedTuple):
    """Whole revisions up to `reached`, and what of them is visible: entries, and their JSON texts; and which states
    the reader lacks something of from then on."""

    reached: int
    entries: list[Entry]
    texts: list[str]
    withheld: frozenset[str] = frozenset()
    owed: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Characters."""
        return sum(map(len, self.texts))


def chunks(
    revisions: Iterable[Revision],
    reader: Reader,
    policies: Policies,
    *,
    most: Callable[[], int],
    withheld: Iterable[str],
    owed: Iterable[str],
) -> Iterator[Chunk]:
    """In order; each of at most `most()` visible entries (asked when it begins) and PART characters, or of one revision
    with more. The last one may have none.

    States of which an entry was not visible are `withheld` from then on: what the reader has of them is old, and
    changes build on what it has not got. They go on only with what holds anyway, until it gets them whole. Those of
    them whose present life it may see are `owed`: the beginning of that life lies ahead. Each chunk says how that
    stands after it, for what follows was looked at and perhaps is not sent.
    """
    withheld, owed = set(withheld), set(owed)

    def goes(entry: Entry) -> bool:
        state_id = entry.state_id
        if not reader.wanted.matches(state_id):
            return False
        if not policies.sees(reader.caller, state_id, entry.uid):
            withheld.add(state_id)
            if policies.sees(reader.caller, state_id):
                owed.add(state_id)
            return False
        if state_id in withheld and entry.kind not in (EntryKind.CREATE, EntryKind.DELETE):
            return False
        withheld.discard(state_id)
        owed.discard(state_id)
        return True

    entries, texts, size, reached, room = list[Entry](), list[str](), 0, 0, 0
    for revision in revisions:
        before = frozenset(withheld), frozenset(owed)
        at = [index for index, entry in enumerate(revision.entries) if goes(entry)]
        more = [revision.texts[index] for index in at]
        length = sum(map(len, more))
        if entries and (len(entries) + len(at) > room or size + length > PART):
            yield Chunk(reached, entries, texts, *before)
            entries, texts, size = [], [], 0
        if not entries:
            room = most()
        entries += (revision.entries[index] for index in at)
        texts += more
        size += length
        reached = revision.number
    if reached:
        yield Chunk(reached, entries, texts, frozenset(withheld), frozenset(owed))


class Turn(NamedTuple):
    """Where the right to read changed on the way: up to and including `revision` all can be sent as it is.

    `granted`: the reader may read these now, and perhaps could not before: it gets them whole. With `lost` it perhaps
    had states that it may see no more (which ones, nobody remembers): it begins anew.
    """

    revision: int
    granted: frozenset[str] = frozenset()
    lost: bool = False


def turn(revisions: Sequence[Revision], reader: Reader, policies: Policies) -> Turn | None:
    """The first turn in a stretch of the log that the reader catches up with; None when there is none.

    Whoever follows live is told of each change with what stood before, and needs no such guess.
    """
    if reader.caller.admin:
        return None
    for revision in revisions:
        granted = set[str]()
        for entry in revision.touched:
            if not reader.wanted.matches(entry.state_id):
                continue
            visible = policies.sees(reader.caller, entry.state_id)
            if entry.kind is EntryKind.CREATE:
                # Visible, it brings the whole document with it. A first life that is not visible nobody can have.
                hidden = not visible and entry.version > 1
            else:
                hidden = not visible and entry.kind is not EntryKind.DELETE
            if hidden and not policies.never_showed(reader.caller, entry):
                return Turn(revision.number, lost=True)
            if visible and entry.kind not in (EntryKind.CREATE, EntryKind.DELETE):
                granted.add(entry.state_id)
        if granted:
            return Turn(revision.number, frozenset(granted))
    return None


def coalesced(entries: Iterable[Entry]) -> list[WireEntry]:
    """One entry per state for several: what the state was last, by operations that lead there from `pv`."""
    found: dict[str, WireEntry] = {}
    for entry in entries:
        new, old = wire(entry), found.pop(entry.state_id, None)
        if old is not None and entry.kind not in (EntryKind.CREATE, EntryKind.DELETE):
            new.pv, new.ops, new.coalesced = old.pv, old.ops + new.ops, True
            new.config = old.config | new.config
            if old.kind is EntryKind.CREATE:
                new.kind = old.kind
        elif old is not None:
            new.coalesced = True
        found[entry.state_id] = new
    return list(found.values())


def whole(state: SharedState) -> WireEntry:
    """The state as it stands as one entry, which holds whatever the reader has of it."""
    ops = (
        Operation(OperationType.DELETE)
        if state.deleted
        else Operation(OperationType.SET, "", state.data),
    )
    return WireEntry(
        id=state.id,
        uid=state.uid,
        rev=state.revision,
        pv=0,
        v=state.version,
        kind=EntryKind.DELETE if state.deleted else EntryKind.UPDATE,
        by=state.written_by,
        at=state.timestamp,
        ops=ops,
        h=state.hash or jsonvalue.digest(state.data),
        config={} if state.deleted else {"frozen": state.frozen},
        coalesced=True,
    )


def conflict_frame(number: int, event: StateEvent) -> ConflictFrame:
    """A conflict that was found or settled, as subscribers are told of it."""
    about, found = event.metadata, event.type is EventType.CONFLICT_DETECTED
    return ConflictFrame(
        sub=number,
        event="conflict_detected" if found else "conflict_resolved",
        conflict_id=str(about.get("conflict_id", "")),
        state=event.state_id,
        type=str(about.get("conflict_type", "")),
        paths=tuple(about.get("paths", ())),
        by=(event.agent_id,),
        resolution=str(about.get("resolution", "")),
        resolver=str(about.get("resolver", "")),
    )
