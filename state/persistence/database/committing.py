"""The one place where states are written: a batch of transactions becomes one transaction of the database.

Locks are taken in one order: rows of operations, rows of states by id, the row of the space. All thinking is done
before the last, which every commit of the space waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, Final

import msgspec
from django.db import IntegrityError, OperationalError, transaction

from state.models import Audit, Conflict, Entry, Op, Snapshot, State
from state.persistence.database import faults
from state.persistence.database.connected import TRIES, Connected
from state.persistence.database.drafting import Draft
from state.persistence.database.judging import Head, OpKey, judge, named, op_key, versions_of
from state.persistence.database.rows import CONFLICT, OP, STATE
from state.persistence.database.statements import Statement, among, inserting, send
from state.refusals import SpaceNotFound
from state.values import Mismatch, OpRecord, Result, Transaction

#: What a commit changes of a state that is there already, of a settled operation, of a known conflict.
_STATE: Final = (
    *(name for name in STATE if name not in ("space_id", "key", "compacted_version")),
    *("owners", "tags", "text", "bytes", "delta_bytes", "data"),
)
_OP: Final = tuple(name for name in OP if name not in ("id", "space_id", "agent", "op_id"))
_CONFLICT: Final = tuple(name for name in CONFLICT if name not in ("space_id", "conflict_id"))


class _Claimed(msgspec.Struct):
    """Rows of operations that are locked: their ids, what they say, and which of them were there before."""

    ids: dict[OpKey, Any] = {}
    kept: dict[OpKey, OpRecord] = {}
    before: dict[OpKey, OpRecord] = {}


class Committing(Connected):
    """Commits, and keeps others from committing."""

    def commit(self, space: str, batch: Sequence[Transaction]) -> list[Result]:
        """As the contract says. Within `hold` it gives way to the twin of one of its operations that waits for the
        held states: then nothing was written, and all is a Mismatch that names the versions as they are."""
        with self._call():
            try:
                return self._repeated(space, batch)
            except OperationalError as error:
                # Operations come before states, and a hold took states first. The savepoint that this was is rolled
                # back, so that the hold goes on; but nothing moves until it ends, so to try here again is no use.
                if not (self._thread.holds and faults.is_deadlock(error)):
                    raise
            return self._given_way(space, batch)

    def _repeated(self, space: str, batch: Sequence[Transaction]) -> list[Result]:
        creates = any(write.expect == 0 for each in batch for write in each.writes)
        for _ in range(1, TRIES if creates else 1):
            try:
                return self._run(lambda: self._commit(space, batch))
            except IntegrityError:
                pass  # Somebody created the same state: a row that is not there cannot be locked. Judge anew.
        return self._run(lambda: self._commit(space, batch))

    def _given_way(self, space: str, batch: Sequence[Transaction]) -> list[Result]:
        rows = State.objects.using(self.alias).filter(space=space, key__in=named(batch))
        heads = {
            key: Head(version=version, deleted=deleted)
            for key, version, deleted in rows.values_list("key", "version", "deleted")
        }
        return [Mismatch(versions=versions_of(each, heads)) for each in batch]

    @contextmanager
    def hold(self, space: str, ids: Iterable[str]) -> Iterator[None]:
        """As the contract says. Where one of the states does not exist, the space is held."""
        wanted = set(ids)
        with self._call():
            self._run(self._answers)
            with self._transaction(limited=False) as connection:
                _, heads = self._lock(connection, space, wanted)
                if not all(head.id for head in heads.values()):
                    self._numbers(connection, space)
                self._thread.holds += 1
                try:
                    yield
                finally:
                    self._thread.holds -= 1

    def _answers(self) -> None:
        """Find out whether the connection was lost."""
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def _commit(self, space: str, batch: Sequence[Transaction]) -> list[Result]:
        with self._transaction(limited=False) as connection:
            claimed, heads = self._lock(
                connection, space, named(batch), [each.op for each in batch if each.op]
            )
            known = claimed.before.copy()
            verdicts = judge(batch, known, heads)
            judged = list(zip(batch, verdicts, strict=True))
            draft = Draft(
                self._rows, space, [each for each, verdict in judged if verdict is None], heads
            )
            if None in verdicts:
                settling = self._settling(connection, claimed, known)
                storing = list(chain(*self._storing(connection, draft)))
                if draft.revisions or draft.audits:
                    taking = {"revision": draft.revisions, "audit": draft.audits}
                    revision, audit, _ = self._numbers(
                        connection, space, before=settling, after=storing, **taking
                    )
                    draft.number(revision, audit)
                    send(connection, inserting(connection, Audit, draft.audit))
                else:
                    self._require(space)
                    send(connection, settling, storing)
            else:
                transaction.set_rollback(True, using=self.alias)
        done = iter(draft.results())
        return [next(done) if verdict is None else verdict for verdict in verdicts]

    def _storing(self, connection: Any, draft: Draft) -> Iterator[list[Statement]]:
        """What writes the draft but its audit; whoever commits to the space waits for it."""
        yield inserting(connection, State, draft.states, key=("id",), change=_STATE, numbered=True)
        yield inserting(connection, Entry, draft.entries, numbered=True)
        yield inserting(connection, Snapshot, draft.snapshots)
        key = ("space_id", "conflict_id")
        yield inserting(connection, Conflict, draft.conflicts, key=key, change=_CONFLICT)

    def _settling(
        self, connection: Any, claimed: _Claimed, known: dict[OpKey, OpRecord]
    ) -> list[Statement]:
        """What brings the claimed rows to what is known of their operations now."""
        changed = {key: op for key, op in known.items() if op != claimed.kept[key]}
        rows = [self._rows.op(op, claimed.ids[key]) for key, op in changed.items()]
        settling = inserting(connection, Op, rows, key=("id",), change=_OP)
        void = [row_id for key, row_id in claimed.ids.items() if key not in known]
        if void:
            places = ", ".join(["%s"] * len(void))
            settling.append((f"DELETE FROM state_op WHERE id IN ({places})", void))
        return settling

    # -- locks ------------------------------------------------------------------------------------------------------

    def _lock(
        self, connection: Any, space: str, keys: set[str], ops: Sequence[OpRecord] = ()
    ) -> tuple[_Claimed, dict[str, Head]]:
        """Take the rows of these operations, and then of these states, which nobody else can change any more.

        A twin of a request waits here for its operation, and then finds what became of it.
        """
        first: dict[OpKey, OpRecord] = {}
        for op in ops:
            first.setdefault(op_key(op), op)
        rows = {key: self._rows.op(first[key]) for key in sorted(first)}
        claim = inserting(
            connection,
            Op,
            rows.values(),
            key=("space_id", "agent", "op_id"),
            change=("op_id",),  # locks a row that is there, and has it returned
            back=("agent", "op_id", "id"),
        )
        lock = self._locking(connection, space, keys) if keys else []
        _, claimed, locked = send(connection, self._limits(), claim, lock)
        heads = {key: Head() for key in keys}
        for key, row_id, version, deleted, *numbers in locked:
            heads[key] = Head(row_id, version, bool(deleted), *numbers)
        ids = {(agent, op_id): row_id for agent, op_id, row_id in claimed}
        before = self._known_before(connection, ids, rows)
        return _Claimed(ids, first | before, before), heads

    def _locking(self, connection: Any, space: str, keys: set[str]) -> list[Statement]:
        condition, wanted = among(connection, "key", sorted(keys))
        lock = "" if self._is_sqlite else " FOR NO KEY UPDATE"
        columns = '"key", id, version, deleted, compacted_version, bytes, delta_bytes'
        sql = f"SELECT {columns} FROM state_state WHERE space_id = %s AND {condition}"
        return [(f"{sql} ORDER BY id{lock}", [space, *wanted])]

    def _known_before(
        self, connection: Any, ids: dict[OpKey, Any], rows: dict[OpKey, dict[str, Any]]
    ) -> dict[OpKey, OpRecord]:
        """What those say that were there already: their ids are not the ones that `rows` would have got."""
        prepare = Op._meta.pk.get_db_prep_value
        there = [
            row_id for key, row_id in ids.items() if row_id != prepare(rows[key]["id"], connection)
        ]
        if not there:
            return {}
        found = map(self._rows.op_of, Op.objects.using(self.alias).filter(id__in=there).values(*OP))
        return {op_key(op): op for op in found}

    def _numbers(
        self,
        connection: Any,
        space: str,
        *,
        before: Sequence[Statement] = (),
        after: Sequence[Statement] = (),
        revision: int = 0,
        audit: int = 0,
        journal: int = 0,
    ) -> tuple[int, int, int]:
        """Take the space, and so many numbers from it, with what is to be done before and after; the last ones given
        out. Raises SpaceNotFound."""
        taking = (
            "UPDATE state_space SET revision = revision + %s, audit = audit + %s,"
            " journal = journal + %s WHERE id = %s RETURNING revision, audit, journal"
        )
        numbers = [(taking, [revision, audit, journal, space])]
        _, found, _ = send(connection, before, numbers, after)
        if not found:
            raise SpaceNotFound
        last: tuple[int, int, int] = found[0]
        return last
