"""The frames of a receiver's stream, as NDJSON or server-sent events: text, tool, usage, and one that ends it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Final, Literal

import msgspec

from groups.agents import base, wire
from groups.agents.base import AgentError
from state.errors import Invalid

#: Characters of one frame.
MAX_FRAME: Final = wire.MAX_TEXT + 100_000
#: Frames that end the stream; what they carry is an answer.
ENDS: Final = frozenset({"done", "ask", "fail"})

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """A further piece of the output."""

    text: str


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """It begins to use a tool, or has used it; `id` pairs the two."""

    id: Id
    tool: Id
    state: Literal["started", "finished"]
    arguments: dict[str, Any] = {}
    summary: str = ""
    ok: bool = True


async def lines(pieces: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """The text in lines, without their ends. Raises AgentError for one that is too long."""
    # Joined once a line: to join at every piece would take minutes for a long line in small ones.
    begun, length = list[str](), 0
    async for piece in pieces:
        *ends, rest = piece.split("\n")
        for end in ends:
            yield "".join([*begun, end]).removesuffix("\r")
            begun, length = [], 0
        begun.append(rest)
        length += len(rest)
        if length > MAX_FRAME:
            raise AgentError("The webhook's stream has a line that is too long.")
    if last := "".join(begun):
        yield last


async def of_ndjson(pieces: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """The frames of a stream of JSON lines; empty lines keep the connection alive."""
    async with aclosing(lines(pieces)) as found:
        async for line in found:
            if line.strip():
                yield line


async def of_sse(pieces: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """The frames of server-sent events: the `data` of each, whatever it is named (WHATWG HTML, 9.2)."""
    data: list[str] = []
    async with aclosing(lines(pieces)) as found:
        async for line in found:
            field, _, value = line.partition(":")
            if field == "data":
                data.append(value.removeprefix(" "))
            elif not line and data:
                yield "\n".join(data)
                data.clear()
    if data:
        yield "\n".join(data)


def read(text: str) -> base.AgentEvent | wire.Answer | None:
    """What a frame says; None for one of a type that is not known. Raises AgentError when it is broken."""
    try:
        value = json.loads(text)
        kind = value["type"] if isinstance(value, dict) and "type" in value else None
        match kind:
            case "text":
                return base.TextDelta(msgspec.convert(value, Text).text)
            case "tool":
                return _tool(msgspec.convert(value, Tool))
            case "usage":
                return used(msgspec.convert(value, wire.Used))
            case str() if kind in ENDS:
                return _end(kind, value)
            case str():
                return None
    except (ValueError, RecursionError, Invalid) as error:
        raise AgentError(f"The webhook's stream has a frame that cannot be read: {error}") from None
    raise AgentError("The webhook's stream has a frame that is no JSON object with a type.")


def _end(kind: str, value: dict[str, Any]) -> wire.Answer:
    body = {name: item for name, item in value.items() if name != "type"}
    if kind == "done" and not body.keys() & {"text", "plan", "hand_over", "question", "error"}:
        body["text"] = ""  # what was streamed
    return wire.read_answer(body)


def _tool(frame: Tool) -> base.AgentEvent:
    if frame.state == "started":
        return base.ToolStarted(call_id=frame.id, tool=frame.tool, arguments=frame.arguments)
    return base.ToolFinished(call_id=frame.id, tool=frame.tool, summary=frame.summary, ok=frame.ok)


def used(usage: wire.Used) -> base.Usage:
    """As the engine counts it."""
    return base.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        requests=usage.requests,
        cost_usd=usage.cost_usd,
        model=usage.model,
    )
