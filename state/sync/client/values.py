"""What users of the client hold in their hands: states, changes of them, answers to writes. All frozen."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from state.sync.protocol import ConflictFrame, SnapState, WireEntry
from state.values import Json


class State(msgspec.Struct, frozen=True, kw_only=True):
    """One state as the replica has it. Do not change `data` in place: say what shall change by `edit` or `set`."""

    id: str
    #: Of this life of the id.
    uid: str
    version: int
    #: Of the space, in which it changed last.
    revision: int
    data: dict[str, Json]
    frozen: bool = False


class ChangeKind(StrEnum):
    """How a replica came to change."""

    ENTRY = "entry"  # one change of the server's log, or several as one (mode "latest")
    SNAPSHOT = "snapshot"  # it was fetched whole: whatever happened in between
    REVOKED = "revoked"  # it may be read no more
    RESET = "reset"  # all states were forgotten; a snapshot follows
    CONFLICT = "conflict"  # nothing changed: writes on it collided, or that was settled


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One state before and after; None: it is not there. A reset has neither."""

    kind: ChangeKind
    state: str = ""
    revision: int = 0
    before: State | None = None
    after: State | None = None
    entry: WireEntry | None = None
    conflict: ConflictFrame | None = None
    #: Of a reset: "compacted", "epoch", "future", "filter", "integrity".
    reason: str = ""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a write came to."""

    op_id: str
    #: As REST answers: 200, 201, or 202 when it is journalled (`queued`) or parked (`conflict`).
    status: int
    state: str
    uid: str = ""
    version: int = 0
    revision: int = 0
    #: Whether others' changes were merged with it, and whether it changed anything.
    merged: bool = False
    changed: bool = True
    #: This was answered before, and carried out then.
    replayed: bool = False
    queued: bool = False
    conflict: dict[str, Json] | None = None


def state_of(given: SnapState) -> State:
    """As a snapshot says it."""
    return State(
        id=given.id,
        uid=given.uid,
        version=given.v,
        revision=given.rev,
        data=given.data,
        frozen=given.frozen,
    )
