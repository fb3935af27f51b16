"""Requests for runtimes, and what they say to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from groups.agents.base import (
    AgentEvent,
    AgentRuntime,
    Outcome,
    Request,
    TextDelta,
    Usage,
)
from groups.agents.surroundings import Secrets
from groups.execution.plan import Assignable
from groups.execution.statuses import SubtaskKind

SUBTASK = "0190a000-0000-7000-8000-000000000001"
MEMBERS = (
    Assignable(agent_id="lena", role="leader"),
    Assignable(agent_id="wim", role="worker", tags=("steady",), description="Counts."),
)
PLAN = {"subtasks": [{"key": "a", "title": "Count", "assignee": "wim"}], "note": "One is enough."}


@dataclass
class World:
    """In the place of the engine's: what may be reached, and the callbacks that were made."""

    allowed: Sequence[str] = ("127.0.0.1",)
    callbacks: list[str] = field(default_factory=list)

    async def callback(self, patience: float) -> str:
        """See `agents.surroundings.Outside`."""
        self.callbacks.append(f"http://127.0.0.1/api/v1/callbacks/{len(self.callbacks)}/")
        return self.callbacks[-1]


def asked(
    config: dict[str, Any], *, secrets: dict[str, str] | None = None, **fields: Any
) -> Request:
    """A piece of work for wim."""
    given: dict[str, Any] = {
        "kind": SubtaskKind.WORK,
        "run_id": "0190a000-0000-7000-8000-00000000000f",
        "subtask_id": SUBTASK,
        "group_id": "Harbour",
        "agent_id": "wim",
        "task": "How many ships?",
        "title": "Count the ships",
        "instructions": "Twice, to be sure.",
        "members": MEMBERS,
        "time_limit": 300.0,
        "outside": World(),
    }
    return Request(config=config, secrets=Secrets(secrets or {}), **(given | fields))


class Said(NamedTuple):
    """All that a runtime yielded."""

    events: list[AgentEvent]
    outcome: Outcome

    @property
    def text(self) -> str:
        """The deltas, joined."""
        return "".join(item.text for item in self.events if isinstance(item, TextDelta))

    @property
    def usage(self) -> list[Usage]:
        """What it said it used."""
        return [item for item in self.events if isinstance(item, Usage)]


async def said(runtime: AgentRuntime, request: Request) -> Said:
    """Have the runtime do it. Raises AgentError."""
    items = [item async for item in runtime.perform(request)]
    return Said(items[:-1], items[-1])  # type: ignore[arg-type]
