"""Every frame of `stars.agent.v1`, what an agent's process and the server say on the socket (docs/agent-protocol.md).

JSON objects as text, told apart by `type`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

from groups.agents.base import Finding, Note, Request
from state.errors import Conflict, Invalid, StarsError, TooLarge

SUBPROTOCOL: Final = "stars.agent.v1"
#: How a client that cannot send headers sends its credential: as one more subprotocol, `bearer.<credential>`.
BEARER: Final = "bearer."
#: Bytes of a process's frame.
MAX_FRAME: Final = 1024 * 1024
#: Calls that one connection has at once, at most.
MAX_PARALLEL: Final = 100

#: Close codes.
BROKEN: Final = 4400
NOT_AUTHENTICATED: Final = 4401
DENIED: Final = 4403
FLOOD: Final = 4408
SILENT: Final = 4410
AWAY: Final = 1013

#: Seconds between the server's pings; a process that has said nothing for three of them is taken for dead.
HEARTBEAT: Final = 15.0
#: Seconds in which hello has to come.
HELLO: Final = 10.0


class BadJSON(Invalid):
    """A frame is one JSON object as text, of at most 1 MiB."""

    reason = "bad_json"


class BadFrame(Invalid):
    """This frame is not of the shape that its type has; see docs/agent-protocol.md."""

    reason = "bad_frame"


class FrameTooLarge(TooLarge):
    """A frame may have 1 MiB; send long text in pieces."""

    reason = "frame_too_large"


class CallTooLarge(TooLarge):
    """Too much was said of this call: end it with fail, or drop it."""

    reason = "call_too_large"


class HelloFirst(Conflict):
    """The first frame is hello, and there is only one."""

    reason = "hello_first"


class NotYours(Conflict):
    """This connection does not have that call (any more); drop it."""

    reason = "not_yours"


class Gap(Conflict):
    """The frames of a call are numbered 1, 2, 3, …; send again from the number that is missing."""

    reason = "gap"  # extra: {"expected": seq}


Name = Annotated[str, msgspec.Meta(max_length=100)]
Seq = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _Frame(msgspec.Struct, tag_field="type", tag=str.lower, frozen=True, kw_only=True):
    """A frame; its type is the class's name in small letters."""


# --- from the process ------------------------------------------------------------------------------------------------


class Hello(_Frame, frozen=True, kw_only=True):
    """Who it is, how many calls it takes at once, and which calls of an earlier connection it still has."""

    name: Name = ""
    parallel: Annotated[int, msgspec.Meta(ge=1, le=MAX_PARALLEL)] = 1
    holds: Annotated[list[Id], msgspec.Meta(max_length=MAX_PARALLEL)] = []


class Pong(_Frame, frozen=True, kw_only=True):
    """It lives."""


class _Said(_Frame, frozen=True, kw_only=True):
    """Something said of a call; `seq` counts from 1 per call."""

    call: Id
    seq: Seq


class Text(_Said, frozen=True, kw_only=True):
    """A further piece of the output."""

    text: str


class Tool(_Said, frozen=True, kw_only=True):
    """It begins to use a tool, or has used it; `id` pairs the two."""

    id: Id
    tool: Id
    state: Literal["started", "finished"]
    arguments: dict[str, Any] = {}
    summary: str = ""
    ok: bool = True


class Usage(_Said, frozen=True, kw_only=True):
    """What a call of a model used; without `cost_usd` the price is unknown."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    requests: Count = 1
    cost_usd: Annotated[float, msgspec.Meta(ge=0)] | None = None
    model: Name = ""


class Ask(_Said, frozen=True, kw_only=True):
    """A person is to answer, one of `options` if there are any, within `patience` seconds."""

    question: Annotated[str, msgspec.Meta(min_length=1)]
    options: Annotated[list[str], msgspec.Meta(max_length=50)] = []
    patience: Annotated[float, msgspec.Meta(gt=0, le=10_000_000)] | None = None


class Done(_Said, frozen=True, kw_only=True):
    """The result: the whole text (without: all pieces sent), or the plan where one was asked for."""

    text: str | None = None
    plan: dict[str, Any] | None = None
    #: What a mode of running asks for beside text, such as {"choice": key} of a vote.
    data: dict[str, Any] = {}


class Fail(_Said, frozen=True, kw_only=True):
    """It could not be done; `transient`: another try may succeed, not before `retry_after` seconds."""

    error: str
    transient: bool = False
    retry_after: Annotated[float, msgspec.Meta(ge=0, le=86_400)] | None = None


Said: TypeAlias = Text | Tool | Usage | Ask | Done | Fail
ClientFrame: TypeAlias = Hello | Pong | Text | Tool | Usage | Ask | Done | Fail
#: After one of these nothing more is said of the call.
FINAL: Final = (Done, Fail)


# --- from the server -------------------------------------------------------------------------------------------------


class Welcome(_Frame, frozen=True, kw_only=True):
    """The answer to hello. `calls`: of those that it holds and may go on with, the last seq that has arrived."""

    agent: str
    connection: str
    heartbeat: float
    calls: dict[str, int]


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file given with the task; `url` is an address of the REST API, read with an API token."""

    id: str
    name: str
    media_type: str
    size: int
    url: str


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member of the group; a plan names its `agent_id` or one of its `tags`."""

    agent_id: str
    role: str
    tags: tuple[str, ...]
    name: str
    description: str


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier turn of the conversation."""

    task: str
    result: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent is asked. The same subtask may be asked again: its effects must bear repetition."""

    #: plan, work, vote, summary or reply.
    kind: str
    run: str
    group: str
    agent: str
    subtask: str
    #: 1 for the first try.
    attempt: int
    task: str
    title: str
    instructions: str
    role: str
    members: tuple[Member, ...]
    findings: tuple[Finding, ...]
    notes: tuple[Note, ...]
    answers: tuple[str, ...]
    attachments: tuple[File, ...]
    earlier: tuple[Turn, ...]
    wrap_up: str
    replan: str
    time_limit: float | None


class Work(_Frame, frozen=True, kw_only=True):
    """A call for this connection."""

    call: str
    request: dict[str, Any]


class Answer(_Frame, frozen=True, kw_only=True):
    """A person's answer to what the call asked; `number` counts the answers of the subtask."""

    call: str
    text: str
    number: int


class Cancel(_Frame, frozen=True, kw_only=True):
    """Stop at once: nobody wants its result any more."""

    call: str
    reason: str


class Ack(_Frame, frozen=True, kw_only=True):
    """All frames of the call up to `seq` have arrived for good."""

    call: str
    seq: int


class Ping(_Frame, frozen=True, kw_only=True):
    """Answer with pong."""


class Bye(_Frame, frozen=True, kw_only=True):
    """The server closes the socket."""

    reason: str


class Error(_Frame, frozen=True, kw_only=True):
    """A frame was refused; nothing of it counts. `expected`: the seq that should have come."""

    reason: str
    message: str
    call: str | None = None
    expected: int | None = None


ServerFrame: TypeAlias = Welcome | Work | Answer | Cancel | Ack | Ping | Bye | Error

_decode: Final = msgspec.json.Decoder(ClientFrame).decode
_encode: Final = msgspec.json.Encoder().encode


def parse(text: str | None) -> ClientFrame:
    """A process's frame. Raises BadJSON, BadFrame, FrameTooLarge."""
    if text is None:
        raise BadJSON
    if len(text) > MAX_FRAME or len(text.encode("utf-8", "replace")) > MAX_FRAME:
        raise FrameTooLarge
    try:
        found: ClientFrame = _decode(text)
    except msgspec.ValidationError as error:
        raise BadFrame(f"{BadFrame().message} ({error})") from None
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise BadJSON from None
    return found


def write(frame: ServerFrame) -> str:
    """The frame as text."""
    return _encode(frame).decode()


def error(refusal: StarsError, call: str | None = None) -> Error:
    """The refusal as a frame."""
    expected = refusal.extra.get("expected")
    return Error(reason=refusal.reason, message=refusal.message, call=call, expected=expected)


def stored(frame: Said) -> dict[str, Any]:
    """The frame as a row keeps it."""
    return _washed(msgspec.to_builtins(frame))  # type: ignore[no-any-return]


def restored(frame: Mapping[str, Any]) -> Said:
    """The frame as it was said."""
    found: Said = msgspec.convert(frame, Said)
    return found


def asked(request: Request) -> dict[str, Any]:
    """What goes over the wire of a request: no settings, no keys, no paths of this machine."""
    files = "/api/v1/runs/{}/attachments/{}/"
    return msgspec.to_builtins(  # type: ignore[no-any-return]
        Asked(
            kind=request.kind,
            run=request.run_id,
            group=request.group_id,
            agent=request.agent_id,
            subtask=request.subtask_id,
            attempt=request.attempt,
            task=request.task,
            title=request.title,
            instructions=request.instructions,
            role=request.role,
            members=tuple(
                Member(
                    agent_id=each.agent_id,
                    role=each.role,
                    tags=each.tags,
                    name=each.name,
                    description=each.description,
                )
                for each in request.members
            ),
            findings=request.findings,
            notes=request.notes,
            answers=request.answers,
            attachments=tuple(
                File(
                    id=each.id,
                    name=each.name,
                    media_type=each.media_type,
                    size=each.size,
                    url=files.format(request.run_id, each.id),
                )
                for each in request.attachments
            ),
            earlier=tuple(Turn(task=task, result=result) for task, result in request.earlier),
            wrap_up=request.wrap_up,
            replan=request.replan,
            time_limit=request.time_limit,
        )
    )


def _washed(value: Any) -> Any:
    """Without NUL, which no PostgreSQL holds."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_washed(key): _washed(item) for key, item in value.items()}
    return [_washed(item) for item in value] if isinstance(value, list) else value
