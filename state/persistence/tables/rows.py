"""Rows as tables hold them: the JSON of a value, beside the few columns that are searched.

JSON and never the value itself, so that every reader decodes a copy of its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from state.values import (
    ConflictStatus,
    EntryKind,
    Json,
    OperationStatus,
    SharedState,
    StateType,
    SyncStatus,
)

_encoder = msgspec.json.Encoder()

C = TypeVar("C", bound=msgspec.Struct)
T = TypeVar("T")


class StateColumns(msgspec.Struct, frozen=True):
    """Of a state."""

    id: str
    type: StateType
    version: int
    timestamp: datetime
    name: str = ""
    owners: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    deleted: bool = False
    compacted_version: int = 1


class EntryColumns(msgspec.Struct, frozen=True):
    """Of an entry of the log."""

    revision: int
    state_id: str
    version: int
    kind: EntryKind
    at: datetime
    #: Only its length is asked for.
    ops: msgspec.Raw = msgspec.Raw(b"[]")


class OpColumns(msgspec.Struct, frozen=True):
    """Of an operation of the journal."""

    agent: str
    op_id: str
    status: OperationStatus
    at: datetime
    state_id: str = ""
    n: int = 0
    error: str = ""
    done_at: datetime | None = None


class ConflictColumns(msgspec.Struct, frozen=True):
    """Of a parked conflict."""

    conflict_id: str
    state_id: str
    created_at: datetime
    status: ConflictStatus = ConflictStatus.OPEN


class Kept(Generic[C]):
    """A row: its columns and its JSON."""

    __slots__ = ("columns", "raw")

    def __init__(self, columns: type[C], raw: bytes | msgspec.Raw) -> None:
        self.raw = bytes(raw)
        self.columns = msgspec.json.decode(self.raw, type=columns)

    def read(self, kind: type[T]) -> T:
        """A fresh copy of the value."""
        return msgspec.json.decode(self.raw, type=kind)


class StateRow(Kept[StateColumns]):
    """A state's row: `raw` is the state without its data, `data` the document."""

    __slots__ = ("data",)

    def __init__(self, head: bytes | msgspec.Raw, data: bytes | msgspec.Raw) -> None:
        super().__init__(StateColumns, head)
        self.data = bytes(data)

    def state(self, *, with_data: bool = True) -> SharedState:
        """A fresh copy of the state."""
        head = self.read(SharedState)
        return msgspec.structs.replace(head, data=document(self.data)) if with_data else head


def encode(value: Any) -> msgspec.Raw:
    """The value as JSON that fits into JSON."""
    return msgspec.Raw(_encoder.encode(value))


def document(data: bytes) -> dict[str, Json]:
    """The document that these bytes hold."""
    return msgspec.json.decode(data, type=dict[str, Any])


def head_of(state: SharedState) -> msgspec.Raw:
    """What is kept of a state beside its data; what is computed on request is not."""
    return encode(
        msgspec.structs.replace(
            state,
            data={},
            last_sync=None,
            sync_status=SyncStatus.SYNCED,
            pending_ops=(),
            blame=None,
        )
    )
