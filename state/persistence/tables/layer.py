"""A persistence layer over tables in the process: locking, and the contract's calls one by one."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime

import msgspec

from state.persistence.base import PersistenceLayer
from state.persistence.codec import Codec
from state.persistence.tables import dumping, listing
from state.persistence.tables.changes import Change, Compact, Drop, Forget, Put
from state.persistence.tables.judge import judge
from state.persistence.tables.rows import encode
from state.persistence.tables.space import Tables
from state.refusals import Closed, Compacted, SpaceNotFound, StateExists, StoreDown
from state.values import (
    TERMINAL,
    AuditRecord,
    ConflictRecord,
    ConflictStatus,
    Entry,
    Filters,
    Json,
    LogPage,
    OpRecord,
    PersistenceConfig,
    Result,
    Row,
    SharedState,
    SpaceInfo,
    StatePage,
    Transaction,
)


class Space:
    """A space's tables and its locks, taken in this order."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        #: Of whoever changes states: commits, and whoever holds them off.
        self.hold = threading.RLock()
        #: Of whoever changes anything, from judging to applying.
        self.turn = threading.Lock()
        #: Of the tables themselves, only for as long as they are read or changed.
        self.lock = threading.Lock()


class TablesLayer(PersistenceLayer):
    """Spaces as tables. Reading an unknown space finds nothing; read_log and all writing raise SpaceNotFound.

    A subclass makes changes durable in `_durably`, and may fill `_spaces` before its first call.
    """

    def __init__(self, config: PersistenceConfig, codec: Codec) -> None:
        super().__init__(config, codec)
        self._spaces: dict[str, Space] = {}
        #: Of `_spaces`; whoever makes or drops a space takes it first.
        self._registry = threading.Lock()

    # -- what subclasses say ----------------------------------------------------------------------------------------

    def _durably(self, changes: Sequence[Change]) -> AbstractContextManager[object]:
        """Make the changes durable, or raise StoreDown; they are applied to the tables inside the block."""
        return nullcontext()

    def _replace_all(self, spaces: dict[str, Tables]) -> None:
        """Put these spaces in the place of what there was of them, durably, all or none."""
        for space, tables in spaces.items():
            self._spaces[space] = Space(tables)

    # -- locking ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _taking(self, *locks: threading.Lock | threading.RLock) -> Iterator[None]:
        """Take the locks in order, all within the timeout."""
        until = time.monotonic() + self.config.timeout.total_seconds()
        with ExitStack() as taken:
            for lock in locks:
                if not lock.acquire(timeout=max(0.0, until - time.monotonic())):
                    raise StoreDown("The store is busy; nothing was written.")
                taken.callback(lock.release)
            yield

    @contextmanager
    def _writing(self, space: str, *, states: bool = True) -> Iterator[Space]:
        """The turn to change the space; with `states` also whoever holds its states is waited for."""
        found = self._found(space)
        locks = (found.hold, found.turn) if states else (found.turn,)
        with self._taking(*locks):
            if self._spaces.get(space) is not found:  # dropped or restored meanwhile
                raise SpaceNotFound
            yield found

    @contextmanager
    def _reading(self, space: str) -> Iterator[Tables]:
        """The tables, which nobody changes meanwhile; empty ones of an unknown space."""
        found = self._spaces.get(space)
        if found is None:
            yield Tables(SpaceInfo(id=space, epoch=""))
            return
        with found.lock:
            yield found.tables

    def _found(self, space: str) -> Space:
        found = self._spaces.get(space)
        if found is None:
            raise SpaceNotFound
        return found

    def _change(self, space: Space, changes: Sequence[Change]) -> None:
        """Make durable, then visible; by whoever has the turn."""
        if changes:
            with self._durably(changes), space.lock:
                for change in changes:
                    space.tables.apply(change)

    # -- spaces -----------------------------------------------------------------------------------------------------

    def open_space(self, space: str) -> SpaceInfo:
        with self._call(), self._taking(self._registry):
            if space not in self._spaces:
                info = SpaceInfo(id=space, epoch=uuid.uuid4().hex)
                with self._durably([Put(space=space, info=info)]):
                    self._spaces[space] = Space(Tables(info))
            return self._spaces[space].tables.info

    def spaces(self) -> list[SpaceInfo]:
        with self._call():
            return [self._spaces[space].tables.info for space in sorted(self._spaces.copy())]

    def drop_space(self, space: str) -> None:
        with self._call(), self._taking(self._registry):
            found = self._spaces.get(space)
            if found is not None:
                with self._taking(found.hold, found.turn), self._durably([Drop(space=space)]):
                    del self._spaces[space]

    # -- reading ----------------------------------------------------------------------------------------------------

    def load_states(self, space: str, ids: Iterable[str]) -> dict[str, SharedState]:
        with self._call(), self._reading(space) as tables:
            rows = {key: tables.states[key] for key in ids if key in tables.states}
        return {key: row.state() for key, row in rows.items()}

    def data_at(self, space: str, state_id: str, version: int) -> dict[str, Json]:
        with self._call(), self._reading(space) as tables:
            return tables.data_at(state_id, version)

    def list_states(
        self, space: str, filters: Filters, *, limit: int, after: str = "", with_data: bool = False
    ) -> StatePage:
        with self._call(), self._reading(space) as tables:
            return listing.page(tables, filters, limit, after, with_data=with_data)

    def history(
        self, space: str, state_id: str, *, after: int = 0, until: int | None = None, limit: int
    ) -> list[Entry]:
        with self._call(), self._reading(space) as tables:
            rows = tables.entries_between(state_id, after, until, limit)
        return [row.read(Entry) for row in rows]

    def latest(
        self, space: str, state_id: str, *, before: int | None = None, limit: int
    ) -> list[Entry]:
        with self._call(), self._reading(space) as tables:
            rows = tables.entries_before(state_id, before, limit)
        return [row.read(Entry) for row in rows]

    def read_log(self, space: str, *, after: int, limit: int) -> LogPage:
        with self._call():
            self._found(space)
            with self._reading(space) as tables:
                info = tables.info
                rows, more = tables.log_after(after, limit)
            if after < info.compact_revision:
                raise Compacted(extra={"compact_revision": info.compact_revision, "snapshot": None})
            return LogPage(space=info, entries=tuple(row.read(Entry) for row in rows), more=more)

    # -- writing ----------------------------------------------------------------------------------------------------

    def commit(self, space: str, batch: Sequence[Transaction]) -> list[Result]:
        with self._call(), self._writing(space) as found:
            results, changes = judge(found.tables, batch)
            self._change(found, changes)
            return results

    @contextmanager
    def hold(self, space: str, ids: Iterable[str]) -> Iterator[None]:
        """As the contract says; other states of the space are held as well.

        Takes no slot of `max_connections`: calls within the block need theirs.
        """
        if self._closed:
            raise Closed
        with self._taking(self._found(space).hold):
            yield

    # -- journal ----------------------------------------------------------------------------------------------------

    def find_op(self, space: str, agent: str, op_id: str) -> OpRecord | None:
        with self._call(), self._reading(space) as tables:
            row = tables.ops.get((agent, op_id))
        return row.read(OpRecord) if row else None

    def enqueue(self, op: OpRecord) -> OpRecord:
        with self._call(), self._writing(op.space, states=False) as found:
            known = found.tables.ops.get((op.agent, op.op_id))
            if known is not None:
                return known.read(OpRecord)
            kept = msgspec.structs.replace(op, n=found.tables.journal + 1)
            self._change(found, [Put(space=op.space, ops=(encode(kept),))])
            return kept

    def queued(
        self, space: str, *, state_id: str | None = None, limit: int = 100
    ) -> list[OpRecord]:
        with self._call(), self._reading(space) as tables:
            rows = listing.waiting(tables, state_id)[:limit]
        return [row.read(OpRecord) for row in rows]

    def note_retry(self, op: OpRecord, error: str) -> None:
        with self._call(), self._writing(op.space, states=False) as found:
            row = found.tables.waiting.get((op.agent, op.op_id))
            if row is not None:
                kept = row.read(OpRecord)
                kept = msgspec.structs.replace(kept, retry=kept.retry + 1, error=error)
                self._change(found, [Put(space=op.space, ops=(encode(kept),))])

    def forget_ops(self, space: str, *, before: datetime) -> int:
        with self._call(), self._writing(space, states=False) as found:
            old = tuple(
                key
                for key, row in found.tables.ops.items()
                if row.columns.status in TERMINAL
                and (row.columns.done_at or row.columns.at) < before
            )
            self._change(found, [Forget(space=space, ops=old)] if old else [])
            return len(old)

    # -- conflicts and audit ----------------------------------------------------------------------------------------

    def find_conflict(self, space: str, conflict_id: str) -> ConflictRecord | None:
        with self._call(), self._reading(space) as tables:
            row = tables.conflicts.get(conflict_id)
        return row.read(ConflictRecord) if row else None

    def conflicts(
        self,
        space: str,
        *,
        status: ConflictStatus | None = None,
        state_id: str | None = None,
        limit: int = 100,
    ) -> list[ConflictRecord]:
        with self._call(), self._reading(space) as tables:
            rows = listing.conflicts(tables, status, state_id)[:limit]
        return [row.read(ConflictRecord) for row in rows]

    def read_audit(self, space: str, *, after: int, limit: int) -> list[AuditRecord]:
        with self._call(), self._reading(space) as tables:
            rows = tables.audit[after : after + limit]
        return [msgspec.json.decode(raw, type=AuditRecord) for raw in rows]

    # -- keeping ----------------------------------------------------------------------------------------------------

    def compact(self, space: str, floor: int) -> SpaceInfo:
        with self._call(), self._writing(space) as found:
            info = found.tables.info
            floor = min(floor, info.revision)
            if floor > info.compact_revision:
                self._change(found, [Compact(space=space, floor=floor)])
            return found.tables.info

    def oldest_within(self, space: str, at: datetime) -> int:
        with self._call(), self._reading(space) as tables:
            return tables.oldest_within(at)

    def counts(self, space: str | None = None) -> dict[str, int]:
        with self._call():
            total: dict[str, int] = dict.fromkeys(listing.GAUGES, 0)
            for each in [space] if space is not None else sorted(self._spaces.copy()):
                with self._reading(each) as tables:
                    for gauge, number in listing.gauges(tables).items():
                        total[gauge] += number
            return total

    # -- backup -----------------------------------------------------------------------------------------------------

    def dump(self, space: str) -> Iterator[Row]:
        with self._call():
            self._found(space)
            with self._reading(space) as tables:
                frozen = tables.copy()
        return dumping.rows_of(frozen)

    def fill(self, spaces: dict[str, Iterable[Row]], *, replace: bool) -> None:
        with self._call():
            filled = {
                space: dumping.tables_from(space, rows, epoch=uuid.uuid4().hex)
                for space, rows in spaces.items()
            }
            with ExitStack() as stack:
                stack.enter_context(self._taking(self._registry))
                for space in sorted(filled):
                    there = self._spaces.get(space)
                    if there is not None:
                        stack.enter_context(self._taking(there.hold, there.turn))
                        if there.tables.states and not replace:
                            raise StateExists(f"The space {space!r} has states already.")
                self._replace_all(filled)

    def rekey(self) -> int:
        """Nothing is encrypted in the process's own memory, so no part has another key."""
        with self._call():
            return 0
