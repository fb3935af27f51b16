"""Work in words: the model speaks, uses the tools it was granted, and speaks again until it has its answer."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final, NamedTuple

from pydantic_ai import ToolDefinition
from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelRequest,
    ModelResponse,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters

from groups.agents.base import (
    AgentError,
    AgentEvent,
    HandedOver,
    Request,
    TextDelta,
    ToolFinished,
    ToolStarted,
    Waiting,
)
from groups.agents.llm.calls import call
from groups.agents.llm.history import trimmed
from groups.agents.llm.prompts import Prompt
from groups.agents.llm.provider import Line
from groups.agents.llm.teamwork import Teamwork
from groups.agents.scrubbing import scrub
from groups.agents.surroundings import NeedsPerson, ToolResult
from groups.execution.statuses import WaitsFor

#: Characters of a tool's result that the log shows when the tool gives no summary.
_SUMMARY: Final = 200


class Said(NamedTuple):
    """The whole text, at the end of a conversation."""

    text: str
    #: Items put up for others.
    board: tuple[dict[str, Any], ...] = ()


class Conversation:
    """One piece of work of one agent, from its first turn or from where a person's answer lets it go on."""

    def __init__(self, line: Line, request: Request, prompt: Prompt) -> None:
        self._line = line
        self._request = request
        self._system = prompt.system
        self._messages: list[ModelMessage] = [_asking(prompt)]
        #: Results by the model's own id of the call, of a turn that a question interrupted.
        self._done: dict[str, str] = {}
        self._answer: str | None = None
        self._open = ""
        self._teamwork = Teamwork(request, line.config)
        self.text = ""
        memo = request.memo
        if memo.get("history") and len(request.answers) > memo.get("asked", 0):
            self._messages = ModelMessagesTypeAdapter.validate_python(memo["history"])
            self._done, self._open = dict(memo["done"]), memo["open"]
            self._answer = request.answers[memo["asked"]]
            self.text = memo["text"]

    async def go_on(self) -> AsyncGenerator[AgentEvent | Waiting | HandedOver | Said, None]:
        """Yield what happens and last the whole text, or the question a person must answer first.

        Raises AgentError, BudgetExhausted.
        """
        if self.text:
            # What an earlier attempt had written counts no longer unless it is said again.
            yield TextDelta(self.text)
        parameters = ModelRequestParameters(function_tools=await self._tools())
        newest = self._messages[-1]
        if isinstance(newest, ModelResponse):
            async for event in self._use_tools(newest):
                yield event
                if isinstance(event, Waiting | HandedOver):
                    return
        for number in range(self._line.config.max_calls):
            last = number + 1 == self._line.config.max_calls or bool(self._request.wrap_up)
            response = None
            async with aclosing(self._turn(parameters, last=last)) as turn:
                async for item in turn:
                    if isinstance(item, ModelResponse):
                        response = item
                    else:
                        yield item
            assert response is not None  # a call ends with its response or raises
            self._messages.append(response)
            if last or not response.tool_calls:
                break
            async for event in self._use_tools(response):
                yield event
                if isinstance(event, Waiting | HandedOver):
                    return
        if not self.text.strip():
            raise AgentError(
                f"The model '{self._line.config.model}' answered nothing.", transient=True
            )
        if response is not None and response.finish_reason == "length":
            cut = "\n\n*(Cut off here: the model reached the limit of tokens it may write.)*"
            self.text += cut
            yield TextDelta(cut)
        yield Said(self.text, tuple(self._teamwork.board))

    async def _tools(self) -> list[ToolDefinition]:
        own = list(self._teamwork.tools)
        if self._request.tools is None or self._request.wrap_up:
            return own
        return own + [
            ToolDefinition(
                name=spec.name,
                description=spec.description,
                parameters_json_schema=dict(spec.parameters),
                # Strict schemas are a dialect that tools of others do not keep to.
                strict=False,
            )
            for spec in await self._request.tools.specs()
        ]

    async def _turn(
        self, parameters: ModelRequestParameters, *, last: bool
    ) -> AsyncGenerator[AgentEvent | ModelResponse, None]:
        room = self._line.room - sum(
            len(json.dumps(tool.parameters_json_schema)) // 3 for tool in parameters.function_tools
        )
        messages = trimmed(self._messages, room)
        first = True
        calling = call(self._line, messages, parameters, purse=self._request.purse, last=last)
        async with aclosing(calling) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    if first and self.text:
                        # A new turn is a new paragraph.
                        event = TextDelta(f"\n\n{event.text}")
                    first = False
                    self.text += event.text
                yield event

    async def _use_tools(
        self, response: ModelResponse
    ) -> AsyncGenerator[ToolStarted | ToolFinished | Waiting | HandedOver, None]:
        """Use the tools that the response calls, one after the other, and put the results into the history."""
        numbered = self._numbered(response)
        for part in response.tool_calls:
            if part.tool_call_id in self._done:
                continue
            call_id, arguments = numbered[part.tool_call_id], _arguments(part)
            yield ToolStarted(call_id=call_id, tool=part.tool_name, arguments=arguments or {})
            try:
                result = await self._use(part, arguments, call_id)
            except NeedsPerson as need:
                yield ToolFinished(
                    call_id=call_id, tool=part.tool_name, summary="Asked a person.", ok=True
                )
                yield self._waiting(part, need)
                return
            summary = result.summary or " ".join(result.text.split())[:_SUMMARY]
            yield ToolFinished(call_id=call_id, tool=part.tool_name, summary=summary, ok=result.ok)
            self._done[part.tool_call_id] = result.text
            if self._teamwork.handed is not None:
                yield self._teamwork.handed
                return
        returns = [
            ToolReturnPart(
                tool_name=part.tool_name,
                content=self._done[part.tool_call_id],
                tool_call_id=part.tool_call_id,
            )
            for part in response.tool_calls
        ]
        self._messages.append(ModelRequest(parts=returns, instructions=self._system))
        self._done, self._open, self._answer = {}, "", None

    async def _use(
        self, part: ToolCallPart, arguments: dict[str, Any] | None, call_id: str
    ) -> ToolResult:
        if (own := self._teamwork.use(part.tool_name, arguments)) is not None:
            return own
        tools = self._request.tools
        if tools is None:
            return ToolResult(text="You have no tools here. Answer without them.", ok=False)
        if arguments is None:
            text = "The arguments are not a JSON object (perhaps cut off). Call it again with complete arguments."
            return ToolResult(text=text, summary="The arguments were not JSON.", ok=False)
        answer = self._answer if part.tool_call_id == self._open else None
        try:
            return await tools.call(part.tool_name, arguments, call_id=call_id, answer=answer)
        except (NeedsPerson, AgentError):
            raise
        except Exception as error:
            told = scrub(f"{type(error).__name__}: {error}", self._line.secrets)
            text = f"The tool failed: {told}. Do without it or say what is missing."
            return ToolResult(text=text, summary=told[:_SUMMARY], ok=False)

    def _waiting(self, part: ToolCallPart, need: NeedsPerson) -> Waiting:
        return Waiting(
            question=need.question,
            waits_for=WaitsFor.APPROVAL if need.options else WaitsFor.PERSON,
            options=need.options,
            patience=need.patience,
            memo={
                "history": ModelMessagesTypeAdapter.dump_python(self._messages, mode="json"),
                "done": self._done,
                "open": part.tool_call_id,
                "asked": len(self._request.answers),
                "text": self.text,
                "board": self._teamwork.board,
            },
        )

    def _numbered(self, response: ModelResponse) -> dict[str, str]:
        """The model's ids of this turn's calls -> ids that are the same in every attempt: what is called with what,
        and for the how many-th time, so that a repeated attempt repeats no effect."""
        seen: Counter[str] = Counter()
        found: dict[str, str] = {}
        for message in self._messages:
            if isinstance(message, ModelResponse):
                for part in message.tool_calls:
                    given = json.dumps([part.tool_name, _arguments(part)], sort_keys=True)
                    digest = hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:16]
                    seen[digest] += 1
                    if message is response:
                        found[part.tool_call_id] = f"{digest}-{seen[digest]}"
        return found


def _asking(prompt: Prompt) -> ModelRequest:
    return ModelRequest(parts=[UserPromptPart(prompt.user)], instructions=prompt.system)


def _arguments(part: ToolCallPart) -> dict[str, Any] | None:
    """The call's arguments; None when they are no JSON object."""
    try:
        return part.args_as_dict(raise_if_invalid=True)
    except (ValueError, AssertionError):
        return None
