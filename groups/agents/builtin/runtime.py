"""The built-in agents as the engine sees them: they follow a script, or plan, work and report."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from functools import partial

from groups.agents import settings
from groups.agents.base import (
    AgentEvent,
    Answered,
    HandedOver,
    Outcome,
    Planned,
    Request,
    TextDelta,
    Waiting,
)
from groups.agents.builtin.script import Config, hold, recite, scripted_plan
from groups.execution.plan import Plan
from groups.execution.statuses import SubtaskKind


class BuiltinRuntime:
    """Carries out requests of `builtin` agents: deterministic, without a model or a key."""

    async def perform(self, request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
        """Yield events and one outcome; see AgentRuntime. Raises Invalid for wrong settings."""
        config = settings.read(request.config, Config)
        script = config.script
        if script is not None and (not script.kinds or request.kind in script.kinds):
            await hold(script, request)
            if script.ask and not request.answers:
                yield Waiting(question=script.ask)
                return
            if script.usage is not None:
                if request.purse is not None:  # as if it were about to call a model
                    await request.purse.ask()
                yield script.usage
            if script.hand_over is not None and request.kind == SubtaskKind.WORK:
                if script.reply:
                    yield TextDelta(script.reply)
                yield HandedOver(to=script.hand_over.to, text=script.hand_over.text)
                return
            if request.kind == SubtaskKind.PLAN and script.plan is not None:
                yield Planned(scripted_plan(script.plan, request.members))
                return
            if request.kind != SubtaskKind.PLAN and script.reply is not None:
                async for piece in recite(script, script.reply, request):
                    yield piece
                return
        # Closed by hand, not by the garbage collector: closing is what stops the work.
        async with aclosing(_own_work(request, config)) as events:
            async for event in events:
                if config.pace and isinstance(event, TextDelta):
                    for line in event.text.splitlines(keepends=True):
                        yield TextDelta(line)
                        await asyncio.sleep(config.pace)
                else:
                    yield event


def _own_work(request: Request, config: Config) -> AsyncGenerator[AgentEvent | Outcome, None]:
    """What the agent does when no script answers for it."""
    if request.kind == SubtaskKind.PLAN:
        return _plan(request)
    if request.kind == SubtaskKind.SUMMARY:
        return _report(request)
    if request.kind == SubtaskKind.VOTE:
        return _vote(request)
    if request.kind == SubtaskKind.REPLY:
        return _reply(request, config)
    return _work(request, config)


async def _plan(request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
    from groups.agents.builtin.planner import make_plan

    if request.replan:
        from groups.agents.builtin.replanner import make_further_plan

        plan = make_further_plan(request)
    else:
        plan = make_plan(request)
    yield TextDelta("".join(_described(plan)))
    yield Planned(plan)


async def _vote(request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
    from groups.agents.builtin.judge import vote

    answer = vote(request)
    yield TextDelta(answer.text)
    yield answer


async def _report(request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
    from groups.agents.builtin.report import write_report

    pieces = []
    for piece in write_report(request):
        pieces.append(piece)
        yield TextDelta(piece)
    yield Answered("".join(pieces))


async def _reply(request: Request, config: Config) -> AsyncGenerator[AgentEvent | Outcome, None]:
    from groups.agents.builtin.reply import write_reply

    pieces = []
    for piece in write_reply(request, config.skill):
        pieces.append(piece)
        yield TextDelta(piece)
    yield Answered("".join(pieces))


async def _work(request: Request, config: Config) -> AsyncGenerator[AgentEvent | Outcome, None]:
    from groups.agents.builtin.thread import stream
    from groups.agents.builtin.work import work

    async with aclosing(stream(partial(work, request, config.skill))) as events:
        async for event in events:
            yield event


def _described(plan: Plan) -> Iterator[str]:
    """The plan in words, line by line."""
    yield f"{plan.note}\n\n"
    for item in plan.subtasks:
        after = f" (after {', '.join(item.depends_on)})" if item.depends_on else ""
        yield f"{item.key}. {item.title} → {item.assignee}{after}\n"
