"""What a client that keeps the rules of shared-state 2.2 holds after each frame; the oracle beside real clients."""

from __future__ import annotations

import msgspec

from state import jsonvalue
from state.sync import protocol
from state.sync.protocol import WireEntry
from state.values import EntryKind, Json
from tests.soak.records import Data, Log, Watch


class Doc(msgspec.Struct):
    """One state as held; a deleted one has no data."""

    uid: str
    v: int
    data: Json
    deleted: bool = False


class Replica:
    """The states of one subscription. `faults` says in words what could not be applied."""

    def __init__(self) -> None:
        self.docs: dict[str, Doc] = {}
        #: Where it stands: `rev` of the last snapshot, delta or mark; None: nowhere yet.
        self.rev: int | None = None
        self.faults: list[str] = []

    def take(self, frame: Data) -> list[tuple[str, int, str]]:
        """Apply the frame; what documents it made, one after the other (id, version, hash)."""
        match frame:
            case protocol.Snap():
                for state in frame.states:
                    self.docs[state.id] = Doc(state.uid, state.v, state.data)
                self.rev = frame.rev
                return [(s.id, s.v, jsonvalue.digest(s.data)) for s in frame.states]
            case protocol.Delta():
                made = [
                    (entry.id, entry.v, jsonvalue.digest(doc.data))
                    for entry in frame.entries
                    if (doc := self._apply(entry)) is not None and not doc.deleted
                ]
                self.rev = frame.rev
                return made
            case protocol.Mark():
                self.rev = frame.rev
            case protocol.Reset():
                self.docs.clear()
                self.rev = None
            case protocol.Revoked():
                for state_id in frame.states:
                    self.docs.pop(state_id, None)
        return []

    def alive(self) -> dict[str, Doc]:
        """What is not deleted."""
        return {state_id: doc for state_id, doc in self.docs.items() if not doc.deleted}

    def has_all(self, watch: Watch, log: Log) -> bool:
        """Whether it holds all that the subscriber must have at the end of the log."""
        for state_id in filter(watch.wants, log.ids):
            last = log.at(state_id, log.head)
            if last is not None and log.may_always_read(watch.reader, state_id, last.rev):
                doc = self.docs.get(state_id)
                if last.kind is EntryKind.DELETE:
                    if doc is not None and doc.v < last.v:
                        return False
                elif doc is None or doc.v < last.v:
                    return False
        return True

    def _apply(self, entry: WireEntry) -> Doc | None:
        """The document after the entry; None: it was no news."""
        doc = self.docs.get(entry.id)
        if doc is not None and entry.v <= doc.v:
            return None
        held = doc.v if doc is not None else 0
        free = entry.kind is EntryKind.CREATE or entry.coalesced
        if not free and entry.pv != held:
            self.faults.append(
                f"{entry.id} v{entry.v} (rev {entry.rev}) builds on v{entry.pv}, held is v{held}"
            )
        if entry.kind is EntryKind.DELETE:
            self.docs[entry.id] = Doc(entry.uid, entry.v, {}, deleted=True)
            return self.docs[entry.id]
        # A new life begins with nothing.
        data = {} if doc is None or entry.kind is EntryKind.CREATE else doc.data
        try:
            data = jsonvalue.apply(data, entry.ops)
        except jsonvalue.Inapplicable as error:
            self.faults.append(f"{entry.id} v{entry.v} (rev {entry.rev}) does not apply: {error}")
        self.docs[entry.id] = Doc(entry.uid, entry.v, data)
        return self.docs[entry.id]
