"""Which transactions of a batch stand, and what they change: pure, tables are only read."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from state.persistence.tables.changes import Put
from state.persistence.tables.rows import encode, head_of
from state.persistence.tables.space import Tables
from state.values import (
    TERMINAL,
    AuditRecord,
    Committed,
    Entry,
    Mismatch,
    OpRecord,
    Replayed,
    Result,
    SharedState,
    Transaction,
    Write,
)


class _Standing(msgspec.Struct):
    """A state as the transactions before leave it."""

    version: int = 0
    deleted: bool = False
    compacted_version: int = 1


class Judge:
    """Judges the transactions of one batch in order; later ones see what earlier ones change."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._info = tables.info
        self._states: dict[str, _Standing] = {}
        self._ops: dict[tuple[str, str], OpRecord] = {}
        #: What the transactions that stand change, in order.
        self.changes: list[Put] = []

    def judge(self, transaction: Transaction) -> Result:
        """A settled op_id → Replayed; other versions than expected → Mismatch; else Committed."""
        op = transaction.op
        known = self._known(op) if op else None
        if known is not None and known.status in TERMINAL:
            return Replayed(op=known)
        other = self._mismatches(transaction)
        if other:
            return Mismatch(versions=other)
        return self._stand(transaction, known)

    def _known(self, op: OpRecord) -> OpRecord | None:
        key = (op.agent, op.op_id)
        row = self._tables.ops.get(key)
        return self._ops.get(key) or (row.read(OpRecord) if row else None)

    def _standing(self, state_id: str) -> _Standing:
        row = self._tables.states.get(state_id)
        kept = (
            _Standing(row.columns.version, row.columns.deleted, row.columns.compacted_version)
            if row
            else _Standing()
        )
        return self._states.get(state_id, kept)

    def _mismatches(self, transaction: Transaction) -> dict[str, int]:
        """The states whose version is another one than expected, with that version."""
        found: dict[str, int] = {}
        for state_id, expected in transaction.checks.items():
            now = self._standing(state_id)
            version = 0 if now.deleted else now.version
            if version != expected:
                found[state_id] = version
        versions: dict[str, int] = {}
        for write in transaction.writes:
            _require_next(write)
            state_id = write.state.id
            version = versions.get(state_id, self._standing(state_id).version)
            if version != write.expect:
                found[state_id] = version
            versions[state_id] = write.state.version
        return found

    def _stand(self, transaction: Transaction, known: OpRecord | None) -> Committed:
        info = self._info
        if transaction.writes:
            info = msgspec.structs.replace(info, revision=info.revision + 1)
        states: list[SharedState] = []
        entries: list[Entry] = []
        for seq, write in enumerate(transaction.writes):
            before = self._standing(write.state.id)
            state = msgspec.structs.replace(
                write.state,
                revision=info.revision,
                compacted_version=before.compacted_version,
            )
            self._states[state.id] = _Standing(
                state.version, state.deleted, before.compacted_version
            )
            states.append(state)
            entries.append(msgspec.structs.replace(write.entry, revision=info.revision, seq=seq))
        audit: list[AuditRecord] = []
        for n, record in enumerate(transaction.audit, start=info.audit + 1):
            audit.append(msgspec.structs.replace(record, n=n))
        self._info = msgspec.structs.replace(info, audit=info.audit + len(audit))
        op = transaction.op
        if op is not None:
            op = msgspec.structs.replace(op, request=None, n=op.n or (known.n if known else 0))
            self._ops[(op.agent, op.op_id)] = op
        put = Put(
            space=info.id,
            info=self._info,
            writes=tuple(
                (head_of(state), encode(state.data), encode(entry))
                for state, entry in zip(states, entries, strict=True)
            ),
            ops=(encode(op),) if op else (),
            conflicts=tuple(map(encode, transaction.conflicts)),
            audit=tuple(map(encode, audit)),
        )
        if put.writes or put.ops or put.conflicts or put.audit:
            self.changes.append(put)
        return Committed(
            revision=info.revision if states else 0,
            states=tuple(states),
            entries=tuple(entries),
            audit=tuple(audit),
        )


def judge(tables: Tables, batch: Sequence[Transaction]) -> tuple[list[Result], list[Put]]:
    """What becomes of each transaction, and the changes of those that stand."""
    bench = Judge(tables)
    return [bench.judge(each) for each in batch], bench.changes


def _require_next(write: Write) -> None:
    """Raises ValueError for a write that could not be right whatever is kept."""
    state, entry = write.state, write.entry
    if not (state.version == entry.version == write.expect + 1 and state.id == entry.state_id):
        raise ValueError(f"A write of {state.id!r} must lead from version {write.expect} by one.")
