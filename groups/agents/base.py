"""What an agent is to the engine: a request goes in, typed events come out, one outcome ends it.

Nothing here knows the database; a runtime gets everything it may need in its request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from groups.execution.plan import Assignable, Plan
from groups.execution.statuses import SubtaskKind


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file given with the task; `path` is readable on this machine, `size` in bytes."""

    id: str
    name: str
    path: Path
    media_type: str
    size: int


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What another subtask of the same run came to. `text` is its result, `error` why it has none."""

    key: str
    title: str
    agent_id: str
    status: str
    text: str = ""
    error: str = ""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the group that the agent may know of; `to` is empty for a broadcast."""

    sender: str
    to: str
    text: str


class StateDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A shared state as an agent reads it; `data` is its own copy ({} in lists)."""

    id: str
    type: str
    version: int
    revision: int
    frozen: bool
    data: dict[str, Any]


class StateWritten(msgspec.Struct, frozen=True, kw_only=True):
    """How a write ended: applied, merged (with what others wrote meanwhile), unchanged, queued or parked."""

    id: str
    version: int
    revision: int
    status: str
    #: What collided and how it was settled, or who is asked.
    conflict: dict[str, Any] | None = None


class States(Protocol):
    """The shared states of the agent's group, in its own name and rights. "run" is the state of the run at work.

    Raises AgentError (transient when the store is away), StateConflict.
    """

    async def read(self, state_id: str, *, version: int | None = None) -> StateDocument:
        """The state as it stands, or as of an older version."""
        ...

    async def list(self, prefix: str = "") -> tuple[StateDocument, ...]:
        """The states that the agent may read, without data."""
        ...

    async def create(
        self, state_id: str, data: Mapping[str, Any], *, type: str = "resource"
    ) -> StateWritten:
        """A new state, owned by the agent."""
        ...

    async def write(
        self,
        state_id: str,
        ops: Sequence[Mapping[str, Any]],
        *,
        base_version: int | None = None,
        op_id: str = "",
    ) -> StateWritten:
        """Operations ({"op": "set", "path": "/a", "value": 1} …), all or none.

        The base is the version that was read last unless another is named; `op_id` makes a repetition harmless.
        """
        ...


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One unit of agent work."""

    kind: SubtaskKind
    run_id: str
    subtask_id: str
    group_id: str
    agent_id: str
    #: The agent's own settings, as registered.
    config: dict[str, Any]
    #: What the person asked of the group.
    task: str
    title: str = ""
    instructions: str = ""
    #: 1 for the first try.
    attempt: int = 1
    members: tuple[Assignable, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    #: For work: results of what it depends on. For the summary: every work subtask, in plan order.
    findings: tuple[Finding, ...] = ()
    #: Answers a person gave to earlier `Waiting` events of this subtask, oldest first.
    answers: tuple[str, ...] = ()
    #: The latest messages to this agent or to all, oldest first.
    notes: tuple[Note, ...] = ()
    #: Given by the engine; None where an agent is tried without one.
    states: States | None = None


class TextDelta(msgspec.Struct, frozen=True):
    """A further piece of the agent's output."""

    text: str


class ToolStarted(msgspec.Struct, frozen=True, kw_only=True):
    """The agent begins to use a tool; `call_id` pairs it with its end."""

    call_id: str
    tool: str
    arguments: dict[str, Any] = {}


class ToolFinished(msgspec.Struct, frozen=True, kw_only=True):
    """The tool gave its result, shortened for people; `ok` is false when it failed."""

    call_id: str
    tool: str
    summary: str = ""
    ok: bool = True


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a step of the agent used. `cost_usd` is None when the price is unknown."""

    input_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0
    cost_usd: float | None = None
    model: str = ""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """The agent needs a person's answer. It ends this try: the runtime is called again with the answer."""

    question: str


class Planned(msgspec.Struct, frozen=True):
    """Outcome of a plan request."""

    plan: Plan


class Answered(msgspec.Struct, frozen=True):
    """Outcome of every other request: the whole text (deltas included), Markdown allowed."""

    text: str


AgentEvent = TextDelta | ToolStarted | ToolFinished | Usage
Outcome = Planned | Answered | Waiting


class AgentError(Exception):
    """The agent could not do it. `transient` says that another try may succeed."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.transient = transient


class StateConflict(AgentError):
    """A write to a shared state collided with what others have written; nothing of it was written."""

    def __init__(self, message: str, problem: dict[str, Any]) -> None:
        """`problem` names the colliding paths and carries the current document (shared-state 1.8)."""
        super().__init__(message)
        self.problem = problem


class AgentRuntime(Protocol):
    """Carries out requests of one kind of agent.

    `perform` yields events and, last, exactly one outcome. It runs on the engine's event loop: it must
    not block (CPU-heavy work goes to `asyncio.to_thread`), and it stops soon when its task is cancelled.
    It may be called again for the same subtask (at-least-once), so its effects must bear repetition.
    Raises AgentError for a failure it can name; any other exception counts as a permanent failure.
    """

    def perform(self, request: Request) -> AsyncIterator[AgentEvent | Outcome]: ...
