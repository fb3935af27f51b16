"""How subscribers stand to the states they subscribe to: a constant number of reads for all of a space together."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from state.models import Connection
from state.persistence.base import PersistenceLayer
from state.policy import Caller
from state.refusals import Compacted
from state.sync.filters import filter_of
from state.sync.policies import sees
from state.sync.tasks.recipients import acked
from state.values import (
    AgentConnection,
    ConflictStatus,
    ConnectionStatus,
    ConnectionType,
    Entry,
    Filters,
    SharedState,
    StateLag,
    SyncStatus,
)

#: Entries of the log that are looked through; for who is further behind, versions are counted from there.
ENTRIES: Final = 1000
#: States, and open conflicts, of a space that are looked at.
STATES: Final = 10_000
CONFLICTS: Final = 1000


def plain(row: Connection) -> AgentConnection:
    """The row as a value, without what has to be looked up."""
    return AgentConnection(
        id=row.pk,
        space=row.space,
        agent=row.agent,
        name=row.name,
        address=row.address,
        subscribed_states=_patterns(row),
        connection_type=ConnectionType(row.type),
        status=ConnectionStatus(row.status),
        last_heartbeat=row.last_heartbeat,
        metadata=row.metadata,
        conflict_count=row.conflict_count,
        acked=row.acked or 0,
        parked=row.parked,
        connected_at=row.connected_at,
        expires_at=row.expires_at,
        error=row.error,
    )


class Lags:
    """A space as it stands, to compare its subscribers with. Shows the caller what it may read, and of that for each
    connection what its agent could read when it connected."""

    def __init__(
        self,
        store: PersistenceLayer,
        caller: Caller,
        rows: Sequence[Connection],
        state_ids: Collection[str] | None = None,
    ) -> None:
        """Four reads of the store, five where the log was compacted meanwhile. `state_ids`: only these are compared."""
        page = store.list_states(caller.space, Filters(), limit=STATES)
        self.head = page.revision
        wanted = (s for s in page.states if state_ids is None or s.id in state_ids)
        self._states = [each for each in wanted if sees(each, caller)]
        open_ones = store.conflicts(caller.space, status=ConflictStatus.OPEN, limit=CONFLICTS)
        self._conflicts = {(each.agent, each.state_id) for each in open_ones}
        self.entries = _unseen(store, caller.space, rows)
        self._versions: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for entry in self.entries:
            revisions, versions = self._versions[entry.state_id]
            revisions.append(entry.revision)
            versions.append(entry.version)
        self._readable: dict[frozenset[str], list[SharedState]] = {}

    def of(self, row: Connection) -> AgentConnection:
        """The connection with how it stands to each state."""
        lags = tuple(
            self._lag(row, state, place)
            for state in self.readable(row)
            if (place := acked(row, state.id)) is not None
        )
        return msgspec.structs.replace(
            plain(row),
            sync_status={each.state_id: each.status for each in lags},
            states=lags,
            head=self.head,
        )

    def readable(self, row: Connection) -> list[SharedState]:
        """States that both the one who looks and the connection's agent may read."""
        reader = msgspec.convert(row.reader, Caller)
        key = reader.known_as | {"admin" if reader.admin else ""}
        found = self._readable.get(key)
        if found is None:
            found = [each for each in self._states if sees(each, reader)]
            self._readable[key] = found
        return found

    def _lag(self, row: Connection, state: SharedState, place: int) -> StateLag:
        behind = 0 if place >= state.revision else self._behind(state, place)
        return StateLag(
            state_id=state.id,
            status=self._status(row, state, behind),
            version=state.version,
            revision=state.revision,
            behind=behind,
        )

    def _behind(self, state: SharedState, place: int) -> int:
        """Versions after that revision, as far as the entries reach; at least 1."""
        revisions, versions = self._versions.get(state.id, ([], []))
        first = bisect_right(revisions, place)
        return max(1, state.version - versions[first] + 1) if first < len(versions) else 1

    def _status(self, row: Connection, state: SharedState, behind: int) -> SyncStatus:
        if (row.agent, state.id) in self._conflicts:
            return SyncStatus.CONFLICT
        if not behind:
            return SyncStatus.SYNCED
        if row.status == ConnectionStatus.ERROR:
            return SyncStatus.ERROR
        waits = row.parked or row.status != ConnectionStatus.CONNECTED
        return SyncStatus.PENDING if waits else SyncStatus.SYNCING


def _unseen(store: PersistenceLayer, space: str, rows: Sequence[Connection]) -> tuple[Entry, ...]:
    """Entries after what the subscriber furthest behind has acknowledged: the first ones."""
    least = min((each.acked for each in rows if each.acked is not None), default=None)
    if least is None:
        return ()
    try:
        return store.read_log(space, after=least, limit=ENTRIES).entries
    except Compacted:
        floor = store.open_space(space).compact_revision
    try:
        return store.read_log(space, after=floor, limit=ENTRIES).entries
    except Compacted:  # once more in between; the next look will tell
        return ()


def _patterns(row: Connection) -> tuple[str, ...]:
    subscriptions: list[dict[str, Any]] = row.subscriptions
    wanted = {pattern for each in subscriptions for pattern in each["states"]}
    return filter_of(wanted).patterns
