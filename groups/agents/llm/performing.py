"""A request to a language model carried out: which shape of answer it needs, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from groups.agents.base import (
    AgentError,
    AgentEvent,
    Answered,
    Outcome,
    Planned,
    Request,
    TextDelta,
)
from groups.agents.llm import plans, votes
from groups.agents.llm.config import Config
from groups.agents.llm.conversation import Conversation, Said
from groups.agents.llm.prompts import build
from groups.agents.llm.provider import Line, opened
from groups.agents.llm.sources import missing_words
from groups.agents.llm.structured import Found, ask
from groups.execution.statuses import SubtaskKind


async def perform(request: Request, config: Config) -> AsyncGenerator[AgentEvent | Outcome, None]:
    """Yield events and one outcome; see AgentRuntime. Raises AgentError."""
    allowed = request.outside.allowed if request.outside is not None else ()
    async with (
        opened(config, request.secrets, allowed) as line,
        aclosing(carry_out(line, request)) as events,
    ):
        async for event in events:
            yield event


async def carry_out(line: Line, request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
    """The same over a line that is open."""
    match request.kind:
        case SubtaskKind.PLAN:
            doing = _plan(line, request)
        case SubtaskKind.VOTE:
            doing = _vote(line, request)
        case _:
            doing = _speak(line, request)
    async with aclosing(doing) as events:
        async for event in events:
            yield event


async def _plan(line: Line, request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
    if not request.members:
        raise AgentError("The group has no members to give work to.")
    wanted = plans.shape(request, line.config)
    prompt = build(request, line.config, line.room)
    asking = ask(
        line,
        prompt,
        wanted,
        known=request.ability.get("structured"),
        purse=request.purse,
        tell=plans.Teller(),
    )
    async with aclosing(asking) as events:
        async for event in events:
            yield Planned(event.value) if isinstance(event, Found) else event


async def _vote(line: Line, request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
    wanted = votes.shape(request)
    prompt = build(request, line.config, line.room)
    known = request.ability.get("structured")
    async with aclosing(ask(line, prompt, wanted, known=known, purse=request.purse)) as events:
        async for event in events:
            if isinstance(event, Found):
                text, data = event.value.told(), event.value.data()
                yield TextDelta(text)
                yield Answered(text, data)
            else:
                yield event


async def _speak(line: Line, request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
    talk = Conversation(line, request, build(request, line.config, line.room))
    async with aclosing(talk.go_on()) as events:
        async for event in events:
            match event:
                case Said(text, board):
                    more = ""
                    if request.kind == SubtaskKind.SUMMARY:
                        more = missing_words(text, request.findings)
                    if more:
                        yield TextDelta(f"\n\n{more}")
                    data = {"board": list(board)} if board else {}
                    yield Answered(f"{text}\n\n{more}" if more else text, data)
                case _:
                    yield event
