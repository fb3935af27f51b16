"""The frames of `stars.sync.v1` (docs/sync-protocol.md, shared-state 2.1): the words both ends speak. Pure.

Every frame is one JSON object as a text message, its type in `t`. What a receiver does not know it ignores, so that
fields can be added; an unknown type is refused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from state import jsonvalue
from state.errors import Conflict, Invalid, NotAllowed, StarsError, TooLarge
from state.refusals import TooMany
from state.values import ConnectionType, EntryKind, Json, Operation

PROTO: Final = 1
#: The websocket subprotocol; asking for it is optional.
SUBPROTOCOL: Final = "stars.sync.v1"
#: Characters of a client's frame.
MAX_FRAME: Final = 1024 * 1024 + 64 * 1024
MAX_SUBSCRIPTIONS: Final = 64
#: Of JSON, with the frame around a document.
DEPTH: Final = jsonvalue.MAX_DEPTH + 8
#: Of one connection.
MAX_WRITES: Final = 64
MAX_PATTERNS: Final = 1000

#: Close codes (4000-4999 are the application's: RFC 6455, 7.4.2). 1012 is "service restart".
NOT_AUTHENTICATED: Final = 4401
DENIED: Final = 4403
SLOW: Final = 4408
SUPERSEDED: Final = 4409
HEARTBEAT: Final = 4410
FLOOD: Final = 4429
BROKEN: Final = 4400  # no hello, or one of another protocol
RESTART: Final = 1012

#: Seconds between the server's heartbeats; a client answers each within ANSWER, two missed ones end the socket.
HB_S: Final = 15
ANSWER: Final = 10
#: Seconds of silence after which a client connects again.
SILENCE: Final = 40
#: Seconds in which the first frame, hello, has to come.
HELLO_S: Final = 10
#: What may be sent and not acknowledged, per connection (2.3); entries by SyncConfig.queue_buffer_size.
WINDOW_ENTRIES: Final = 256
WINDOW_BYTES: Final = 1024 * 1024
#: Seconds that a parked connection may go without acknowledging.
PARKED_S: Final = 60
#: Frames of more characters than this may be compressed.
COMPRESS_FROM: Final = 1024

ResetReason: TypeAlias = Literal["compacted", "epoch", "future", "filter", "integrity"]


class BadFrame(Invalid):
    """A frame is one JSON object as text."""

    reason = "bad_frame"


class UnknownFrame(Invalid):
    """A frame's `t` is hello, sub, unsub, ack, write, pull or hb."""

    reason = "unknown_frame"


class InvalidFrame(Invalid):
    """A field of this frame is missing or not what it must be."""

    reason = "invalid_frame"  # extra: {"t": type}


class FrameTooLarge(TooLarge):
    """A frame may have 1,114,112 characters; write in smaller parts."""

    reason = "frame_too_large"


class WrongVersion(Invalid):
    """This server speaks version 1 of the sync protocol: say "proto": 1 in hello."""

    reason = "wrong_version"


class HelloFirst(Invalid):
    """The first frame of a connection is hello, and there is only one."""

    reason = "hello_first"


class UnknownSubscription(Invalid):
    """There is no subscription by that number on this connection."""

    reason = "unknown_subscription"


class TooManySubscriptions(TooMany):
    """One connection has at most 64 subscriptions; end some, or use prefixes such as "notes/*"."""

    reason = "too_many_subscriptions"


class Busy(TooMany):
    """One connection has at most 64 writes on their way; wait for answers."""

    reason = "busy"


class PushOnly(NotAllowed):
    """This connection only receives: connect with mode "bidirectional" (or "pull") to write."""

    reason = "push_only"


class PullOnly(Conflict):
    """Only a connection of mode "pull" asks for changes; on this one they come by themselves."""

    reason = "pull_only"


class StatesNotFound(Invalid):
    """Some of these states are not there for you now; you get them as soon as they are."""

    reason = "states_not_found"  # extra: {"states": [...]}


# -- from the client -----------------------------------------------------------------------------------------------

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
_CLIENT: Final[dict[str, type[Any]]] = {
    "hello": Hello,
    "sub": Sub,
    "unsub": Unsub,
    "ack": Ack,
    "write": Write,
    "pull": Pull,
    "hb": ClientHb,
}


# -- from the server -----------------------------------------------------------------------------------------------


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
_server: Final[msgspec.json.Decoder[ServerFrame]] = msgspec.json.Decoder(ServerFrame)
_encoder: Final = msgspec.json.Encoder()


def encode(frame: ClientFrame | ServerFrame) -> str:
    """The frame as text."""
    return _encoder.encode(frame).decode()


def parse(text: str | None) -> ClientFrame:
    """A client's frame; None stands for a binary one.

    Raises FrameTooLarge, BadFrame, UnknownFrame, InvalidFrame, and as `jsonvalue.loads` Malformed, DuplicateKey,
    JsonDomain.
    """
    if text is None:
        raise BadFrame
    if len(text) > MAX_FRAME:
        raise FrameTooLarge
    try:
        raw = text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        raise BadFrame from None
    # What is not JSON of our domain is refused in the words of `jsonvalue`.
    found = jsonvalue.loads(raw, max_bytes=4 * MAX_FRAME, max_depth=DEPTH)
    if not isinstance(found, dict):
        raise BadFrame
    kind = found.get("t")
    wanted = _CLIENT.get(kind) if isinstance(kind, str) else None
    if wanted is None:
        raise UnknownFrame
    try:
        frame: ClientFrame = msgspec.convert(found, wanted)
    except msgspec.ValidationError as error:
        raise InvalidFrame(f"{kind}: {error}", extra={"t": kind}) from None
    return frame


def parse_server(text: str | bytes) -> ServerFrame:
    """A server's frame, as clients read it. Raises BadFrame."""
    try:
        return _server.decode(text)
    except msgspec.DecodeError as error:
        raise BadFrame(str(error)) from None


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
