"""Which transactions of a batch stand, given what is locked: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from state.values import (
    TERMINAL,
    Mismatch,
    OpRecord,
    Replayed,
    SharedState,
    Transaction,
    Write,
)

OpKey = tuple[str, str]


class Head(msgspec.Struct):
    """A state's row as the transactions before leave it."""

    #: None: there is no row yet.
    id: object | None = None
    version: int = 0
    deleted: bool = False
    compacted_version: int = 1
    #: Of the data as it is kept, and of the entries since the last snapshot.
    bytes: int = 0
    delta_bytes: int = 0

    def follow(self, state: SharedState) -> None:
        """The state's next version stands."""
        self.version, self.deleted = state.version, state.deleted


def op_key(op: OpRecord) -> OpKey:
    """What an operation is known by in its space."""
    return (op.agent, op.op_id)


def named(batch: Sequence[Transaction]) -> set[str]:
    """The states that the transactions write or compare."""
    return {key for each in batch for key in each.checks} | {
        write.state.id for each in batch for write in each.writes
    }


def versions_of(transaction: Transaction, heads: Mapping[str, Head]) -> dict[str, int]:
    """The versions that its states have, as a Mismatch tells them: 0 for none, and for a tombstone where it is only
    compared."""
    none = Head()
    compared = {key: heads.get(key, none) for key in transaction.checks}
    written = {write.state.id for write in transaction.writes}
    return {key: 0 if head.deleted else head.version for key, head in compared.items()} | {
        key: heads.get(key, none).version for key in written
    }


def judge(
    batch: Sequence[Transaction], known: dict[OpKey, OpRecord], heads: dict[str, Head]
) -> list[Mismatch | Replayed | None]:
    """What becomes of each transaction in order; None: it stands. `known` and `heads` are brought to where those
    that stand lead, for the ones that come later."""
    return [_judge(each, known, heads) for each in batch]


def _judge(
    transaction: Transaction, known: dict[OpKey, OpRecord], heads: dict[str, Head]
) -> Mismatch | Replayed | None:
    op = transaction.op
    before = known.get(op_key(op)) if op else None
    if before is not None and before.status in TERMINAL:
        return Replayed(op=before)
    if other := _mismatches(transaction, heads):
        return Mismatch(versions=other)
    for write in transaction.writes:
        heads[write.state.id].follow(write.state)
    if op is not None:
        known[op_key(op)] = msgspec.structs.replace(
            op, request=None, n=op.n or (before.n if before else 0)
        )
    return None


def _mismatches(transaction: Transaction, heads: Mapping[str, Head]) -> dict[str, int]:
    """The states whose version is another one than expected, with that version."""
    found: dict[str, int] = {}
    for key, expected in transaction.checks.items():
        head = heads[key]
        version = 0 if head.deleted else head.version
        if version != expected:
            found[key] = version
    versions: dict[str, int] = {}
    for write in transaction.writes:
        _require_next(write)
        key = write.state.id
        version = versions.get(key, heads[key].version)
        if version != write.expect:
            found[key] = version
        versions[key] = write.state.version
    return found


def _require_next(write: Write) -> None:
    """Raises ValueError for a write that could not be right whatever is kept."""
    state, entry = write.state, write.entry
    if not (state.version == entry.version == write.expect + 1 and state.id == entry.state_id):
        raise ValueError(f"A write of {state.id!r} must lead from version {write.expect} by one.")
