"""Whole spaces out of the database and into it: backups are made of these rows."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import msgspec
from django.db import connections
from django.db.models import F, Model, Q

from state.models import Audit, Conflict, Entry, Op, Snapshot, Space, State
from state.models.fields import new_id
from state.persistence.database.keeping import Keeping
from state.persistence.database.rows import AUDIT, CONFLICT, ENTRY, OP, SPACE, STATE, space_of
from state.persistence.database.statements import insert
from state.refusals import Damaged, SpaceNotFound, StateExists
from state.values import AuditRecord, ConflictRecord, OpRecord, Row, SharedState, SpaceInfo
from state.values import Entry as EntryValue
from state.values import Snapshot as SnapshotValue

T = TypeVar("T")

_SNAPSHOT: Final = ("uid", "version", "data", "state__key")
#: For the names of connections.
_count = itertools.count(1)


class Copying(Keeping):
    """Dumps and fills."""

    def dump(self, space: str) -> Iterator[Row]:
        """As the contract says. To be read to its end, or closed, by the thread that began it."""
        with self._call():
            if self._read(lambda: self._info(space)) is None:
                raise SpaceNotFound
        return self._dump(space)

    def _dump(self, space: str) -> Iterator[Row]:
        with self._call(), self._aside() as alias, self._moment(alias):
            spaces = Space.objects.using(alias).filter(id=space).values(*SPACE)
            info = spaces.first()
            if info is None:
                raise SpaceNotFound
            yield Row(kind="space", value=msgspec.to_builtins(space_of(info)))
            for kind, value in self._values(space, alias):
                yield Row(kind=kind, value=msgspec.to_builtins(value))

    def _values(self, space: str, alias: str) -> Iterator[tuple[str, msgspec.Struct]]:
        """Everything of the space but itself."""

        def each(model: type[Model], columns: tuple[str, ...], *order: str) -> Iterator[Any]:
            rows = model._default_manager.using(alias).filter(Q(space=space)).order_by(*order)
            return rows.values(*columns).iterator(chunk_size=self.config.batch_size)

        rows = self._rows
        for row in each(State, (*STATE, "data"), "key"):
            yield "state", rows.state_of(row)
        for row in each(Entry, ENTRY, "revision", "seq"):
            yield "entry", rows.entry_of(row)
        for row in each(Snapshot, _SNAPSHOT, "state__key", "version"):
            key, version = row["state__key"], row["version"]
            data = rows.data_of(row["data"], space, row["uid"], version)
            yield "snapshot", SnapshotValue(space=space, state_id=key, version=version, data=data)
        for row in each(Op, OP, "n", "id"):
            yield "op", rows.op_of(row)
        for row in each(Conflict, CONFLICT, "id"):
            yield "conflict", rows.conflict_of(row)
        for row in each(Audit, AUDIT, "n"):
            yield "audit", rows.audit_of(row)

    @contextmanager
    def _aside(self) -> Iterator[str]:
        """The name of a connection besides the thread's own, which is free for other work meanwhile.

        In a transaction it is the thread's own: another one would not see what is not committed yet.
        """
        if self._connection.in_atomic_block:
            yield self.alias
            return
        alias = f"{self.alias}, dump {next(_count)}"
        own = self._connection.copy(alias)
        connections[alias] = own
        try:
            yield alias
        finally:
            own.close()
            del connections[alias]

    # -- into -----------------------------------------------------------------------------------------------------

    def fill(self, spaces: dict[str, Iterable[Row]], *, replace: bool) -> None:
        """As the contract says."""
        with self._call(), self._transaction() as connection:
            for space in sorted(spaces):
                there = State.objects.using(self.alias).filter(space=space)
                if not replace and there.exists():
                    raise StateExists(f"The space {space!r} has states already.")
                self._drop(space)
                _Filling(self, connection, space).fill(spaces[space])


class _Filling:
    """One space as it is filled: rows are collected, and written many at a time."""

    def __init__(self, layer: Copying, connection: Any, space: str) -> None:
        self._rows = layer._rows
        self._size = layer.config.batch_size
        self._alias = layer.alias
        self._connection = connection
        self._space = space
        self._states: dict[str, tuple[uuid.UUID, str]] = {}
        self._waiting: dict[type[Model], list[dict[str, Any]]] = {}
        self._journal = 0

    def fill(self, rows: Iterable[Row]) -> None:
        """Write all rows. Raises Damaged for one that cannot be."""
        try:
            for row in rows:
                self._take(row)
        except (msgspec.ValidationError, KeyError) as error:
            raise Damaged(
                f"The backup of space {self._space!r} holds a row that is none: {error}"
            ) from error
        for model in list(self._waiting):
            self._flush(model)
        mine = Space.objects.using(self._alias).filter(id=self._space)
        mine.update(journal=self._journal)
        # The document is the last snapshot of all: what came after an earlier one counts from here.
        State.objects.using(self._alias).filter(space=self._space).update(delta_bytes=F("bytes"))

    def _take(self, row: Row) -> None:
        rows = self._rows
        match row.kind:
            case "space":
                info = msgspec.convert(row.value, SpaceInfo)
                columns = {name: getattr(info, name) for name in SPACE}
                columns |= {"id": self._space, "epoch": uuid.uuid4().hex, "journal": 0}
                self._put(Space, columns)
                self._flush(Space)
            case "state":
                state = self._own(row, SharedState)
                self._states[state.id] = (new_id(), state.uid)
                columns = rows.state(state, rows.data(state))
                self._put(State, columns | {"id": self._states[state.id][0], "delta_bytes": 0})
            case "entry":
                entry = self._own(row, EntryValue)
                columns = rows.entry(entry, rows.entry_body(entry))
                self._put(Entry, columns | {"state_id": self._states[entry.state_id][0]})
            case "snapshot":
                self._put(Snapshot, self._snapshot(self._own(row, SnapshotValue)))
            case "op":
                op = self._own(row, OpRecord)
                self._journal = max(self._journal, op.n)
                self._put(Op, rows.op(op))
            case "conflict":
                self._put(Conflict, rows.conflict(self._own(row, ConflictRecord)))
            case "audit":
                self._put(Audit, rows.audit(self._space, msgspec.convert(row.value, AuditRecord)))
            case _:
                raise KeyError(row.kind)

    def _own(self, row: Row, kind: type[T]) -> T:
        """The row's value, in this space."""
        return msgspec.convert(row.value | {"space": self._space}, kind)

    def _snapshot(self, kept: SnapshotValue) -> dict[str, Any]:
        row_id, uid = self._states[kept.state_id]
        place = (self._space, uid, kept.version, "data")
        return {
            "space_id": self._space,
            "state_id": row_id,
            "version": kept.version,
            "uid": uid,
            "data": self._rows.codec.pack(kept.data, *place),
        }

    def _put(self, model: type[Model], columns: dict[str, Any]) -> None:
        waiting = self._waiting.setdefault(model, [])
        waiting.append(columns)
        if len(waiting) >= self._size:
            self._flush(model)

    def _flush(self, model: type[Model]) -> None:
        insert(self._connection, model, self._waiting.pop(model, []))
