"""Requests as the engine makes them, and listening to what comes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from groups.agents.base import AgentEvent, Finding, Outcome, Request, TextDelta, Usage
from groups.agents.llm.runtime import LlmRuntime
from groups.agents.surroundings import Secrets
from groups.execution.plan import Assignable
from groups.execution.statuses import SubtaskKind

KEY = "sk-very/secret-0123456789"

MEMBERS = (
    Assignable(agent_id="lena", role="leader"),
    Assignable(agent_id="wim", role="worker", tags=("figures",), description="Counts ships."),
    Assignable(agent_id="wes", role="worker", tags=("words",), description="Writes well."),
)


def config(url: str, **more: Any) -> dict[str, Any]:
    """Of an agent at that address, without waits between tries."""
    return {"model": "local-9", "base_url": url, "retries": 0, **more}


def request(kind: SubtaskKind, settings: dict[str, Any], **fields: Any) -> Request:
    """A request to wim in the group Harbour."""
    given: dict[str, Any] = {
        "run_id": "r1",
        "subtask_id": "s1",
        "group_id": "Harbour",
        "agent_id": "wim",
        "task": "Count the ships and tell the master",
        "members": MEMBERS,
        "secrets": Secrets(api_key=KEY),
        **fields,
    }
    return Request(kind=kind, config=settings, **given)


def finding(key: str, text: str = "", *, error: str = "", status: str = "") -> Finding:
    """What a subtask came to."""
    status = status or ("failed" if error else "completed")
    return Finding(
        key=key, title=f"Title {key}", agent_id="wes", status=status, text=text, error=error
    )


async def heard(asked: Request) -> list[AgentEvent | Outcome]:
    """Everything that the runtime says, to the outcome."""
    async with aclosing(LlmRuntime().perform(asked)) as events:
        return [event async for event in events]


async def listening(
    asked: Request, into: list[AgentEvent | Outcome]
) -> AsyncIterator[AgentEvent | Outcome]:
    """The same, as it comes, also when it ends with an error."""
    async with aclosing(LlmRuntime().perform(asked)) as events:
        async for event in events:
            into.append(event)
            yield event


def text_of(events: list[AgentEvent | Outcome]) -> str:
    """All text deltas, joined."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def usages(events: list[AgentEvent | Outcome]) -> list[Usage]:
    """What was used, per call."""
    return [event for event in events if isinstance(event, Usage)]
