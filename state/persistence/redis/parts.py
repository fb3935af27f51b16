"""Values as the packed parts that Redis keeps, each bound to its place, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec

from state import jsonvalue
from state.persistence.codec import Codec
from state.persistence.redis.keys import op_name, op_of
from state.refusals import Damaged
from state.values import (
    AuditRecord,
    ConflictRecord,
    ConflictStatus,
    Entry,
    EntryKind,
    Json,
    OpRecord,
    SharedState,
    SpaceInfo,
    SyncStatus,
    Transaction,
    Write,
    searched,
)

T = TypeVar("T")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_json = msgspec.json.Encoder()
_msgpack = msgspec.msgpack.Encoder()


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def opaque(packed: bytes) -> msgspec.Raw:
    """Bytes as msgpack's old raw string, the only shape for them that Redis' decoder knows."""
    return msgspec.Raw(b"\xdb" + len(packed).to_bytes(4, "big") + packed)


def info_of(answer: Sequence[bytes]) -> SpaceInfo:
    """A space as scripts tell it."""
    space, epoch, revision, floor, audit = answer
    return SpaceInfo(
        id=space.decode(),
        epoch=epoch.decode(),
        revision=int(revision),
        compact_revision=int(floor),
        audit=int(audit),
    )


class Parts:
    """Packs and unpacks with one codec."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def _pack(self, value: object, *place: str | int) -> bytes:
        return self._codec.seal(_json.encode(value), *place)

    def _unpack(self, packed: bytes, kind: type[T], *place: str | int) -> T:
        raw = self._codec.open(packed, *place)
        try:
            return msgspec.json.decode(raw, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            where = "|".join(map(str, place))
            raise Damaged(f"What is kept at {where} is damaged: {error}") from error

    # -- states ---------------------------------------------------------------------------------------------------

    def facts(self, state: SharedState) -> bytes:
        """What lists are filtered by, in the clear: of what is encrypted the name is not there."""
        name = "" if self._codec.encrypts else state.name
        return _msgpack.encode(
            {
                "type": state.type,
                "owners": state.owners,
                "tags": state.tags,
                "text": searched(state.id, name, state.tags, state.owners),
                "at": micros(state.timestamp),
            }
        )

    def pack_state(self, state: SharedState) -> bytes:
        """A state beside its data, without what the store fills in or computes."""
        head = msgspec.structs.replace(
            state,
            data={},
            revision=0,
            compacted_version=1,
            last_sync=None,
            sync_status=SyncStatus.SYNCED,
            pending_ops=(),
            blame=None,
        )
        return self._pack(head, *state_place(state.space, state.uid, state.version))

    def pack_data(self, space: str, uid: str, version: int, data: dict[str, Json]) -> bytes:
        """A state's data; a snapshot is the same at the same place."""
        return self._pack(data, *data_place(space, uid, version))

    def unpack_data(self, space: str, uid: str, version: int, packed: bytes) -> dict[str, Json]:
        """Raises Damaged, WrongKey."""
        return self._unpack(packed, dict[str, Any], *data_place(space, uid, version))

    def state(self, space: str, fields: Sequence[bytes], *, with_data: bool = True) -> SharedState:
        """A state from version, uid, revision, compacted version, packed state and packed data."""
        version, uid, revision, compacted, head, data = fields
        place = (space, uid.decode(), int(version))
        return msgspec.structs.replace(
            self._unpack(head, SharedState, *state_place(*place)),
            revision=int(revision),
            compacted_version=int(compacted),
            data=self.unpack_data(*place, data) if with_data else {},
        )

    # -- entries --------------------------------------------------------------------------------------------------

    def pack_entry(self, entry: Entry) -> bytes:
        """An entry without its number, which the store gives."""
        bare = msgspec.structs.replace(entry, revision=0, seq=0)
        return self._pack(bare, *entry_place(entry.space, entry.uid, entry.version))

    def entry(self, space: str, version: int | bytes, kept: bytes) -> Entry:
        """An entry from what is kept of it: "revision-seq uid", NUL, packed."""
        position, uid, packed = split_entry(kept)
        revision, _, seq = position.partition("-")
        place = entry_place(space, uid, int(version))
        entry = self._unpack(packed, Entry, *place)
        return msgspec.structs.replace(entry, revision=int(revision), seq=int(seq))

    def replay(
        self, space: str, start: tuple[int, str, bytes], entries: Sequence[bytes]
    ) -> tuple[dict[str, Json], str]:
        """The data, and uid, after these entries, from what they were at `start` (version, uid, packed; version 0:
        nothing)."""
        version, uid, packed = start
        data = self.unpack_data(space, uid, version, packed) if version else {}
        for number, kept in enumerate(entries, version + 1):
            entry = self.entry(space, number, kept)
            uid = entry.uid
            if entry.kind is EntryKind.DELETE:
                data = {}
            else:
                if entry.kind is EntryKind.CREATE:
                    data = {}
                data = jsonvalue.apply(data, entry.ops)
        return data, uid

    # -- operations, conflicts, audit -----------------------------------------------------------------------------

    def pack_op(self, op: OpRecord) -> bytes:
        """An operation of the journal, or an outcome."""
        return self._pack(op, op.space, op.agent, op.op_id, "op")

    def pack_error(self, op: OpRecord, error: str) -> bytes:
        """Why it failed the last time; "" is kept as nothing."""
        return self._pack(error, op.space, op.agent, op.op_id, "error") if error else b""

    def op(self, space: str, name: bytes, fields: Sequence[bytes | None]) -> OpRecord:
        """An operation from status, number, packed record, retries and packed error."""
        _, number, packed, retries, error = fields
        place = (space, *op_of(name.decode()))
        op = self._unpack(packed or b"", OpRecord, *place, "op")
        return msgspec.structs.replace(
            op,
            n=int(number or op.n),
            retry=op.retry + int(retries or 0),
            error=self._unpack(error, str, *place, "error") if error else op.error,
        )

    def pack_conflict(self, conflict: ConflictRecord) -> bytes:
        """A parked conflict."""
        return self._pack(conflict, conflict.space, conflict.conflict_id, "conflict")

    def conflict(self, space: str, conflict_id: bytes, packed: bytes) -> ConflictRecord:
        """Raises Damaged, WrongKey."""
        return self._unpack(packed, ConflictRecord, space, conflict_id.decode(), "conflict")

    def pack_audit(self, space: str, record: AuditRecord) -> bytes:
        """An audit record without its number, which the store gives."""
        return self._pack(msgspec.structs.replace(record, n=0), space, "audit")

    def audit(self, space: str, number: bytes, packed: bytes) -> AuditRecord:
        """Raises Damaged, WrongKey."""
        record = self._unpack(packed, AuditRecord, space, "audit")
        return msgspec.structs.replace(record, n=int(number))

    # -- a batch --------------------------------------------------------------------------------------------------

    def batch(self, space: str, batch: Sequence[Transaction], locks: dict[str, str]) -> bytes:
        """The transactions as the commit script reads them: numbers as strings, since Lua's are floats."""
        return _msgpack.encode(
            {"locks": locks, "transactions": [self._transaction(space, each) for each in batch]}
        )

    def _transaction(self, space: str, transaction: Transaction) -> dict[str, object]:
        found: dict[str, object] = {
            "writes": [self._write(each) for each in transaction.writes],
            "checks": [(key, str(version)) for key, version in transaction.checks.items()],
            "conflicts": [_sent(self.conflict_row(each)) for each in transaction.conflicts],
            "audit": [opaque(self.pack_audit(space, each)) for each in transaction.audit],
        }
        if transaction.op is not None:
            found["op"] = _sent(self.op_row(msgspec.structs.replace(transaction.op, request=None)))
        return found

    def _write(self, write: Write) -> dict[str, object]:
        state, entry = write.state, write.entry
        if not (state.version == entry.version == write.expect + 1 and state.id == entry.state_id):
            raise ValueError(f"A write of {state.id!r} must lead from {write.expect} by one.")
        row: dict[str, object] = {
            "id": state.id,
            "uid": state.uid,
            "expect": str(write.expect),
            "version": str(state.version),
            "deleted": str(int(state.deleted)),
            "at": str(micros(entry.at)),
            "facts": self.facts(state),
            "state": self.pack_state(state),
            "data": self.pack_data(state.space, state.uid, state.version, state.data),
            "entry": self.pack_entry(entry),
        }
        return _sent(row)

    def op_row(self, op: OpRecord) -> dict[str, object]:
        """An operation as scripts keep it."""
        return {
            "key": op_name(op.agent, op.op_id),
            "status": str(op.status),
            "state": op.state_id,
            "done": str(micros(op.done_at or op.at)),
            "blob": self.pack_op(op),
        }

    def conflict_row(self, conflict: ConflictRecord) -> dict[str, object]:
        """A conflict as scripts keep it."""
        return {
            "id": conflict.conflict_id,
            "status": str(ConflictStatus(conflict.status)),
            "state": conflict.state_id,
            "at": str(micros(conflict.created_at)),
            "blob": self.pack_conflict(conflict),
        }


def _sent(row: dict[str, object]) -> dict[str, object]:
    return {key: opaque(value) if isinstance(value, bytes) else value for key, value in row.items()}


def split_entry(kept: bytes) -> tuple[str, str, bytes]:
    """Position, uid and packed entry. Raises Damaged for what is not there."""
    header, found, packed = kept.partition(b"\0")
    if not found:
        raise Damaged("An entry of the log is missing.")
    position, _, uid = header.decode().partition(" ")
    return position, uid, packed


def state_place(space: str, uid: str, version: int) -> tuple[str | int, ...]:
    """Where a packed state belongs."""
    return space, uid, version, "state"


def data_place(space: str, uid: str, version: int) -> tuple[str | int, ...]:
    """Where packed data belong."""
    return space, uid, version, "data"


def entry_place(space: str, uid: str, version: int) -> tuple[str | int, ...]:
    """Where a packed entry belongs."""
    return space, uid, version, "entry"
