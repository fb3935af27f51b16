"""Carrying out one request with an A2A agent: going on with its task or beginning one, plans with repair, questions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import msgspec
from a2a.helpers import new_text_part
from a2a.types.a2a_pb2 import Message, Task, TaskState

from groups.agents import outbound, wire
from groups.agents.a2a import connection, wording
from groups.agents.a2a.config import Config
from groups.agents.a2a.talk import DEAD, Talk, parts_of
from groups.agents.base import AgentError, AgentEvent, Answered, Outcome, Planned, Request, Waiting
from groups.agents.scrubbing import scrub
from groups.errors import PlanInvalid
from groups.execution.statuses import SubtaskKind

#: How often a leader is told what is wrong with its plan.
REPAIRS: Final = 2


class Memo(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered while a person is asked: the agent's task, and how many answers there were by then."""

    task: str = ""
    context: str = ""
    answers: int = 0
    #: The piece of work; when it is tried again later, the task begins anew.
    key: str = ""


async def carried_out(
    config: Config, request: Request
) -> AsyncGenerator[AgentEvent | Outcome, None]:
    """See `AgentRuntime.perform`."""
    headers = config.credentials(request.secrets)
    allowed = request.outside.allowed if request.outside is not None else ()
    async with outbound.client(allowed, headers=headers, silence=config.silence) as http:
        card = await connection.card_of(http, config, request.secrets)
        talk = Talk(await connection.connect(http, card), card, request)
        try:
            async with aclosing(_talked(talk, config, request)) as said:
                async for item in said:
                    yield item
        except (asyncio.CancelledError, GeneratorExit):
            await talk.call_off()
            raise
        except AgentError as error:
            if not error.transient:  # else the next attempt finds the task
                await talk.call_off()
            raise


async def _talked(
    talk: Talk, config: Config, request: Request
) -> AsyncGenerator[AgentEvent | Outcome, None]:
    begin = await _beginning(talk, config, request)
    said = talk.follow(begin) if isinstance(begin, Task) else talk.send(begin)
    async with aclosing(said):
        async for delta in said:
            yield delta
    if request.kind != SubtaskKind.PLAN or talk.state in (*DEAD, *_ASKS):
        yield _outcome(talk, request)
        return
    for repair in range(1, REPAIRS + 2):
        try:
            yield Planned(_plan(talk, request))
            return
        except PlanInvalid as error:
            faults = wire.faults_of(error)
        if repair > REPAIRS:
            raise AgentError(f"The plan cannot be used, nor could the agent mend it: {faults}")
        talk.anew()
        message = talk.message(f"repair-{repair}", new_text_part(wording.repair(faults)))
        async with aclosing(talk.send(message)) as said:
            async for delta in said:
                yield delta
        if talk.state in (*DEAD, *_ASKS):
            yield _outcome(talk, request)
            return


async def _beginning(talk: Talk, config: Config, request: Request) -> Message | Task:
    """The task to go on with, or the message with which it begins or goes on."""
    memo = _memo_of(request)
    if memo.task and memo.key == wire.key_of(request):
        talk.context_id = memo.context
        task = await talk.get(memo.task)
        given = "\n\n".join(request.answers[memo.answers :])
        message = talk.message(f"answer-{memo.answers}", new_text_part(given))
        message.task_id = memo.task
        heard = {each.message_id for each in task.history}
        if task.status.state in _ASKS and given and message.message_id not in heard:
            return message
        if task.status.state != TaskState.TASK_STATE_CANCELED:
            return task
        return _first(talk, config, request, f"task-{request.attempt}")
    first = _first(talk, config, request, "task")
    if request.attempt > 1 and (found := await talk.find(first.message_id)) is not None:
        if found.status.state not in DEAD:
            return found
        return _first(talk, config, request, f"task-{request.attempt}")
    return first


def _first(talk: Talk, config: Config, request: Request, name: str) -> Message:
    answers = tuple(request.answers)
    data: dict[str, Any] = wire.asked(request, answers)
    if config.skills:
        data["skills"] = list(config.skills)
    return talk.message(name, *parts_of(wording.words(request, answers), data))


_ASKS: Final = (TaskState.TASK_STATE_INPUT_REQUIRED, TaskState.TASK_STATE_AUTH_REQUIRED)


def _outcome(talk: Talk, request: Request) -> Outcome:
    """What the task came to. Raises AgentError when it failed."""
    said = scrub(talk.said, request.secrets)[: outbound.QUOTED]
    because = f": {said}" if said else "."
    match talk.state:
        case TaskState.TASK_STATE_INPUT_REQUIRED:
            memo = Memo(
                task=talk.task_id,
                context=talk.context_id,
                answers=len(request.answers),
                key=wire.key_of(request),
            )
            question = talk.said or "The agent needs an answer, and does not say to what."
            return Waiting(question=question, memo=msgspec.to_builtins(memo))
        case TaskState.TASK_STATE_AUTH_REQUIRED:
            raise AgentError(
                f"The A2A agent wants to be signed in to something else{because} "
                "Do that where it runs, or store the credentials it needs among this agent's secrets."
            )
        case TaskState.TASK_STATE_FAILED:
            raise AgentError(f"The A2A agent failed{because}")
        case TaskState.TASK_STATE_REJECTED:
            raise AgentError(f"The A2A agent rejected the task{because}")
        case TaskState.TASK_STATE_CANCELED:
            raise AgentError("The A2A agent's task was cancelled on its side.", transient=True)
    return Answered(talk.result, talk.gathered.data)


def _plan(talk: Talk, request: Request) -> Any:
    """Raises PlanInvalid."""
    data = talk.gathered.data
    return wire.read_plan(data if "subtasks" in data else talk.result, request.members)


def _memo_of(request: Request) -> Memo:
    """What was remembered; nothing when it is of another kind of agent."""
    try:
        return msgspec.convert(request.memo, Memo)
    except msgspec.ValidationError:
        return Memo()
