"""One attempt at one subtask: the agent performs, its events are gathered, its end is named."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from groups import events
from groups.agents import base, registry
from groups.services.subtasks import End, Failed, Released, Work

logger = logging.getLogger(__name__)

#: Seconds between two writes of one subtask's text.
FLUSH: Final = 0.05
#: Characters of output after which an agent is taken to run wild.
MAX_OUTPUT: Final = 4_000_000


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
        """Take one event of the agent. Raises AgentError when its output exceeds `MAX_OUTPUT`."""
        if isinstance(item, base.TextDelta):
            self._length += len(item.text)
            if self._length > MAX_OUTPUT:
                raise base.AgentError(f"The output is longer than {MAX_OUTPUT:,} characters.")
            self._text.append(item.text)
        else:
            self._settle_text()
            self._waiting.append(_fact(item))
        if self._timer is None:
            due = max(self._last + FLUSH, self._loop.time())
            self._timer = self._loop.call_at(due, self._flush)

    def rest(self) -> list[events.Event]:
        """What has not been sent yet; nothing is sent on its own after this."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._settle_text()
        waiting, self._waiting = self._waiting, []
        return waiting

    def _flush(self) -> None:
        self._last = self._loop.time()
        if waiting := self.rest():
            self._send(waiting)

    def _settle_text(self) -> None:
        # NUL cannot be stored as text by PostgreSQL, and no reader misses it.
        if text := "".join(self._text).replace("\x00", ""):
            self._waiting.append(events.TextDelta(text=text))
        self._text.clear()


def _fact(item: base.AgentEvent) -> events.Event:
    """The log's event for an agent's."""
    match item:
        case base.TextDelta(text):
            return events.TextDelta(text=text)
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


async def attempt(work: Work, reporter: Reporter) -> End:
    """Have the agent do it. Never raises: every failure is an end, cancellation included."""
    try:
        async with asyncio.timeout(work.time_limit):
            return await _perform(work, reporter)
    except asyncio.CancelledError:
        return Released()
    except TimeoutError:
        return Failed(
            f"It took longer than its time limit of {work.time_limit:g} s.", True, "timeout"
        )
    except base.AgentError as error:
        return Failed(_clean(error.message), error.transient)
    except Exception as error:
        logger.exception("agent failed unexpectedly", extra={"subtask": str(work.subtask_id)})
        return Failed(_clean(f"{type(error).__name__}: {error}"), False)


async def _perform(work: Work, reporter: Reporter) -> End:
    try:
        runtime = registry.runtime(work.kind)
    except KeyError:
        raise base.AgentError(f"This server knows no agents of the kind '{work.kind}'.") from None
    async for item in runtime.perform(work.request):
        match item:
            case base.Answered(text):
                return base.Answered(_clean(text))
            case base.Planned() | base.Waiting():
                return item
            case _:
                reporter.say(item)
    raise base.AgentError("The agent ended without an answer.")


def _clean(text: str) -> str:
    """Text that every database can hold: no NUL, no lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
