"""A conversation with tools within a model's window: the oldest results of tools go first, the task never."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelRequestPart, ToolReturnPart

from groups.agents.llm.context import shorten, tokens
from groups.agents.llm.prices import weight

#: Tokens that an old result keeps.
_KEPT: Final = 60


def trimmed(messages: Sequence[ModelMessage], room: int) -> list[ModelMessage]:
    """The messages within `room` tokens as far as shortening results of tools achieves it, the oldest first.

    The newest results share what is left. Questions and answers stay, since their order is the provider's rule.
    """
    found = list(messages)
    excess = weight(found) - room
    last = len(found) - 1
    for index, message in enumerate(found):
        if excess <= 0:
            break
        if not isinstance(message, ModelRequest):
            continue
        returns = [part for part in message.parts if isinstance(part, ToolReturnPart)]
        if not returns:
            continue
        sizes = sum(tokens(str(part.content)) for part in returns)
        limit = max(_KEPT, (sizes - excess) // len(returns)) if index == last else _KEPT
        parts: list[ModelRequestPart] = [_shortened(part, limit) for part in message.parts]
        excess -= sizes - sum(
            tokens(str(p.content)) for p in parts if isinstance(p, ToolReturnPart)
        )
        found[index] = replace(message, parts=parts)
    return found


def _shortened(part: ModelRequestPart, limit: int) -> ModelRequestPart:
    if not isinstance(part, ToolReturnPart):
        return part
    # Made anew: `replace` would ask the types of the tools that providers themselves run.
    return ToolReturnPart(
        tool_name=part.tool_name,
        content=shorten(str(part.content), limit),
        tool_call_id=part.tool_call_id,
    )
