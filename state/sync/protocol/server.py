"""Frames that the server sends."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from state.errors import StarsError
from state.sync.protocol.limits import HB_S, WINDOW_BYTES, WINDOW_ENTRIES
from state.values import EntryKind, Json, Operation

ResetReason: TypeAlias = Literal["compacted", "epoch", "future", "filter", "integrity"]


class Server(msgspec.Struct, tag_field="t", omit_defaults=True, kw_only=True):
    """What the server says."""


class Window(msgspec.Struct):
    """What may be sent and not acknowledged."""

    entries: int = WINDOW_ENTRIES
    bytes: int = WINDOW_BYTES


class Welcome(Server, tag="welcome"):
    """The answer to hello: who you are here (`agent`, a principal), and where the space stands."""

    session: str
    agent: str
    epoch: str
    head: int
    hb_s: float = msgspec.field(default_factory=lambda: HB_S)
    window: Window = msgspec.field(default_factory=Window)
    #: Whether the session that was asked for goes on.
    resumed: bool = False


class SnapState(msgspec.Struct, omit_defaults=True):
    """One state, whole; it replaces what the client had of it."""

    id: str
    uid: str
    v: int
    rev: int
    data: dict[str, Json]
    #: SHA-256 (hex) of the data's canonical form (RFC 8785).
    h: str = ""
    frozen: bool = False


class Snap(Server, tag="snap"):
    """States as of `rev` (some perhaps newer: what comes again later with `v` not above theirs is dropped)."""

    sub: int
    part: int
    last: bool
    rev: int
    states: tuple[SnapState, ...]


class WireEntry(msgspec.Struct, omit_defaults=True):
    """One change of one state. `pv` is the version before; a `create`, and what is `coalesced` (several changes as
    one), holds whatever the client had, the former by a `set` of the whole document."""

    id: str
    uid: str
    rev: int
    pv: int
    v: int
    kind: EntryKind
    by: str
    at: datetime
    op_id: str = ""
    ops: tuple[Operation, ...] = ()
    #: Of the data after it.
    h: str = ""
    #: Settings that changed, with their new values.
    config: dict[str, Json] = {}
    #: A conflict that this change settled.
    conflict: dict[str, Json] | None = None
    #: The writer's own note.
    note: dict[str, Json] = {}
    coalesced: bool = False


class Delta(Server, tag="delta"):
    """Whole revisions in their order. `prev` is the `rev` of the subscription's frame before this one; `token` and
    `synced` as in a mark."""

    sub: int
    prev: int
    rev: int
    token: str = ""
    synced: bool = False
    entries: tuple[WireEntry, ...] = ()


class Mark(Server, tag="mark"):
    """All that the subscriber may see up to `rev` was sent. `synced`: that is (or was) all there is. `token`: to
    come back to here."""

    sub: int
    prev: int
    rev: int
    token: str
    synced: bool = False


class ServerHb(Server, tag="hb"):
    """Are you there? `head` is where the space stands, for information only."""

    n: int
    head: int


class Res(Server, tag="res"):
    """What a write came to; never before it stands. A journalled one (202) is answered a second time at its end."""

    op_id: str
    status: int
    state: str | UnsetType = UNSET
    uid: str | UnsetType = UNSET
    v: int | UnsetType = UNSET
    rev: int | UnsetType = UNSET
    merged: bool = False
    changed: bool = True
    replayed: bool = False
    queued: bool = False
    #: One that was settled or parked.
    conflict: dict[str, Json] | None = None
    #: A refusal, as REST answers it (RFC 9457).
    problem: dict[str, Json] | None = None


class ConflictFrame(Server, tag="conflict"):
    """Somebody's write on a state of this subscription collided, or such a collision was settled."""

    sub: int
    event: Literal["conflict_detected", "conflict_resolved"]
    conflict_id: str
    state: str
    type: str
    paths: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    resolution: str = ""
    resolver: str = ""


class Reset(Server, tag="reset"):
    """Forget the subscription's states and its token; a snapshot follows after `retry_after_ms` at the earliest."""

    sub: int
    reason: ResetReason
    head: int
    retry_after_ms: int = 0


class Revoked(Server, tag="revoked"):
    """You may read these states no more, and nothing later of them comes."""

    sub: int
    states: tuple[str, ...]


class ErrorFrame(Server, tag="error"):
    """What was refused: `code` is the status that REST would answer."""

    code: int
    reason: str
    message: str
    sub: int | UnsetType = UNSET
    op_id: str | UnsetType = UNSET
    fields: dict[str, list[str]] = {}
    extra: dict[str, Json] = {}


class Bye(Server, tag="bye"):
    """The server closes the socket with `code` after this. `tokens`: by subscription, to come back with, after
    `retry_after_ms`."""

    code: int
    reason: str
    tokens: dict[str, str] = {}
    retry_after_ms: int = 0


ServerFrame: TypeAlias = (
    Welcome
    | Snap
    | Delta
    | Mark
    | ServerHb
    | Res
    | ConflictFrame
    | Reset
    | Revoked
    | ErrorFrame
    | Bye
)


def error(
    refusal: StarsError, *, sub: int | UnsetType = UNSET, op_id: str | UnsetType = UNSET
) -> ErrorFrame:
    """A refusal as a frame."""
    return ErrorFrame(
        code=refusal.status,
        reason=refusal.reason,
        message=refusal.message,
        sub=sub,
        op_id=op_id,
        fields=refusal.fields,
        extra=refusal.extra,
    )
