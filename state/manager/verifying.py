"""Replays a space's whole log and compares it with what is kept: what a disk or a bug has changed shows here."""

from __future__ import annotations

from typing import Any

import msgspec

from state import jsonvalue
from state.errors import StarsError
from state.persistence.base import PersistenceLayer
from state.values import Entry, EntryKind, Filters, SharedState


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at in one space, and what was wrong with it (nothing, if `faults` is empty)."""

    space: str
    revision: int
    entries: int
    states: int
    faults: tuple[str, ...]


class _Replay:
    """Documents as the log makes them, entry by entry."""

    def __init__(self, store: PersistenceLayer, space: str) -> None:
        self.store = store
        self.space = space
        self.faults: list[str] = []
        self.versions: dict[str, int] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self.entries = 0

    def take(self, entry: Entry) -> None:
        self.entries += 1
        name = f"{entry.state_id} version {entry.version} (revision {entry.revision})"
        known = self.versions.get(entry.state_id)
        if known is None and entry.version > 1:
            self.documents[entry.state_id] = self._before(entry)
        elif known is not None and entry.version != known + 1:
            self.faults.append(f"{name}: follows version {known}")
        self.versions[entry.state_id] = entry.version
        if entry.kind is EntryKind.DELETE:
            self.documents[entry.state_id] = {}
            return
        try:
            data = jsonvalue.apply(self.documents.get(entry.state_id, {}), entry.ops)
        except StarsError as error:
            self.faults.append(f"{name}: its operations do not apply: {error}")
            return
        self.documents[entry.state_id] = data
        if jsonvalue.digest(data) != entry.hash:
            self.faults.append(f"{name}: the replayed document has another hash")

    def compare(self, state: SharedState) -> None:
        """The state as it is kept against what its log made of it."""
        version = self.versions.get(state.id)
        if version is None:  # unchanged since the floor
            if not state.deleted and jsonvalue.digest(state.data) != state.hash:
                self.faults.append(f"{state.id}: the document has another hash")
            return
        if version != state.version:
            self.faults.append(f"{state.id}: is at version {state.version}, its log at {version}")
        data = {} if state.deleted else state.data
        if not jsonvalue.json_equal(data, self.documents.get(state.id, {})):
            self.faults.append(f"{state.id}: the document is not what its log makes of it")

    def _before(self, entry: Entry) -> dict[str, Any]:
        try:
            return self.store.data_at(self.space, entry.state_id, entry.version - 1)
        except StarsError as error:
            self.faults.append(f"{entry.state_id} version {entry.version - 1}: {error}")
            return {}


def verify(store: PersistenceLayer, space: str) -> Verified:
    """Replay the space's log from its floor to its head. Writers may go on: what comes later is not looked at."""
    info = store.open_space(space)
    replay = _Replay(store, space)
    after = info.compact_revision
    while after < info.revision:
        page = store.read_log(space, after=after, limit=store.config.batch_size)
        for entry in page.entries:
            if entry.revision > info.revision:
                break
            if entry.revision not in (after, after + 1):
                replay.faults.append(f"revision {after + 1} is missing before {entry.revision}")
            after = entry.revision
            replay.take(entry)
        if not page.entries:
            replay.faults.append(f"the log ends at {after}, the space is at {info.revision}")
            break
        if page.entries[-1].revision > info.revision:
            break
    count = 0
    for deleted in (False, True):
        start = ""
        while True:
            filters = Filters(deleted=deleted)
            listed = store.list_states(space, filters, limit=100, after=start, with_data=True)
            for state in listed.states:
                if state.revision <= info.revision:
                    count += 1
                    replay.compare(state)
            if not listed.next:
                break
            start = listed.next
    return Verified(
        space=space,
        revision=info.revision,
        entries=replay.entries,
        states=count,
        faults=tuple(replay.faults),
    )
