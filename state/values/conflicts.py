"""What collided, why, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from state.values.enums import ConflictResolution, ConflictStatus, ConflictType
from state.values.states import Entry, Json, Operation, PendingOperation, SharedState


class Cause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One reason for a conflict. `kind`: stale, deleted, future, cas, cas_value, both_changed, delete_modify,
    type_change, read_changed, invalid, structure, claimed, or a rule's own word."""

    type: ConflictType
    kind: str
    #: JSON Pointer; each conflicting path appears exactly once per type.
    path: str = ""
    #: UNSET: there is (or was) nothing at the path.
    base: Json | UnsetType = UNSET
    theirs: Json | UnsetType = UNSET
    mine: Json | UnsetType = UNSET
    expected: Json | UnsetType = UNSET
    #: Who wrote what stands there, and at which version.
    by: str = ""
    version: int = 0
    detail: str = ""


class ConflictInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A conflict as detector, resolvers and events know it (the seed's shape).

    `states` has "base" (may be missing), "current" and "incoming" (the writer's result on its base);
    `operations` are mine, then theirs; `metadata` has base_version, head_version, paths.
    """

    conflict_id: str
    type: ConflictType
    description: str
    states: dict[str, SharedState] = {}
    operations: tuple[PendingOperation, ...] = ()
    resolution: ConflictResolution = ConflictResolution.REJECT
    resolved_at: datetime | None = None
    resolved_by: str = ""
    causes: tuple[Cause, ...] = ()
    metadata: dict[str, Any] = {}


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A write as the detector judges it, with all it needs to know of the past; pure data."""

    state_id: str
    agent: str
    op_id: str
    ops: tuple[Operation, ...]
    at: datetime
    #: The version the writer saw; None: it does not say, which means the current one.
    base_version: int | None = None
    base_uid: str | None = None
    #: A precondition of the whole state (`If-Match`): any other version is a conflict, whatever was changed.
    exact: bool = False
    #: Paths that the decision was based on; "auto": the whole document; None: no check.
    reads: tuple[str, ...] | Literal["auto"] | None = None
    read_mode: Literal["value", "version"] = "value"
    #: op_ids of the writer's own earlier writes that it had not seen answered; not counted against it.
    after: tuple[str, ...] = ()
    #: A resolution asked for by the request.
    resolution: ConflictResolution | None = None
    #: Data at base_version, and the entries of this state with a version in (base_version, head]. With
    #: base_version None or equal to head: None and ().
    base_data: dict[str, Json] | None = None
    since: tuple[Entry, ...] = ()
    #: The writer's note, kept in the entry.
    metadata: dict[str, Json] = {}


class ConflictRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A parked conflict as it is kept: nothing is written until somebody resolves it."""

    conflict_id: str
    space: str
    state_id: str
    uid: str
    type: ConflictType
    status: ConflictStatus = ConflictStatus.OPEN
    #: The principal that is asked: "role:leader", "agent:x", "human:ada"; "": admins of the state.
    resolver: str = ""
    agent: str
    op_id: str
    base_version: int
    head_version: int
    paths: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    #: The three documents, and what the writer asked for.
    base: dict[str, Json] | None = None
    current: dict[str, Json] = {}
    incoming: dict[str, Json] = {}
    ops: tuple[Operation, ...] = ()
    created_at: datetime
    #: Then it counts as rejected.
    expires_at: datetime
    resolved_at: datetime | None = None
    resolved_by: str = ""
    #: The version that settled it.
    version: int | None = None
