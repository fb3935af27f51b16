"""One attempt at one subtask: the agent performs, its events are gathered, its end is named."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Any, Final

import msgspec

from groups import events
from groups.agents import base, registry
from groups.agents.surroundings import Secrets
from groups.engine.line import AgentLine
from groups.engine.outside import AgentOutside
from groups.engine.purse import AgentPurse
from groups.engine.states import AgentStates
from groups.engine.toolbox import toolbox
from groups.errors import PlanInvalid
from groups.execution.plan import plan_from_json
from groups.services import secrets
from groups.services.subtasks import End, Failed, Released, Work
from state.threads import in_thread

logger = logging.getLogger(__name__)

#: Seconds between two writes of one subtask's text.
FLUSH: Final = 0.05
#: Characters of output after which an agent is taken to run wild.
MAX_OUTPUT: Final = 4_000_000
#: Seconds that an agent may wait for an answer at most, ten years: no calendar goes on for ever.
LONGEST: Final = 315_360_000.0


class Reporter:
    """Gathers what an attempt says; text pieces that come within `FLUSH` become one event."""

    def __init__(self, send: Callable[[list[events.Event]], None]) -> None:
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._waiting: list[events.Event] = []
        self._text: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._last = -FLUSH
        self._length = 0

    def say(self, item: base.AgentEvent) -> None:
        """Take one event of the agent. Raises AgentError when its output exceeds `MAX_OUTPUT` or cannot be logged."""
        if isinstance(item, base.TextDelta) and isinstance(item.text, str):
            self._count(len(item.text))
            self._text.append(item.text)
        else:
            self._count(len(repr(item)))
            fact = _storable(_fact(item))
            self._settle_text()
            self._waiting.append(fact)
        self._schedule()

    def note(self, fact: events.Event) -> None:
        """Log what the agent did through the engine, in its place among what it says."""
        self._settle_text()
        self._waiting.append(fact)
        self._schedule()

    def rest(self) -> list[events.Event]:
        """What has not been sent yet; nothing is sent on its own after this."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._settle_text()
        waiting, self._waiting = self._waiting, []
        return waiting

    def _schedule(self) -> None:
        if self._timer is None:
            due = max(self._last + FLUSH, self._loop.time())
            self._timer = self._loop.call_at(due, self._flush)

    def _count(self, characters: int) -> None:
        self._length += characters
        if self._length > MAX_OUTPUT:
            raise base.AgentError(f"The output is longer than {MAX_OUTPUT:,} characters.")

    def _flush(self) -> None:
        self._last = self._loop.time()
        if waiting := self.rest():
            self._send(waiting)

    def _settle_text(self) -> None:
        if text := _clean("".join(self._text)):
            self._waiting.append(events.TextDelta(text=text))
        self._text.clear()


def _fact(item: base.AgentEvent) -> events.Event:
    """The log's event for an agent's."""
    match item:
        case base.ToolStarted():
            return events.ToolStarted(
                call_id=item.call_id, tool=item.tool, arguments=item.arguments
            )
        case base.ToolFinished():
            return events.ToolFinished(
                call_id=item.call_id, tool=item.tool, summary=item.summary, ok=item.ok
            )
        case base.Usage():
            return events.UsageRecorded(
                input_tokens=item.input_tokens,
                output_tokens=item.output_tokens,
                requests=item.requests,
                cost_usd=item.cost_usd,
                model=item.model,
            )
        case _:
            raise base.AgentError(f"The agent said something unknown: {type(item).__name__}.")


def _storable(event: events.Event) -> events.Event:
    """The event as every database and wire can hold it. Raises AgentError when it is not of its own shape."""
    try:
        return msgspec.convert(_washed(msgspec.to_builtins(event, str_keys=True)), type(event))
    except (TypeError, ValueError, RecursionError) as error:
        raise base.AgentError(f"The agent said what cannot be logged: {error}") from None


def _washed(value: Any) -> Any:
    """The JSON value without what only Python knows: NUL, half characters, NaN, numbers beyond 64 bits."""
    match value:
        case str():
            return _clean(value)
        case dict():
            return {_clean(key): _washed(item) for key, item in value.items()}
        case list() | tuple():
            return [_washed(item) for item in value]
        case float() if not math.isfinite(value):
            return None
        case int() if not -(2**63) <= value < 2**63:
            return str(value)
    return value


async def attempt(work: Work, reporter: Reporter) -> End:
    """Have the agent do it. Once begun it never raises: every failure is an end, cancellation included."""
    limit = asyncio.timeout(work.time_limit)
    try:
        async with limit:
            return await _perform(work, reporter)
    except base.BudgetExhausted as error:
        told = _clean(str(error.message))
        cap = events.BudgetReached(scope=str(error.scope), limit=str(error.limit), text=told)
        return Failed(told, False, error.cause, reached=cap)
    except base.AgentError as error:
        told = _clean(str(error.message))
        return Failed(told, bool(error.transient), error.cause, error.retry_after)
    # Not even an agent that wants to end the process may end the loop on which all others work.
    except (Exception, asyncio.CancelledError, SystemExit, KeyboardInterrupt) as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            return Released()
        if isinstance(error, TimeoutError) and limit.expired():
            return Failed(
                f"It took longer than its time limit of {work.time_limit:g} s.", True, "timeout"
            )
        logger.exception("agent failed unexpectedly", extra={"subtask": str(work.subtask_id)})
        return Failed(_clean(f"{type(error).__name__}: {error}"), False)


async def _perform(work: Work, reporter: Reporter) -> End:
    try:
        runtime = registry.runtime(work.kind)
    except KeyError:
        raise base.AgentError(f"This server knows no agents of the kind '{work.kind}'.") from None
    states = AgentStates(work, reporter.note)
    purse = AgentPurse(work, reporter.note)
    opened = await in_thread(secrets.reveal)(work.sealed, work.agent_pk) if work.sealed else {}
    request = msgspec.structs.replace(
        work.request,
        states=states,
        secrets=Secrets(opened),
        purse=purse,
        line=AgentLine(work),
        outside=AgentOutside(work),
    )
    async with toolbox(request, states, reporter.note) as tools:
        request = msgspec.structs.replace(request, tools=tools)
        return await _ended(runtime, request, reporter, purse)


async def _ended(
    runtime: base.AgentRuntime, request: base.Request, reporter: Reporter, purse: AgentPurse
) -> End:
    """Have the agent do it, and hand on what it says."""
    async for item in runtime.perform(request):
        match item:
            case base.Answered(text):
                return base.Answered(_bounded(text), _data(item.data))
            case base.Planned(plan):
                try:
                    return base.Planned(plan_from_json(_washed(plan.as_json())))
                except PlanInvalid as error:
                    raise base.AgentError(f"The plan is misshapen: {error.fields}") from None
            case base.Waiting():
                return _waiting(item)
            case base.HandedOver():
                return base.HandedOver(to=_clean(item.to), text=_bounded(item.text))
            case base.Usage():
                purse.take(item)
                reporter.say(item)
            case _:
                reporter.say(item)
    raise base.AgentError("The agent ended without an answer.")


def _waiting(item: base.Waiting) -> base.Waiting:
    """As it can be stored. Raises AgentError."""
    found: base.Waiting = msgspec.convert(_washed(msgspec.to_builtins(item)), base.Waiting)
    if len(msgspec.json.encode(found.memo)) > MAX_OUTPUT:
        raise base.AgentError("What the agent wants to remember is too long.")
    patience = None if found.patience is None else min(found.patience, LONGEST)
    return msgspec.structs.replace(found, question=_bounded(found.question), patience=patience)


def _data(given: dict[str, Any]) -> dict[str, Any]:
    """As it can be stored. Raises AgentError."""
    try:
        found = msgspec.convert(_washed(msgspec.to_builtins(given, str_keys=True)), dict[str, Any])
        size = len(msgspec.json.encode(found))
    except (TypeError, ValueError, RecursionError) as error:
        raise base.AgentError(f"The agent answered with what cannot be stored: {error}") from None
    if size > MAX_OUTPUT:
        raise base.AgentError(f"The answer's data is longer than {MAX_OUTPUT:,} characters.")
    return found


def _bounded(text: str) -> str:
    """A clean text. Raises AgentError beyond `MAX_OUTPUT`."""
    if len(text) > MAX_OUTPUT:
        raise base.AgentError(f"The output is longer than {MAX_OUTPUT:,} characters.")
    return _clean(text)


def _clean(text: str) -> str:
    """Text that every database can hold: no NUL, no lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
