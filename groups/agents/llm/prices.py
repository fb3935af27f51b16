"""What a call used and what it cost. A price that no list knows is None, never 0."""

from __future__ import annotations

import json
from collections.abc import Sequence

from genai_prices import calc_price
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart

from groups.agents.base import Usage
from groups.agents.llm.config import Config
from groups.agents.llm.context import tokens


def usage_of(response: ModelResponse, sent: Sequence[ModelMessage], config: Config) -> Usage:
    """The usage of one call. Tokens are estimated when the server does not report them, so that caps hold."""
    used = response.usage
    read, written = used.input_tokens, used.output_tokens
    model = response.model_name or config.model_name
    if not read and not written:
        read, written = weight(sent), weight([response])
        cost = _own_price(config, read, written)
    elif (cost := _own_price(config, read, written)) is None:
        cost = _listed_price(response, model, config)
    return Usage(input_tokens=read, output_tokens=written, requests=1, cost_usd=cost, model=model)


def weight(messages: Sequence[ModelMessage]) -> int:
    """About how many tokens these messages have."""
    total = 0
    for message in messages:
        if isinstance(message, ModelRequest) and message.instructions:
            total += tokens(message.instructions)
        for part in message.parts:
            said = part.args if isinstance(part, ToolCallPart) else getattr(part, "content", "")
            if said:
                total += tokens(said if isinstance(said, str) else json.dumps(said, default=str))
    return total


def _own_price(config: Config, read: int, written: int) -> float | None:
    if config.price is None:
        return None
    return (read * config.price.input + written * config.price.output) / 1_000_000


def _listed_price(response: ModelResponse, model: str, config: Config) -> float | None:
    try:
        # Behind an address of one's own, the name alone proves nothing: any server may call its model gpt-5.
        if config.base_url:
            found = calc_price(response.usage, model, provider_api_url=config.base_url)
        else:
            found = calc_price(response.usage, model, provider_id=response.provider_name)
    except (LookupError, ValueError):
        return None
    return float(found.total_price)
