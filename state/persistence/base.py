"""The contract of persistence layers: memory, file, database and redis keep spaces of versioned states alike.

One suite (tests/persistence) holds every layer to it. A layer knows nothing of permissions, merging or events: the
manager decides, and hands over whole transactions with the versions they were decided upon.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

import msgspec

from state import jsonvalue
from state.persistence import archive
from state.persistence.codec import Codec
from state.persistence.lineage import Lineage
from state.refusals import Closed, StateNotFound, StoreDown, VersionMismatch
from state.values import (
    AuditRecord,
    Committed,
    ConflictRecord,
    ConflictStatus,
    Entry,
    EntryKind,
    Filters,
    Json,
    LogPage,
    Mismatch,
    Operation,
    OperationType,
    OpRecord,
    PersistenceConfig,
    PersistenceType,
    Result,
    Row,
    SharedState,
    SpaceInfo,
    StatePage,
    Transaction,
    Write,
)

#: A state's data is kept whole at every so many versions, and where deltas outgrow twice the document.
SNAPSHOT_EVERY = 64


class PersistenceLayer(ABC):
    """Keeps spaces, their states, logs, journals, conflicts and audit trails.

    Thread-safe. Whatever a call returns is the caller's own copy. Whoever sees a revision can see all before it.
    Every call may raise Closed (after `close`), StoreDown (the store did not answer within `config.timeout`, or all
    `config.max_connections` were busy so long: nothing was written), Damaged, WrongKey.
    """

    type: ClassVar[PersistenceType]

    def __init__(self, config: PersistenceConfig, codec: Codec) -> None:
        """Opens the store. Raises StoreDown, Damaged, WrongKey or ConfigInvalid rather than at the first use."""
        self.config = config
        self.codec = codec
        self._slots = threading.BoundedSemaphore(config.max_connections)
        self._closed = False

    @contextmanager
    def _call(self) -> Iterator[None]:
        """Every public call of a layer runs in this: refused when closed, and within `max_connections`."""
        if self._closed:
            raise Closed
        if not self._slots.acquire(timeout=self.config.timeout.total_seconds()):
            raise StoreDown("All connections to the store are busy; nothing was written.")
        try:
            yield
        finally:
            self._slots.release()

    # -- spaces ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def open_space(self, space: str) -> SpaceInfo:
        """The space as it stands; made, with a new random epoch, when there is none."""

    @abstractmethod
    def spaces(self) -> list[SpaceInfo]:
        """All spaces, by id."""

    @abstractmethod
    def drop_space(self, space: str) -> None:
        """Remove the space and everything in it; nothing happens when there is none."""

    # -- reading --------------------------------------------------------------------------------------------------

    @abstractmethod
    def load_states(self, space: str, ids: Iterable[str]) -> dict[str, SharedState]:
        """These states as they stand, tombstones included (their data is {}); unknown ids are left out. One read."""

    def load_state(self, space: str, state_id: str) -> SharedState:
        """The state as it stands, a tombstone included. Raises StateNotFound."""
        found = self.load_states(space, [state_id]).get(state_id)
        if found is None:
            raise StateNotFound
        return found

    @abstractmethod
    def data_at(self, space: str, state_id: str, version: int) -> dict[str, Json]:
        """The data as of that version ({} for a tombstone's): the nearest snapshot and what follows it.

        Raises VersionNotFound (never reached), Compacted (older than `compacted_version`).
        """

    @abstractmethod
    def list_states(
        self, space: str, filters: Filters, *, limit: int, after: str = "", with_data: bool = False
    ) -> StatePage:
        """States in the order of their ids, those after the id `after`; without data unless asked. A constant
        number of reads, all at one revision. `sync_status` and `pending_ops` are filled in."""

    def find_states(
        self, spaces: Collection[str], text: str, *, limit: int, offset: int = 0
    ) -> list[SharedState]:
        """Living states of any of these spaces in which all words of `text` stand (`Filters.text`), without data;
        written last first. One read for the database, one for each space elsewhere."""
        wanted, size = Filters(text=text), self.config.batch_size
        found: list[SharedState] = []
        for space in {each.id for each in self.spaces()}.intersection(spaces):
            page = self.list_states(space, wanted, limit=size)
            found += page.states
            while page.next:
                page = self.list_states(space, wanted, limit=size, after=page.next)
                found += page.states
        found.sort(key=lambda each: (each.timestamp, each.id), reverse=True)
        return found[offset : offset + limit]

    @abstractmethod
    def history(
        self, space: str, state_id: str, *, after: int = 0, until: int | None = None, limit: int
    ) -> list[Entry]:
        """The state's entries with after < version <= until, ascending, at most `limit`."""

    @abstractmethod
    def latest(
        self, space: str, state_id: str, *, before: int | None = None, limit: int
    ) -> list[Entry]:
        """The state's newest entries (with version < before), descending."""

    @abstractmethod
    def read_log(self, space: str, *, after: int, limit: int) -> LogPage:
        """The space's entries with a revision > after, whole revisions only, about `limit` of them (at least one
        revision), read at one moment together with the space. Raises Compacted when `after` < compact_revision."""

    # -- writing --------------------------------------------------------------------------------------------------

    @abstractmethod
    def commit(self, space: str, batch: Sequence[Transaction]) -> list[Result]:
        """Write the transactions in order, each whole or not at all; what fails alone does not hinder the others,
        and later ones see what earlier ones wrote. Durable when it returns.

        Order of judgement for each: a settled op_id → Replayed; a version other than expected → Mismatch (naming
        all of them); else revision +1 (if it has writes), entries numbered seq 0.., op settled, conflicts and audit
        kept. Takes locks always in the order: op rows, state rows by id, the space. Raises OutcomeUnknown when the
        connection broke under the commit; anything else raised means nothing was written.
        """

    @abstractmethod
    def hold(self, space: str, ids: Iterable[str]) -> AbstractContextManager[None]:
        """Keep other writers off these states while the block runs, so that what is read in it stays true until
        it commits from the same thread. Raises StoreDown when it cannot be had within the timeout."""

    # -- journal --------------------------------------------------------------------------------------------------

    @abstractmethod
    def find_op(self, space: str, agent: str, op_id: str) -> OpRecord | None:
        """What is known under that op_id."""

    @abstractmethod
    def enqueue(self, op: OpRecord) -> OpRecord:
        """Keep a queued operation, durably, with the next number `n` of its space; if its op_id is known
        already, that record is returned and nothing is written."""

    @abstractmethod
    def queued(
        self, space: str, *, state_id: str | None = None, limit: int = 100
    ) -> list[OpRecord]:
        """Operations that wait, in the order of their numbers."""

    @abstractmethod
    def note_retry(self, op: OpRecord, error: str) -> None:
        """Count one more transient failure of a queued operation."""

    @abstractmethod
    def forget_ops(self, space: str, *, before: datetime) -> int:
        """Remove outcomes settled before then; how many."""

    # -- conflicts and audit --------------------------------------------------------------------------------------

    @abstractmethod
    def find_conflict(self, space: str, conflict_id: str) -> ConflictRecord | None:
        """The parked conflict."""

    @abstractmethod
    def conflicts(
        self,
        space: str,
        *,
        status: ConflictStatus | None = None,
        state_id: str | None = None,
        limit: int = 100,
    ) -> list[ConflictRecord]:
        """Parked conflicts, newest first."""

    @abstractmethod
    def read_audit(self, space: str, *, after: int, limit: int) -> list[AuditRecord]:
        """Audit records with a number > after, ascending."""

    # -- all spaces at once ---------------------------------------------------------------------------------------

    def newest(self, limit: int) -> list[tuple[Entry, SharedState]]:
        """The newest entries of all spaces, newest first, each with its state as it stands (perhaps without data)."""
        found: list[tuple[Entry, SharedState]] = []
        for space in self.spaces():
            after = max(space.compact_revision, space.revision - limit)
            entries = self.read_log(space.id, after=after, limit=limit).entries
            states = self.load_states(space.id, {entry.state_id for entry in entries})
            found += [
                (entry, states[entry.state_id]) for entry in entries if entry.state_id in states
            ]
        found.sort(key=lambda each: (each[0].at, each[0].revision, each[0].seq), reverse=True)
        return found[:limit]

    def open_conflicts(self, limit: int) -> list[tuple[ConflictRecord, SharedState]]:
        """Open conflicts of all spaces, newest first, each with its state likewise."""
        found: list[tuple[ConflictRecord, SharedState]] = []
        for space in self.spaces() if self.counts()["open_conflicts"] else ():
            records = self.conflicts(space.id, status=ConflictStatus.OPEN, limit=limit)
            states = self.load_states(space.id, {each.state_id for each in records})
            found += [(each, states[each.state_id]) for each in records if each.state_id in states]
        found.sort(key=lambda each: each[0].created_at, reverse=True)
        return found[:limit]

    # -- keeping --------------------------------------------------------------------------------------------------

    @abstractmethod
    def compact(self, space: str, floor: int) -> SpaceInfo:
        """Give up history up to and including revision `floor`: write for each state a snapshot of its version as
        of the floor, commit the new `compact_revision` (and the states' `compacted_version`), and only then remove
        entries and older snapshots, in batches. Rows of tombstones stay: a later recreation continues their
        version. A floor below the present one does nothing; two compactors do not hinder each other."""

    @abstractmethod
    def oldest_within(self, space: str, at: datetime) -> int:
        """The revision of the newest entry committed before `at` (0: none): what retention may give up."""

    @abstractmethod
    def counts(self, space: str | None = None) -> dict[str, int]:
        """Gauges: `total_states` (ever created), `active_states`, `pending_operations`, `open_conflicts`."""

    # -- backup ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def dump(self, space: str) -> Iterator[Row]:
        """Everything of the space at one revision, the space row first, without keeping writers waiting."""

    @abstractmethod
    def fill(self, spaces: dict[str, Iterable[Row]], *, replace: bool) -> None:
        """Restore: all these spaces or none, each under a new epoch. Raises StateExists when one of them has states
        and `replace` is false."""

    @abstractmethod
    def rekey(self) -> int:
        """Encrypt everything anew with the keyring's first key, while in use; how many parts had another one."""

    def backup(self, path: Path) -> archive.Manifest:
        """Write all spaces, each at one revision, to the file `path` (made whole or not at all)."""
        return archive.write(
            path, {each.id: self.dump(each.id) for each in self.spaces()}, self.codec
        )

    def restore(self, path: Path, *, replace: bool = False) -> archive.Manifest:
        """Bring back what `backup` wrote, of whatever layer, under new epochs and uids; all of it or nothing.

        Versions are counted anew from where the backup stood, so that an ETag of before would fit other data after it,
        were its life not called otherwise.
        Every hash is verified before anything is touched: raises Damaged naming the part, WrongKey, StateExists.
        """
        with archive.reading(path, self.codec) as found:
            self.fill(Lineage(uuid4()).spaces(found.spaces()), replace=replace)
            return found.manifest

    # -- the seed's single-state calls ------------------------------------------------------------------------------

    def save_state(self, state: SharedState, *, expect: int = 0) -> SharedState:
        """Keep `state` as the version after `expect` (0: a new one). Raises VersionMismatch."""
        return self._write(state, expect, EntryKind.CREATE)

    def update_state(self, state: SharedState, *, expect: int | None = None) -> SharedState:
        """Keep `state` as the next version; `expect` is the present one (default: state.version). Raises
        VersionMismatch."""
        return self._write(state, state.version if expect is None else expect, EntryKind.UPDATE)

    def delete_state(self, space: str, state_id: str, *, expect: int | None = None) -> SharedState:
        """Leave a tombstone; `expect` is the present version (default: whatever it is). Raises StateNotFound,
        VersionMismatch."""
        state = self.load_state(space, state_id)
        gone = msgspec.structs.replace(state, data={}, deleted=True)
        return self._write(gone, state.version if expect is None else expect, EntryKind.DELETE)

    def _write(self, state: SharedState, expect: int, kind: EntryKind) -> SharedState:
        now = datetime.now(UTC)
        digest = jsonvalue.digest(state.data)
        after = msgspec.structs.replace(state, version=expect + 1, timestamp=now, hash=digest)
        ops = (
            Operation(OperationType.DELETE)
            if kind is EntryKind.DELETE
            else Operation(OperationType.SET, "", state.data),
        )
        entry = Entry(
            space=state.space,
            state_id=state.id,
            uid=state.uid,
            version=after.version,
            kind=kind,
            agent="system",
            ops=ops,
            at=now,
            hash=digest,
        )
        write = Write(state=after, expect=expect, entry=entry)
        result = self.commit(state.space, [Transaction(writes=(write,))])[0]
        if isinstance(result, Mismatch):
            raise VersionMismatch(extra={"current": result.versions[state.id]})
        assert isinstance(result, Committed)  # no op_id: nothing to replay
        return result.states[0]

    # -- the end ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Let go of files and connections; idempotent. Later calls raise Closed."""
        self._closed = True
