"""What OpenAI's clients send, as far as it means something to a group, and how they are refused. Pure.

Names and meanings: OpenAI's API reference, Chat Completions and Responses. Fields that are not here are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from groups.doors.common.refusals import BodyInvalid
from state.errors import StarsError

Content = str | list[dict[str, Any]] | None
_TEXTS: Final = frozenset({"text", "input_text", "output_text"})
_KINDS: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class Turn(msgspec.Struct):
    """A message of the conversation; of responses' other items only the type is looked at."""

    role: str = ""
    content: Content = None
    type: str = "message"


class StreamOptions(msgspec.Struct):
    include_usage: bool = False


class ChatRequest(msgspec.Struct):
    """POST /v1/chat/completions."""

    model: str
    messages: list[Turn]
    stream: bool = False
    stream_options: StreamOptions | None = None
    metadata: dict[str, str] | None = None


class Conversation(msgspec.Struct):
    id: str


class ResponseRequest(msgspec.Struct):
    """POST /v1/responses."""

    model: str
    input: str | list[Turn]
    instructions: str | None = None
    stream: bool = False
    background: bool = False
    previous_response_id: str | None = None
    conversation: str | Conversation | None = None
    metadata: dict[str, str] | None = None


class Asked(NamedTuple):
    """What a list of messages comes to: the task, and the turns (task, result) before it."""

    task: str
    earlier: list[tuple[str, str]]


def asked_of(turns: Sequence[Turn], instructions: str = "") -> Asked:
    """The last user message is the task; what was said before it are earlier turns.

    What the system says stands as a first turn that nobody answered. Raises BodyInvalid.
    """
    system, earlier, open_ = [instructions] if instructions else [], list[tuple[str, str]](), ""
    for turn in turns:
        text = _text_of(turn)
        match turn.role:
            case "system" | "developer":
                system.append(text)
            case "user":
                open_ = f"{open_}\n\n{text}" if open_ else text
            case "assistant":
                earlier.append((open_, text))
                open_ = ""
            case _:
                raise BodyInvalid(
                    f"A message with the role “{turn.role}” cannot be used: a group calls its tools itself."
                )
    if not open_.strip():
        raise BodyInvalid("The last message must be the user's, and not empty: it is the task.")
    first = [("\n\n".join(system), "")] if system else []
    return Asked(open_, first + earlier)


def _text_of(turn: Turn) -> str:
    if turn.type != "message":
        raise BodyInvalid(f"Input of the type “{turn.type}” cannot be used; send messages.")
    if turn.content is None or isinstance(turn.content, str):
        return turn.content or ""
    if any(part.get("type") not in _TEXTS for part in turn.content):
        raise BodyInvalid("Only text can be sent here; attach files with POST groups/<id>/runs/.")
    return "".join(str(part.get("text", "")) for part in turn.content)


def error_body(refusal: StarsError, code: str = "", param: str | None = None) -> dict[str, Any]:
    """The refusal in OpenAI's shape; `code` in place of our own word for it."""
    kind = _KINDS.get(refusal.status)
    if kind is None:
        kind = "server_error" if refusal.status >= 500 else "invalid_request_error"
    return {
        "error": {
            "message": _said(refusal),
            "type": kind,
            "param": param or next(iter(refusal.fields), None),
            "code": code or refusal.reason,
        }
    }


def _said(refusal: StarsError) -> str:
    """The sentence, and what is wrong with single fields."""
    faults = [f"{name}: {' '.join(texts)}" for name, texts in refusal.fields.items()]
    return " ".join([refusal.message, *faults])
