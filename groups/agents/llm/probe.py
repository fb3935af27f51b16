"""Trying a model out: does it answer, does it stream, which way to structured output works, does it call tools."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import msgspec
from pydantic_ai import ToolDefinition
from pydantic_ai.messages import ModelRequest, ModelResponse, UserPromptPart
from pydantic_ai.models import ModelRequestParameters

from groups.agents.base import AgentError, TextDelta, Usage
from groups.agents.llm.calls import Heard, call
from groups.agents.llm.config import Config, parse_config
from groups.agents.llm.provider import Line, opened
from groups.agents.llm.structured import WAYS, Faulty, Shape, parameters, parse
from groups.agents.probes import Check, Probed

#: Seconds for one call.
_PATIENCE: Final = 35.0
_QUESTION: Final = "Count from one to ten in words, nothing else."
_TOOL: Final = ToolDefinition(
    name="look_up_weather",
    description="The weather in a city.",
    parameters_json_schema={
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
)
_WAY_WORDS: Final = {
    "native": "structured output by JSON schema",
    "tool": "structured output by a tool",
    "prompted": "structured output by words",
}


def _read(value: Any) -> dict[str, Any]:
    if isinstance(value.get("city"), str) and type(value.get("days")) is int:
        return dict(value)
    raise Faulty(["city is text, days a whole number."])


_TRIP: Final = Shape(
    name="trip",
    schema={
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 40}, "days": {"type": "integer"}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
    explanation='Answer with one JSON object: "city" is the name of a city, "days" a whole number.',
    read=_read,
)


class _Heard:
    """What came of one call."""

    def __init__(self) -> None:
        self.text = ""
        self.pieces = 0
        self.first: float | None = None
        self.usage = Usage()
        self.response: ModelResponse | None = None

    async def listen(self, calling: AsyncGenerator[Heard, None]) -> None:
        began = time.monotonic()
        async with aclosing(calling) as events:
            async for event in events:
                match event:
                    case TextDelta(text):
                        self.first = time.monotonic() - began if self.first is None else self.first
                        self.pieces += 1
                        self.text += text
                    case Usage():
                        self.usage = event
                    case ModelResponse():
                        self.response = event


async def probe(
    config: Mapping[str, Any], secrets: Mapping[str, str], allowed: Sequence[str]
) -> Probed:
    """Try the model of these settings with a handful of small calls; what goes wrong is told, not raised."""
    settings = _brief(parse_config(config))
    try:
        async with opened(settings, secrets, allowed) as line:
            return await _probe(line, settings)
    except AgentError as error:
        return Probed([Check("connection", False, error.message)], {})


def _brief(config: Config) -> Config:
    """The settings with less patience: a model that does not come to an end shows so in seconds."""
    return msgspec.structs.replace(
        config,
        time_limit=min(config.time_limit, _PATIENCE),
        first_event_timeout=min(config.first_event_timeout, _PATIENCE),
        retries=0,
    )


async def _probe(line: Line, config: Config) -> Probed:
    heard = _Heard()
    await heard.listen(_ask(line, _QUESTION, ModelRequestParameters()))
    usage, response = heard.usage, heard.response
    assert response is not None  # a call ends with its response or raises
    checks = [
        Check("connection", True, f"'{usage.model}' answered: {_brief_text(heard.text)}"),
        Check(
            "streaming",
            heard.pieces > 1,
            f"{heard.pieces} pieces, the first after {heard.first or 0:.2f} s",
        ),
        _usage_check(response, usage, config),
    ]
    *found, tools = await asyncio.gather(*(_structured(line, way) for way in WAYS), _tools(line))
    checks += found
    working = [way for way, check in zip(WAYS, found, strict=True) if check.ok]
    ability = {
        "structured": working[0] if working else "",
        "streams": checks[1].ok,
        "usage": checks[2].ok,
        "tools": tools.ok,
    }
    return Probed([*checks, tools], ability)


def _brief_text(text: str) -> str:
    """What a model wrote, in a line."""
    return " ".join(text.split())[:80]


def _usage_check(response: ModelResponse, usage: Usage, config: Config) -> Check:
    if not response.usage.has_values():
        return Check(
            "usage", False, "The server does not say how many tokens it used; they are estimated."
        )
    cost = "unknown" if usage.cost_usd is None else f"${usage.cost_usd:.6f}"
    return Check(
        "usage", True, f"{usage.input_tokens} + {usage.output_tokens} tokens; price: {cost}"
    )


async def _structured(line: Line, way: str) -> Check:
    name, heard = _WAY_WORDS[way], _Heard()
    question = f"Plan a short trip. {_TRIP.explanation}"
    try:
        await heard.listen(_ask(line, question, parameters(way, _TRIP)))
        value = parse(heard.text)
        if value is None:
            return Check(name, False, f"No JSON came: {_brief_text(heard.text)}")
        _TRIP.read(value)
    except AgentError as error:
        return Check(name, False, error.message)
    except Faulty:
        return Check(name, False, f"The JSON has another shape: {_brief_text(heard.text)}")
    return Check(name, True, "works")


async def _tools(line: Line) -> Check:
    heard = _Heard()
    question = "What is the weather in Oslo? Find out with the tool."
    try:
        await heard.listen(_ask(line, question, ModelRequestParameters(function_tools=[_TOOL])))
    except AgentError as error:
        return Check("tools", False, error.message)
    called = heard.response is not None and heard.response.tool_calls
    return Check(
        "tools", bool(called), "works" if called else "The model answered without the tool."
    )


def _ask(line: Line, question: str, asked: ModelRequestParameters) -> AsyncGenerator[Heard, None]:
    message = ModelRequest(parts=[UserPromptPart(question)], instructions="Answer briefly.")
    return call(line, [message], asked, purse=None, arguments=True)
