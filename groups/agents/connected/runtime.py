"""A connected agent as the engine sees it: what its process says comes through the request's line."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from groups.agents import settings
from groups.agents.base import (
    AgentError,
    AgentEvent,
    Answered,
    Outcome,
    Planned,
    Request,
    TextDelta,
    ToolFinished,
    ToolStarted,
    Usage,
    Waiting,
)
from groups.agents.connected import protocol
from groups.agents.connected.config import Config
from groups.errors import PlanInvalid
from groups.execution.plan import plan_from_json
from groups.execution.statuses import SubtaskKind, WaitsFor

#: Characters of what was said before a question that are kept for the result.
KEPT = 1_000_000


class Memo(msgspec.Struct, frozen=True):
    """What is remembered while a question waits: which call asked it, at which number, and the text so far."""

    call: str = ""
    seq: int = 0
    text: str = ""


class ConnectedRuntime:
    """Carries out requests of `connected` agents."""

    async def perform(self, request: Request) -> AsyncGenerator[AgentEvent | Outcome, None]:
        """Yield events and one outcome; see AgentRuntime. Raises AgentError, transient when no process does it."""
        config = settings.read_at_work(request.config, Config)
        if request.line is None:
            raise AgentError("A connected agent works in a run only: its process has to dial in.")
        memo = msgspec.convert(request.memo, Memo)
        if request.purse is not None:
            await request.purse.ask()
        said: list[str] = []
        before = ""
        outcome: Outcome | None = None
        heard = request.line.call(
            protocol.asked(request),
            patience=config.patience,
            grace=config.grace,
            heard=(memo.call, memo.seq),
        )
        async with aclosing(heard) as frames:
            async for call, frame in frames:
                if call != before:
                    # Only the call that asked goes on; another begins anew.
                    before, said = call, [memo.text] if call == memo.call else []
                match spoken := protocol.restored(frame):
                    case protocol.Text():
                        said.append(spoken.text)
                        yield TextDelta(spoken.text)
                    case protocol.Tool() | protocol.Usage():
                        yield _event(spoken)
                    case protocol.Ask():
                        outcome = _waiting(spoken, Memo(call, spoken.seq, "".join(said)[-KEPT:]))
                        break
                    case protocol.Done():
                        outcome = _outcome(request, spoken, "".join(said))
                        break
                    case protocol.Fail():
                        raise AgentError(
                            spoken.error or "The agent's process gave no reason.",
                            transient=spoken.transient,
                            retry_after=spoken.retry_after,
                        )
        if outcome is not None:
            yield outcome


def _event(frame: protocol.Tool | protocol.Usage) -> AgentEvent:
    if isinstance(frame, protocol.Usage):
        return Usage(
            input_tokens=frame.input_tokens,
            output_tokens=frame.output_tokens,
            requests=frame.requests,
            cost_usd=frame.cost_usd,
            model=frame.model,
        )
    if frame.state == "started":
        return ToolStarted(call_id=frame.id, tool=frame.tool, arguments=frame.arguments)
    return ToolFinished(call_id=frame.id, tool=frame.tool, summary=frame.summary, ok=frame.ok)


def _waiting(frame: protocol.Ask, memo: Memo) -> Waiting:
    return Waiting(
        question=frame.question,
        waits_for=WaitsFor.APPROVAL if frame.options else WaitsFor.PERSON,
        options=tuple(frame.options),
        patience=frame.patience,
        memo=msgspec.to_builtins(memo),
    )


def _outcome(request: Request, frame: protocol.Done, said: str) -> Outcome:
    """Raises AgentError when it is not what was asked for."""
    if request.kind != SubtaskKind.PLAN:
        return Answered(said if frame.text is None else frame.text, frame.data)
    if frame.plan is None:
        raise AgentError("The agent's process answered without a plan where one was asked for.")
    try:
        return Planned(plan_from_json(frame.plan))
    except PlanInvalid as error:
        faults = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in error.fields.items())
        raise AgentError(f"The plan is misshapen: {faults}") from None
