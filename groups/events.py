"""The event catalogue: everything a run's log can say, one frozen class per fact, named in the past tense.

An event on every wire is `{"seq","type","at","agent_id","subtask","data"}`; a class here types its `data`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """A fact in a run's log. Subclasses name it and type its data."""

    TYPE: ClassVar[str] = ""

    def data(self) -> dict[str, Any]:
        """The JSON object stored and sent as the event's `data`."""
        return msgspec.to_builtins(self)  # type: ignore[no-any-return]


class RunQueued(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "run.queued"
    task: str
    mode: str
    failure_policy: str
    approve_plan: bool
    attachments: list[dict[str, Any]] = []
    by: str = ""


class RunStarted(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "run.started"


class PlanProposed(Event, frozen=True, kw_only=True):
    """`plan.subtasks[].id` are the ids that the subtasks will bear. `by` is set when a person edited it."""

    TYPE: ClassVar[str] = "plan.proposed"
    plan: dict[str, Any]
    approval_required: bool
    by: str = ""


class PlanApproved(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "plan.approved"
    plan: dict[str, Any]
    by: str = ""


class PlanChanged(Event, frozen=True, kw_only=True):
    """The leader planned anew, since `reason`; `plan` is the whole plan, `added` the keys that are new in it."""

    TYPE: ClassVar[str] = "plan.changed"
    plan: dict[str, Any]
    added: list[str]
    reason: str


class VotesCounted(Event, frozen=True, kw_only=True):
    """Members have voted by `rule`. `votes` is voter -> key of the answer chosen, `counts` key -> number.

    `winner` is a key, empty when there is none; `tie` lists keys that had equally many; `minority` are the voters
    who chose otherwise.
    """

    TYPE: ClassVar[str] = "votes.counted"
    rule: str
    votes: dict[str, str]
    counts: dict[str, int]
    winner: str
    tie: list[str] = []
    minority: list[str] = []


class BudgetReached(Event, frozen=True, kw_only=True):
    """A cap stopped further calls: `scope` is run, agent, group or site, `limit` names what was capped."""

    TYPE: ClassVar[str] = "budget.reached"
    scope: str
    limit: str
    text: str


class BudgetRaised(Event, frozen=True, kw_only=True):
    """A person changed the run's own caps; None is no cap."""

    TYPE: ClassVar[str] = "budget.raised"
    max_tokens: int | None
    max_cost_usd: float | None
    by: str = ""


class BudgetUnpriced(Event, frozen=True, kw_only=True):
    """A cap in money stands, but the model's price is unknown: its calls count in tokens only. Said once a run."""

    TYPE: ClassVar[str] = "budget.unpriced"
    model: str


class SubtaskReady(Event, frozen=True, kw_only=True):
    """The subtask may be claimed. Says what it is, since plan and summary stand in no plan.

    `answer` is what a person (`by`) answered to its question, if that is why it may be claimed again.
    """

    TYPE: ClassVar[str] = "subtask.ready"
    key: str
    kind: str
    title: str
    assignee: str
    answer: str = ""
    by: str = ""


class SubtaskStarted(Event, frozen=True, kw_only=True):
    """An agent has begun; what an earlier attempt had written no longer counts."""

    TYPE: ClassVar[str] = "subtask.started"
    attempt: int
    max_attempts: int


class SubtaskRetrying(Event, frozen=True, kw_only=True):
    """The attempt failed and another follows, not before `delay` seconds from now."""

    TYPE: ClassVar[str] = "subtask.retrying"
    attempt: int
    max_attempts: int
    error: str
    delay: float
    #: "error" (the agent failed), "timeout", "lost" (its worker died), "released" (its worker was told to stop) or
    #: "budget" (a cap was reached: the one turn that follows wraps up).
    cause: str


class SubtaskWaiting(Event, frozen=True, kw_only=True):
    """A person, or the agent's own program (`waits_for`), must answer before it goes on."""

    TYPE: ClassVar[str] = "subtask.waiting"
    question: str
    waits_for: str = "person"
    #: What may be answered; empty: anything.
    options: list[str] = []
    #: ISO 8601; after it nobody is waited for.
    due_at: str | None = None


class CallbackRefused(Event, frozen=True, kw_only=True):
    """A program answered at an address that takes no answer any more; nothing of it counts. Said once an address.

    `reason` is callback_used, callback_expired or callback_stale, `text` says it in words.
    """

    TYPE: ClassVar[str] = "callback.refused"
    reason: str
    text: str


class SubtaskHandedOver(Event, frozen=True, kw_only=True):
    """Its agent passed it on to another member, which goes on with it; `text` is what it leaves behind."""

    TYPE: ClassVar[str] = "subtask.handed_over"
    to: str
    text: str


class SubtaskCompleted(Event, frozen=True, kw_only=True):
    """`result` is the whole text; a plan's result is the plan event beside it."""

    TYPE: ClassVar[str] = "subtask.completed"
    result: str


class SubtaskFailed(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "subtask.failed"
    error: str
    attempt: int


class SubtaskSkipped(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "subtask.skipped"
    reason: str


class TextDelta(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "text.delta"
    text: str


class ToolStarted(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "tool.started"
    call_id: str
    tool: str
    arguments: dict[str, Any] = {}


class ToolFinished(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "tool.finished"
    call_id: str
    tool: str
    summary: str = ""
    ok: bool = True


class MessageSent(Event, frozen=True, kw_only=True):
    """An agent at work in the run wrote to another member (`to`), or to all (empty).

    Reserved: built-in agents only report, so no log has it before agents have a tool to send messages with.
    """

    TYPE: ClassVar[str] = "message.sent"
    sender: str
    to: str
    text: str


class StateChanged(Event, frozen=True, kw_only=True):
    """A shared state reached `version` by an agent at work in the run."""

    TYPE: ClassVar[str] = "state.changed"
    state_id: str
    version: int


#: An agent that could use less than nothing could use more than its caps allow, and one that could use any number
#: would break the sums that its calls go into.
_Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
_Amount = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class UsageRecorded(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "usage.recorded"
    input_tokens: _Count
    output_tokens: _Count
    requests: _Count
    cost_usd: _Amount | None
    model: str


class RunPaused(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "run.paused"
    by: str = ""


class RunResumed(Event, frozen=True, kw_only=True):
    """`status` is where the run goes on; `retried` lists the subtasks (ids) that a retry takes up again."""

    TYPE: ClassVar[str] = "run.resumed"
    status: str
    retried: list[str] = []
    by: str = ""


class RunSummarising(Event, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "run.summarising"


class RunCompleted(Event, frozen=True, kw_only=True):
    """`stop_reason` says which cap left work undone; empty when nothing was."""

    TYPE: ClassVar[str] = "run.completed"
    result: str
    usage: dict[str, Any]
    stop_reason: str = ""


class RunFailed(Event, frozen=True, kw_only=True):
    """Subtasks that had not ended are cancelled with it."""

    TYPE: ClassVar[str] = "run.failed"
    error: str


class RunCancelled(Event, frozen=True, kw_only=True):
    """Subtasks that had not ended are cancelled with it."""

    TYPE: ClassVar[str] = "run.cancelled"
    by: str = ""
    reason: str = ""


CATALOGUE: Final[dict[str, type[Event]]] = {
    kind.TYPE: kind
    for kind in (
        RunQueued,
        RunStarted,
        PlanProposed,
        PlanApproved,
        PlanChanged,
        VotesCounted,
        BudgetReached,
        BudgetRaised,
        BudgetUnpriced,
        SubtaskReady,
        SubtaskStarted,
        SubtaskRetrying,
        SubtaskWaiting,
        CallbackRefused,
        SubtaskHandedOver,
        SubtaskCompleted,
        SubtaskFailed,
        SubtaskSkipped,
        TextDelta,
        ToolStarted,
        ToolFinished,
        MessageSent,
        StateChanged,
        UsageRecorded,
        RunPaused,
        RunResumed,
        RunSummarising,
        RunCompleted,
        RunFailed,
        RunCancelled,
    )
}

#: After one of these, the run's log is at rest (a retry may take it up again).
RUN_END_TYPES: Final = frozenset({RunCompleted.TYPE, RunFailed.TYPE, RunCancelled.TYPE})
