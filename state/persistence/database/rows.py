"""The contract's values as rows, and back: what is searched stands in columns, the rest is packed by the codec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec

from state.models import Audit, Conflict, Entry, Op, Snapshot, State
from state.models.fields import new_id
from state.persistence.codec import Codec
from state.refusals import Damaged
from state.values import (
    SETTINGS,
    AuditRecord,
    ConflictRecord,
    OpRecord,
    SharedState,
    SpaceInfo,
    searched,
)
from state.values import Entry as EntryValue

T = TypeVar("T")
Columns = Mapping[str, Any]

_STATE_BODY: Final = (*SETTINGS, "written_by")
_ENTRY_BODY: Final = ("ops", "overwrote", "config", "conflict", "metadata")
_CONFLICT_BODY: Final = ("paths", "causes", "base", "current", "incoming", "ops")

SPACE: Final = ("id", "epoch", "revision", "compact_revision", "audit")
_STATE: Final = {
    "id": "key", "space": "space_id", "uid": "uid", "type": "type", "version": "version",
    "revision": "revision", "timestamp": "updated_at", "created_at": "created_at",
    "deleted": "deleted", "deleted_reason": "deleted_reason", "hash": "hash",
    "compacted_version": "compacted_version",
}  # fmt: skip
_ENTRY: Final = {
    "space": "space_id", "revision": "revision", "seq": "seq", "state_id": "key", "uid": "uid",
    "version": "version", "kind": "kind", "agent": "agent", "op_id": "op_id",
    "base_version": "base_version", "at": "at", "hash": "hash",
}  # fmt: skip
_OP: Final = {
    "space": "space_id", "agent": "agent", "op_id": "op_id", "digest": "digest",
    "status": "status", "state_id": "key", "n": "n", "retry": "retry", "error": "error",
    "at": "at", "done_at": "done_at",
}  # fmt: skip
_CONFLICT: Final = {
    "space": "space_id", "conflict_id": "conflict_id", "state_id": "key", "uid": "uid",
    "type": "type", "status": "status", "resolver": "resolver", "agent": "agent",
    "op_id": "op_id", "base_version": "base_version", "head_version": "head_version",
    "created_at": "created_at", "expires_at": "expires_at", "resolved_at": "resolved_at",
    "resolved_by": "resolved_by", "version": "version",
}  # fmt: skip

#: Columns to read of each table.
STATE: Final = (*_STATE.values(), "settings")
ENTRY: Final = (*_ENTRY.values(), "body")
OP: Final = ("id", *_OP.values(), "body")
CONFLICT: Final = (*_CONFLICT.values(), "body")
AUDIT: Final = ("space_id", "n", "body")


def searchable(*words: str) -> str:
    """Words as one text, each between two line feeds; one of them alone is what to search for in it."""
    return "\n".join(["", *(word.replace("\n", " ") for word in words), ""]) if words else ""


def space_of(row: Columns) -> SpaceInfo:
    """The space."""
    return SpaceInfo(**{name: row[name] for name in SPACE})


class Rows:
    """Packs and unpacks rows. A packed part is bound to its place: space, life of the state, version, column."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec

    # -- to rows ------------------------------------------------------------------------------------------------------

    def state(self, state: SharedState, data: bytes) -> dict[str, Any]:
        """The columns of a state; `data` packed. `id` and `delta_bytes` are the caller's."""
        return _columns(state, _STATE) | {
            "owners": searchable(*state.owners),
            "tags": searchable(*state.tags),
            "text": self.text(state),
            "bytes": len(data),
            "data": data,
            "settings": self.codec.pack(
                {name: getattr(state, name) for name in _STATE_BODY},
                *(state.space, state.uid, state.version, "settings"),
            ),
        }

    def text(self, state: SharedState) -> str:
        """What words are looked for in. Whoever encrypts keeps names from those who can read the tables, and does
        without searching for them."""
        name = "" if self.codec.encrypts else state.name
        return searched(state.id, name, state.tags, state.owners)

    def data(self, state: SharedState) -> bytes:
        """The state's data, packed."""
        return self.codec.pack(state.data, state.space, state.uid, state.version, "data")

    def entry_body(self, entry: EntryValue) -> bytes:
        """What of an entry is packed."""
        return self.codec.pack(
            {name: getattr(entry, name) for name in _ENTRY_BODY},
            *(entry.space, entry.uid, entry.version, "entry"),
        )

    def entry(self, entry: EntryValue, body: bytes) -> dict[str, Any]:
        """The columns of an entry; `state_id` is the caller's."""
        return {**_columns(entry, _ENTRY), "body": body}

    def op(self, op: OpRecord, row_id: object = None) -> dict[str, Any]:
        """A row of the journal, with a new id unless one is given."""
        body = {"request": op.request, "outcome": op.outcome}
        return _columns(op, _OP) | {
            "id": row_id or new_id(),
            "body": self.codec.pack(body, op.space, op.agent, op.op_id, "op"),
        }

    def conflict(self, record: ConflictRecord) -> dict[str, Any]:
        """A row of the conflicts."""
        body = {name: getattr(record, name) for name in _CONFLICT_BODY}
        place = (record.space, record.uid, record.conflict_id, "conflict")
        return _columns(record, _CONFLICT) | {"body": self.codec.pack(body, *place)}

    def audit(self, space: str, record: AuditRecord) -> dict[str, Any]:
        """A row of the audit trail."""
        return {
            "space_id": space,
            "n": record.n,
            "type": record.event.type,
            "at": record.event.timestamp,
            "body": self.codec.pack(record.event, space, "", record.n, "audit"),
        }

    # -- from rows ----------------------------------------------------------------------------------------------------

    def state_of(self, row: Columns) -> SharedState:
        """The state, with its data if that was read too."""
        place = (row["space_id"], row["uid"], row["version"])
        parts = self._open(row["settings"], *place, "settings")
        if "data" in row:
            parts["data"] = self._open(row["data"], *place, "data")
        return _value(row, _STATE, parts, SharedState)

    def data_of(self, packed: bytes, space: str, uid: str, version: int) -> dict[str, Any]:
        """The data of a state or a snapshot."""
        return self._open(packed, space, uid, version, "data")

    def entry_of(self, row: Columns) -> EntryValue:
        """The entry."""
        place = (row["space_id"], row["uid"], row["version"], "entry")
        return _value(row, _ENTRY, self._open(row["body"], *place), EntryValue)

    def op_of(self, row: Columns) -> OpRecord:
        """What is known of the operation."""
        place = (row["space_id"], row["agent"], row["op_id"], "op")
        return _value(row, _OP, self._open(row["body"], *place), OpRecord)

    def conflict_of(self, row: Columns) -> ConflictRecord:
        """The conflict."""
        place = (row["space_id"], row["uid"], row["conflict_id"], "conflict")
        return _value(row, _CONFLICT, self._open(row["body"], *place), ConflictRecord)

    def audit_of(self, row: Columns) -> AuditRecord:
        """The audit record."""
        event = self._open(row["body"], row["space_id"], "", row["n"], "audit")
        return _value(row, {"n": "n"}, {"event": event}, AuditRecord)

    def _open(self, packed: bytes, *place: str | int) -> dict[str, Any]:
        """What is packed there, which is an object in every place. Raises Damaged."""
        found = self.codec.unpack(bytes(packed), *place)
        if not isinstance(found, dict):
            raise Damaged(f"What is packed in {place} is no object.")
        return found


def _columns(value: msgspec.Struct, names: Mapping[str, str]) -> dict[str, Any]:
    return {column: getattr(value, name) for name, column in names.items()}


def _value(row: Columns, names: Mapping[str, str], parts: Columns, kind: type[T]) -> T:
    """The value made of columns and of what was packed. Raises Damaged."""
    columns = {name: row[column] for name, column in names.items()}
    try:
        return msgspec.convert(columns | dict(parts), kind)
    except msgspec.ValidationError as error:
        raise Damaged(f"A row of {kind.__name__} holds what it cannot: {error}") from error


#: Which columns of which table are packed, and the place each is bound to, in columns and words.
PACKED: Final[tuple[tuple[Any, str, tuple[str, ...], str], ...]] = (
    (State, "settings", ("space_id", "uid", "version"), "settings"),
    (State, "data", ("space_id", "uid", "version"), "data"),
    (Snapshot, "data", ("space_id", "uid", "version"), "data"),
    (Entry, "body", ("space_id", "uid", "version"), "entry"),
    (Op, "body", ("space_id", "agent", "op_id"), "op"),
    (Conflict, "body", ("space_id", "uid", "conflict_id"), "conflict"),
    (Audit, "body", ("space_id", "", "n"), "audit"),
)
