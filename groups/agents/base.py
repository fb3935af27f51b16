"""What an agent is to the engine: a request goes in, typed events come out, one outcome ends it.

Nothing here knows the database; a runtime gets everything it may need in its request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import msgspec

from groups.agents.surroundings import Line, Outside, Purse, Secrets, States, Toolbox
from groups.execution.plan import Assignable, Plan
from groups.execution.statuses import SubtaskKind, WaitsFor


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
    #: The same at every attempt; another when a person has it tried again, or it was handed over.
    turn: str = ""
    members: tuple[Assignable, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    #: For work: results of what it depends on. For the summary: every work subtask, in plan order.
    findings: tuple[Finding, ...] = ()
    #: Answers a person gave to earlier `Waiting` events of this subtask, oldest first.
    answers: tuple[str, ...] = ()
    #: The latest messages to this agent or to all, oldest first.
    notes: tuple[Note, ...] = ()
    #: The agent's role in the group.
    role: str = ""
    #: What the runtime left with its last `Waiting`.
    memo: dict[str, Any] = {}
    #: Keys and passwords, by name.
    secrets: Secrets = Secrets()
    #: What a test of the agent found out (see its runtime).
    ability: dict[str, Any] = {}
    #: The tools granted: {"tool": name, "approval": bool, …}.
    grants: tuple[dict[str, Any], ...] = ()
    #: Earlier turns of the conversation that this run goes on with, oldest first: (task, result).
    earlier: tuple[tuple[str, str], ...] = ()
    #: No work was left undone, or why the run has to be wrapped up now (a cap was reached).
    wrap_up: str = ""
    #: Why the plan that there is does not do (for another plan after the first); empty for the first plan.
    replan: str = ""
    #: The seconds within which it must be done.
    time_limit: float | None = None
    #: Given by the engine; None where an agent is tried without one.
    states: States | None = None
    tools: Toolbox | None = None
    purse: Purse | None = None
    outside: Outside | None = None
    line: Line | None = None


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
    """The agent needs an answer. It ends this try: the runtime is called again with the answer and its memo."""

    question: str
    #: Who answers: a person in words, a person by one of `options`, or the agent's own program.
    waits_for: WaitsFor = WaitsFor.PERSON
    options: tuple[str, ...] = ()
    #: Seconds after which nobody is waited for and the subtask fails; None: without end.
    patience: float | None = None
    #: Comes back in `Request.memo`: JSON, at most 4 MB.
    memo: dict[str, Any] = {}


class Planned(msgspec.Struct, frozen=True):
    """Outcome of a plan request."""

    plan: Plan


class Answered(msgspec.Struct, frozen=True):
    """Outcome of every other request: the whole text (deltas included), Markdown allowed.

    `data` is what a mode reads, such as {"choice": key} of a vote.
    """

    text: str
    data: dict[str, Any] = {}


class HandedOver(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome: another member (agent id or tag) is to go on; `text` is what it shall know."""

    to: str
    text: str


AgentEvent = TextDelta | ToolStarted | ToolFinished | Usage
Outcome = Planned | Answered | Waiting | HandedOver


class AgentError(Exception):
    """The agent could not do it. `transient` says that another try may succeed."""

    #: Goes into the log with the failure (see `events.SubtaskRetrying`).
    cause = "error"

    def __init__(
        self, message: str, *, transient: bool = False, retry_after: float | None = None
    ) -> None:
        """`retry_after`: seconds that the other side asked to be left alone (429 or 503 with Retry-After)."""
        super().__init__(message)
        self.message = message
        self.transient = transient
        self.retry_after = retry_after


class BudgetExhausted(AgentError):
    """A cap is reached: no further call. `scope` is run, agent, group or site; `limit` names what was capped."""

    cause = "budget"

    def __init__(self, message: str, *, scope: str, limit: str) -> None:
        super().__init__(message)
        self.scope = scope
        self.limit = limit


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
