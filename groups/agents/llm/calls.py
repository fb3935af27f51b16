"""One call of a model: asked for, streamed, repeated when a passing fault came before its first word, and counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final, TypeAlias

from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from groups.agents.base import AgentError, TextDelta, Usage
from groups.agents.llm.errors import translated
from groups.agents.llm.prices import usage_of, weight
from groups.agents.llm.provider import Line
from groups.agents.surroundings import Allowance, Purse

Heard: TypeAlias = TextDelta | Usage | ModelResponse

#: Seconds: a longer wait is left to the engine, which frees the slot meanwhile.
LONGEST_WAIT: Final = 20.0
#: A model that may write less than this cannot say anything.
_LEAST_TOKENS: Final = 64
WRAP_UP: Final = "This is your last turn: use no tool, and answer now with what you have, saying what is missing."


async def call(
    line: Line,
    messages: Sequence[ModelMessage],
    parameters: ModelRequestParameters,
    *,
    purse: Purse | None,
    last: bool = False,
    arguments: bool = False,
) -> AsyncGenerator[Heard, None]:
    """Yield the text as it comes (with `arguments` also that of tool calls), the usage, and last the response.

    `last` tells the model to wrap up. Raises AgentError, BudgetExhausted before a call that is not granted.
    """
    for tried in range(line.config.retries + 1):
        allowance = await purse.ask() if purse is not None else Allowance()
        sent, settings = _limited(line, messages, allowance, last=last)
        said = False
        try:
            async with aclosing(_stream(line, sent, settings, parameters, arguments)) as events:
                async for event in events:
                    said = said or isinstance(event, TextDelta)
                    yield event
            return
        except AgentError as error:
            wait = error.retry_after if error.retry_after is not None else 0.5 * 2.0**tried
            if said or not error.transient or tried == line.config.retries or wait > LONGEST_WAIT:
                raise
        await asyncio.sleep(wait)


async def _stream(
    line: Line,
    messages: list[ModelMessage],
    settings: ModelSettings,
    parameters: ModelRequestParameters,
    arguments: bool,
) -> AsyncGenerator[Heard, None]:
    try:
        async with model_request_stream(
            line.model, messages, model_settings=settings, model_request_parameters=parameters
        ) as stream:
            async for event in stream:
                match event:
                    # The first characters come with the part, not with a delta.
                    case PartStartEvent(part=TextPart(content=text)) if text:
                        yield TextDelta(text)
                    case PartDeltaEvent(delta=TextPartDelta(content_delta=text)) if text:
                        yield TextDelta(text)
                    case PartStartEvent(part=ToolCallPart(args=str(text))) if arguments and text:
                        yield TextDelta(text)
                    case PartDeltaEvent(delta=ToolCallPartDelta(args_delta=str(text))) if (
                        arguments and text
                    ):
                        yield TextDelta(text)
            response = stream.get()
    except Exception as error:
        raise translated(error, line.config, line.secrets) from None
    if response.finish_reason is None and not response.usage.has_values():
        raise AgentError(
            f"The answer of the model '{line.config.model}' broke off before its end.",
            transient=True,
        )
    yield usage_of(response, messages, line.config)
    if response.finish_reason == "content_filter":
        raise AgentError(f"The provider's content filter stopped the model '{line.config.model}'.")
    yield response


def _limited(
    line: Line, messages: Sequence[ModelMessage], allowance: Allowance, *, last: bool
) -> tuple[list[ModelMessage], ModelSettings]:
    """The messages and settings within what may still be used."""
    sent, settings = list(messages), line.settings.copy()
    if allowance.tokens is not None:
        left = max(_LEAST_TOKENS, allowance.tokens - weight(sent))
        settings["max_tokens"] = min(settings.get("max_tokens") or left, left)
    if last or allowance.last:
        # The tools stay described, for some providers refuse a conversation that mentions others.
        settings["tool_choice"] = "none"
        newest = sent[-1]
        if isinstance(newest, ModelRequest):
            sent[-1] = replace(
                newest, instructions=f"{newest.instructions or ''}\n\n{WRAP_UP}".strip()
            )
    return sent, settings
