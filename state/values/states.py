"""A shared state, its access policy, the operations on it and its log: frozen values, the same on every wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from state.values.enums import (
    ConflictResolution,
    ConsistencyLevel,
    EntryKind,
    MergeFallback,
    OperationStatus,
    OperationType,
    ReadPolicy,
    StateType,
    SyncStatus,
)

#: A JSON value as Python holds it. Strict in `jsonvalue.check`.
Json: TypeAlias = Any


class AccessPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Who may do what, as principals (`state.policy`); write, delete and admin each imply read."""

    read_allow: tuple[str, ...] = ()
    write_allow: tuple[str, ...] = ()
    delete_allow: tuple[str, ...] = ()
    admin_allow: tuple[str, ...] = ()
    #: Every member of the space may read and write.
    public: bool = False


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One operation; those of one request are applied in order, all or none.

    `path` is a JSON Pointer (RFC 6901), "" the whole document. `cas` has `value` and exactly one of
    `expect`, `expect_absent`, `expect_version`.
    """

    op: OperationType
    path: str = ""
    value: Json | UnsetType = UNSET
    expect: Json | UnsetType = UNSET
    expect_absent: bool = False
    expect_version: int | None = None


class PendingOperation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation of the durable journal as its author and the state's owners see it (the seed's shape).

    `key` is the operation's path; one request of several operations shows as several with the same `id`.
    """

    id: str
    type: OperationType
    key: str
    value: Json = None
    old_value: Json = None
    timestamp: datetime
    agent_id: str
    #: Transient failures so far.
    retry: int = 0
    status: OperationStatus = OperationStatus.QUEUED
    metadata: dict[str, Json] = {}


class Blame(msgspec.Struct, frozen=True):
    """Who wrote what stands at a path last."""

    agent: str
    version: int
    at: datetime
    #: The id of the run in which an agent of a group wrote it; "" when it was none.
    run: str = ""


class SharedState(msgspec.Struct, frozen=True, kw_only=True):
    """One state at one version. Always a copy: nothing done to it changes what is kept."""

    id: str
    space: str
    #: Identity of this life of the id: a state created anew after a deletion has another.
    uid: str
    name: str = ""
    type: StateType = StateType.SESSION
    owners: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    data: dict[str, Json] = {}
    #: 1 at the first creation, +1 per committed change, continued through tombstones.
    version: int = 0
    #: Of the space, in which this version was committed; gap-free and in commit order.
    revision: int = 0
    #: The principal that wrote this version.
    written_by: str = ""
    #: When this version was committed and this life began (the server's clock; informational, never compared).
    timestamp: datetime
    created_at: datetime
    metadata: dict[str, Json] = {}
    tags: tuple[str, ...] = ()
    #: JSON Schema 2020-12 with `x-stars-merge`; None: any object.
    schema: dict[str, Json] | None = None
    #: Default merge strategy where the schema names none; "": by JSON type.
    merge: str = ""
    consistency: ConsistencyLevel = ConsistencyLevel.WEAK
    resolution: ConflictResolution = ConflictResolution.MERGE
    merge_fallback: MergeFallback = MergeFallback.REJECT
    read_policy: ReadPolicy = ReadPolicy.CHECK
    #: For `custom`: a resolver's name, or "park"; and whom a parked conflict asks (a principal).
    resolver: str = ""
    #: Whether a request may ask for a looser resolution than this state's.
    allow_override: bool = False
    #: Seconds that history and tombstone are kept; None: as the type says.
    retention: float | None = None
    #: An agent's state that outlives its membership.
    keep: bool = False
    frozen: bool = False
    deleted: bool = False
    #: Why: "" (asked), "expired", "left".
    deleted_reason: str = ""
    #: SHA-256 (hex) of the data's canonical form (RFC 8785).
    hash: str = ""
    #: The oldest version that can still be read.
    compacted_version: int = 1
    access_policy: AccessPolicy = AccessPolicy()
    # Computed on request:
    last_sync: datetime | None = None
    sync_status: SyncStatus = SyncStatus.SYNCED
    pending_ops: tuple[PendingOperation, ...] = ()
    blame: dict[str, Blame] | None = None


#: What an admin of a state may change without touching its data; each change is an entry of kind `config`.
SETTINGS: tuple[str, ...] = (
    "name",
    "owners",
    "readers",
    "metadata",
    "tags",
    "schema",
    "merge",
    "consistency",
    "resolution",
    "merge_fallback",
    "read_policy",
    "resolver",
    "allow_override",
    "retention",
    "keep",
    "frozen",
    "access_policy",
)


class Overwritten(msgspec.Struct, frozen=True):
    """A value that a write with `last_write` (or a fallback) replaced although its writer had not seen it."""

    path: str
    value: Json
    by: str
    version: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one state, in the order (revision, seq) of its space."""

    space: str
    revision: int = 0
    #: Place within the transaction: all changes of one transaction share its revision.
    seq: int = 0
    state_id: str
    uid: str
    version: int
    kind: EntryKind
    #: The principal that wrote: "agent:w1", "human:ada", "system".
    agent: str
    op_id: str = ""
    base_version: int | None = None
    #: What really happened to the data, replayable in order with `jsonvalue.apply`.
    ops: tuple[Operation, ...] = ()
    overwrote: tuple[Overwritten, ...] = ()
    #: The settings that changed, with their new values.
    config: dict[str, Json] = {}
    #: A conflict that this commit settled: {"conflict_id", "type", "resolution", "paths"}.
    conflict: dict[str, Json] | None = None
    #: The writer's own note on the change.
    metadata: dict[str, Json] = {}
    at: datetime
    #: Of the data after this entry.
    hash: str = ""


class StateUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of one entry as subscribers get it (the seed's shape); `id` is "space:revision:seq"."""

    id: str
    state_id: str
    agent_id: str
    type: OperationType
    key: str
    old_value: Json = None
    new_value: Json = None
    version: int
    timestamp: datetime
    metadata: dict[str, Json] = {}
