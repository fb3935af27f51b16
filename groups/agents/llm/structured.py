"""Answers of a fixed shape: by the way that works with the model, checked, and repaired by showing it what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import Any, Final, Generic, NamedTuple, TypeVar

from pydantic_ai import ToolDefinition
from pydantic_ai.messages import ModelRequest, ModelResponse, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition

from groups.agents.base import AgentError, AgentEvent, TextDelta
from groups.agents.llm.calls import call
from groups.agents.llm.context import shorten
from groups.agents.llm.errors import CallRejected
from groups.agents.llm.prompts import Prompt, fenced
from groups.agents.llm.provider import Line
from groups.agents.surroundings import Purse

T = TypeVar("T")

#: By the provider's JSON Schema, by a tool whose arguments are the answer, by words alone.
WAYS: Final = ("native", "tool", "prompted")
#: Faults that the model is shown at once, and tokens of its own answer.
_SHOWN: Final = 20
_OWN: Final = 3_000


class Faulty(Exception):
    """The answer has its shape and cannot be used; `faults` are sentences for the model."""

    def __init__(self, faults: Iterable[str]) -> None:
        super().__init__()
        self.faults = list(faults)


class Shape(NamedTuple, Generic[T]):
    """What is asked for. `read` makes the value of the JSON or raises Faulty."""

    name: str
    schema: dict[str, Any]
    #: The fields in words and an example, since not every server shows the schema to its model.
    explanation: str
    read: Callable[[Any], T]


class Found(NamedTuple, Generic[T]):
    """The value that came of it."""

    value: T


def ways(line: Line, known: object) -> list[str]:
    """The ways to try, best first: the one that a test found to work, else as the provider's profile promises."""
    profile = line.model.profile
    able = [
        way
        for way in WAYS
        if way == "prompted"
        or (way == "native" and profile.get("supports_json_schema_output", False))
        or (way == "tool" and profile.get("supports_tools", True))
    ]
    return sorted(able, key=lambda way: way != known)


def parameters(way: str, shape: Shape[Any]) -> ModelRequestParameters:
    """How a request asks for the shape in that way."""
    if way == "tool":
        tool = ToolDefinition(
            name=shape.name,
            description="Give the answer by calling this.",
            parameters_json_schema=shape.schema,
            kind="output",
        )
        return ModelRequestParameters(
            output_mode="tool", output_tools=[tool], allow_text_output=False
        )
    return ModelRequestParameters(
        output_mode="native" if way == "native" else "prompted",
        output_object=OutputObjectDefinition(json_schema=shape.schema, name=shape.name),
    )


async def ask(
    line: Line,
    prompt: Prompt,
    shape: Shape[T],
    *,
    known: object = None,
    purse: Purse | None = None,
    tell: Callable[[str], Iterable[str]] = lambda text: (),
) -> AsyncGenerator[AgentEvent | Found[T], None]:
    """Yield usage and what `tell` makes of the raw text so far, and last what was found.

    A way that the server rejects, or that brings prose, is given up for the next. Raises AgentError when the model
    has not managed after `repairs`.
    """
    left, repairs, complaint = ways(line, known), line.config.repairs, ""
    system = f"{prompt.system}\n\n{shape.explanation}"
    while True:
        user = f"{prompt.user}\n\n{complaint}".strip()
        message = ModelRequest(parts=[UserPromptPart(user)], instructions=system)
        raw, response = "", None
        try:
            asked = call(line, [message], parameters(left[0], shape), purse=purse, arguments=True)
            async with aclosing(asked) as events:
                async for event in events:
                    if isinstance(event, ModelResponse):
                        response = event
                    elif isinstance(event, TextDelta):
                        raw += event.text
                        for text in tell(raw):
                            yield TextDelta(text)
                    else:
                        yield event
        except CallRejected:
            if len(left) == 1:
                raise
            del left[0]
            continue
        value = parse(raw)
        if value is not None:
            try:
                yield Found(shape.read(value))
                return
            except Faulty as faulty:
                faults = faulty.faults
        elif response is not None and response.finish_reason == "length":
            faults = ["It was cut off at the limit of tokens. Make it much shorter."]
        elif len(left) > 1:
            del left[0]
            continue
        else:
            faults = ["It is not a JSON object of the shape that was asked for."]
        if not repairs:
            raise AgentError(
                f"The model gave no usable {shape.name} in {line.config.repairs + 1} tries: {_told(faults)}"
            )
        repairs -= 1
        yield TextDelta(
            f"\n*The {shape.name} cannot be used and is asked for again: {_told(faults)}*\n\n"
        )
        complaint = _complaint(shape, raw, faults)


def parse(text: str) -> dict[str, Any] | None:
    """The JSON object in the text, also when the model wrapped it in prose or a code block; None when there is none."""
    tries = [text, *re.findall(r"```(?:json)?\s*(\{.*?\})\s*```", text, re.DOTALL)]
    if "{" in text and "}" in text:
        tries.append(text[text.index("{") : text.rindex("}") + 1])
    for candidate in tries:
        try:
            found = json.loads(candidate, strict=False)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    return None


def _complaint(shape: Shape[Any], raw: str, faults: list[str]) -> str:
    listed = "\n".join(f"- {fault}" for fault in faults[:_SHOWN])
    own = fenced(shorten(raw, _OWN))
    return (
        f"# Your last {shape.name} cannot be used\n{own}\nWhat is wrong:\n{listed}\n"
        f"Give the whole {shape.name} again, with this put right."
    )


def _told(faults: list[str]) -> str:
    return " ".join(faults[:3]) + (f" (and {len(faults) - 3} more)" if len(faults) > 3 else "")
