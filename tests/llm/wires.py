"""How providers put an answer on the wire as server-sent events: what comes first, the pieces, what comes last."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Frames: TypeAlias = list[bytes]
Wire: TypeAlias = Callable[
    [Sequence[str | tuple[str, str]], tuple[int, int] | None, str], tuple[Frames, Frames, Frames]
]


def wire_of(path: str) -> Wire:
    """The protocol that is spoken at the path."""
    if "generateContent" in path.replace("streamGenerate", "generate") or ":stream" in path:
        return google
    return anthropic if path.endswith("/messages") or "/messages?" in path else openai


def _event(data: object, name: str = "") -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def openai(
    said: Sequence[str | tuple[str, str]], usage: tuple[int, int] | None, finish: str
) -> tuple[Frames, Frames, Frames]:
    """Chat completions; arguments of tools come in two halves."""

    def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return _event(_head() | {"choices": [choice]})

    def _head() -> dict[str, Any]:
        return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "stub-1"}

    pieces: Frames = []
    tools = 0
    for item in said:
        if isinstance(item, str):
            pieces.append(chunk({"content": item}))
            continue
        name, arguments = item
        half = len(arguments) // 2
        first = {"name": name, "arguments": arguments[:half]}
        call = {"index": tools, "id": f"call_{tools}", "type": "function", "function": first}
        pieces.append(chunk({"tool_calls": [call]}))
        rest = {"index": tools, "function": {"arguments": arguments[half:]}}
        pieces.append(chunk({"tool_calls": [rest]}))
        tools += 1
    last = [chunk({}, finish)]
    if usage is not None:
        read, written = usage
        counted = {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        }
        last.append(_event(_head() | {"choices": [], "usage": counted}))
    return [chunk({"role": "assistant", "content": ""})], pieces, [*last, b"data: [DONE]\n\n"]


def anthropic(
    said: Sequence[str | tuple[str, str]], usage: tuple[int, int] | None, finish: str
) -> tuple[Frames, Frames, Frames]:
    """Messages."""
    read, written = usage or (0, 0)
    message: dict[str, Any] = {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "stub-1",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": read, "output_tokens": 1},
    }
    pieces: Frames = []
    for index, item in enumerate(said):
        is_text = isinstance(item, str)
        block = (
            {"type": "text", "text": ""}
            if is_text
            else {"type": "tool_use", "id": f"toolu_{index}", "name": item[0], "input": {}}
        )
        delta = (
            {"type": "text_delta", "text": item}
            if is_text
            else {"type": "input_json_delta", "partial_json": item[1]}
        )
        at = {"index": index}
        pieces += [
            _event(
                {"type": "content_block_start", "content_block": block} | at, "content_block_start"
            ),
            _event({"type": "content_block_delta", "delta": delta} | at, "content_block_delta"),
            _event({"type": "content_block_stop"} | at, "content_block_stop"),
        ]
    reason = {"tool_calls": "tool_use", "length": "max_tokens"}.get(finish, "end_turn")
    stop = {"stop_reason": reason, "stop_sequence": None}
    end = [
        _event(
            {"type": "message_delta", "delta": stop, "usage": {"output_tokens": written}},
            "message_delta",
        ),
        _event({"type": "message_stop"}, "message_stop"),
    ]
    return [_event({"type": "message_start", "message": message}, "message_start")], pieces, end


def google(
    said: Sequence[str | tuple[str, str]], usage: tuple[int, int] | None, finish: str
) -> tuple[Frames, Frames, Frames]:
    """Gemini's streamGenerateContent."""
    pieces: Frames = []
    read, written = usage or (0, 0)
    counted = {
        "promptTokenCount": read,
        "candidatesTokenCount": written,
        "totalTokenCount": read + written,
    }
    for index, item in enumerate(said):
        part: dict[str, Any] = (
            {"text": item}
            if isinstance(item, str)
            else {"functionCall": {"name": item[0], "args": json.loads(item[1])}}
        )
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": [part]}, "index": 0}
        body: dict[str, Any] = {"candidates": [candidate], "modelVersion": "stub-1"}
        if index == len(said) - 1:
            candidate["finishReason"] = "MAX_TOKENS" if finish == "length" else "STOP"
            body["usageMetadata"] = counted
        pieces.append(_event(body))
    return [], pieces, []
