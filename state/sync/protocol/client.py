"""Frames that clients send."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from state.sync.protocol.limits import MAX_PATTERNS
from state.values import ConnectionType, Json, Operation

Revision: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Number: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Name: TypeAlias = Annotated[str, Meta(max_length=200)]


class Client(msgspec.Struct, tag_field="t", omit_defaults=True, kw_only=True):
    """What clients may say."""


class Hello(Client, tag="hello"):
    """First. `agent`: the member in whose name it acts ("": the person who is signed in); `session`: one to go on
    with; `token_auth`: an API token where no header can be sent; `exclusive`: end other connections of this agent
    and name; `compress`: "deflate" to get long frames as binary messages in zlib's format (RFC 1950)."""

    proto: int
    agent: Name = ""
    name: Name = ""
    mode: ConnectionType = ConnectionType.BIDIRECTIONAL
    session: Name | None = None
    token_auth: Annotated[str, Meta(max_length=500)] = ""
    exclusive: bool = False
    compress: Literal["", "deflate"] = ""


class Sub(Client, tag="sub"):
    """Subscribe to states, ids or prefixes like "notes/*", from a token or (null) from a snapshot. The same number
    again replaces the subscription. `why`: "integrity" when a hash did not fit (then `from_` is ignored)."""

    sub: Number
    states: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=MAX_PATTERNS)]
    from_: Annotated[str, Meta(max_length=1000)] | None = msgspec.field(default=None, name="from")
    mode: Literal["all", "latest"] = "all"
    why: Literal["", "integrity"] = ""


class Unsub(Client, tag="unsub"):
    """End a subscription; nothing is answered."""

    sub: Number


class Ack(Client, tag="ack"):
    """All frames of the subscription up to this revision were applied."""

    sub: Number
    rev: Revision


class Creation(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What a state begins with, where a write is to create it."""

    data: dict[str, Json] = {}
    type: str = ""
    name: str = ""
    settings: dict[str, Json] = {}


class Write(Client, tag="write"):
    """Operations on one state, answered by `res`. `base` is the version its writer had seen (with `uid`, of that
    life); `reads` the paths the decision was based on, or "auto"; `after` own writes on their way that it builds on;
    `create` makes the state (then without `ops`)."""

    op_id: Annotated[str, Meta(min_length=1, max_length=100)]
    state: Name
    base: Annotated[int, Meta(ge=0)] | None = None
    uid: Name | None = None
    reads: tuple[str, ...] | Literal["auto"] | None = None
    read_mode: Literal["value", "version"] = "value"
    ops: tuple[Operation, ...] = ()
    after: tuple[str, ...] = ()
    resolution: str | None = None
    note: dict[str, Json] = {}
    create: Creation | None = None


class Pull(Client, tag="pull"):
    """What is new in a subscription of a connection of mode "pull": deltas of about `limit` entries, then a mark."""

    sub: Number
    limit: Annotated[int, Meta(ge=1, le=1000)] = 256


class ClientHb(Client, tag="hb"):
    """The answer to a heartbeat: its number, and the least revision that all subscriptions have applied."""

    n: Number
    applied: Revision = 0


ClientFrame: TypeAlias = Hello | Sub | Unsub | Ack | Write | Pull | ClientHb
