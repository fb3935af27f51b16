"""A run's log told as a task of A2A 1.0 (ProtoJSON): a fold that gives the task as it stands after any event, and for
each event what a stream says of it. Every stream of a task is told by this, so all say the same in the same order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from groups.doors.common.entry import Entry
from groups.execution.statuses import SubtaskKind, WaitsFor

Json: TypeAlias = dict[str, Any]

SUBMITTED: Final = "TASK_STATE_SUBMITTED"
WORKING: Final = "TASK_STATE_WORKING"
INPUT_REQUIRED: Final = "TASK_STATE_INPUT_REQUIRED"
COMPLETED: Final = "TASK_STATE_COMPLETED"
FAILED: Final = "TASK_STATE_FAILED"
CANCELED: Final = "TASK_STATE_CANCELED"
TERMINAL: Final = frozenset({COMPLETED, FAILED, CANCELED})
#: Where a caller that waits for the answer gets it.
AT_REST: Final = TERMINAL | {INPUT_REQUIRED}

PLAN: Final = "plan"
#: Where the plan is asked about, in the place of a subtask.
_PLAN_QUESTION: Final = ""
APPROVE: Final = "approve"
REJECT: Final = "reject"
MARKDOWN: Final = "text/markdown"


@dataclass
class _Subtask:
    key: str = ""
    kind: str = ""
    title: str = ""


@dataclass
class _Artifact:
    id: str
    name: str
    metadata: Json
    #: Of text: its pieces so far; a plan has `data`.
    pieces: list[str] = field(default_factory=list)
    data: Json | None = None

    def as_json(self, parts: list[Json] | None = None) -> Json:
        if parts is None and self.data is not None:
            parts = [{"data": self.data, "mediaType": "application/json"}]
        return {
            "artifactId": self.id,
            "name": self.name,
            "parts": parts or [_text("".join(self.pieces))],
            "metadata": self.metadata,
        }


class Teller:
    """The task that a run is, as told by the events taken so far."""

    def __init__(self, task_id: str, context_id: str) -> None:
        self.task_id, self.context_id = task_id, context_id
        self.state = SUBMITTED
        #: The number of the last event taken.
        self.seq = 0
        self._at = ""
        self._message: Json | None = None
        self._history: list[Json] = []
        self._artifacts: dict[str, _Artifact] = {}
        self._subtasks: dict[str, _Subtask] = {}
        #: What people are asked, the oldest first.
        self._questions: dict[str, Json] = {}
        self._tellers: dict[str, Callable[[Entry], list[Json]]] = {
            "run.queued": self._queued,
            "plan.proposed": self._proposed,
            "plan.approved": self._approved,
            "plan.changed": self._changed,
            "subtask.ready": self._ready,
            "subtask.started": self._started,
            "subtask.waiting": self._waiting,
            "subtask.completed": self._completed,
            "text.delta": self._delta,
            "run.resumed": self._resumed,
            "run.completed": lambda entry: self._ended(entry, COMPLETED, "result"),
            "run.failed": lambda entry: self._ended(entry, FAILED, "error"),
            "run.cancelled": lambda entry: self._ended(entry, CANCELED, "reason"),
        }

    def take(self, entry: Entry) -> list[Json]:
        """The next event: what a stream says of it, as StreamResponse objects."""
        self.seq, self._at = entry.seq, entry.at
        if tell := self._tellers.get(entry.type):
            return tell(entry)
        return [self._progress(entry, _sentence(entry, self._title(entry)))]

    def as_json(self, *, history: int | None = None, artifacts: bool = True) -> Json:
        """The task; `history` is how many of its messages at most, None: all."""
        task: Json = {
            "id": self.task_id,
            "contextId": self.context_id,
            "status": self._status(),
            "metadata": {"seq": self.seq},
        }
        if artifacts and self._artifacts:
            order = {key: place for place, key in enumerate(self._subtasks, 1)}
            kept = sorted(self._artifacts.values(), key=lambda each: order.get(each.id, 0))
            task["artifacts"] = [each.as_json() for each in kept]
        told = self._history if history is None else self._history[-history:] if history else []
        if told:
            task["history"] = told
        return task

    # -- the events that mean something of their own --------------------------------------------------------------

    def _queued(self, entry: Entry) -> list[Json]:
        asked = self._said(f"{self.task_id}-task", entry.data["task"], role="ROLE_USER")
        self._history.append(asked)
        return [self._progress(entry, "")]

    def _proposed(self, entry: Entry) -> list[Json]:
        told = [self._plan(entry)]
        if entry.data["approval_required"]:
            options = [APPROVE, REJECT]
            text = "Approve the plan, or send another one in its place."
            told.append(self._ask(entry, _PLAN_QUESTION, text, {"options": options}))
        return told

    def _approved(self, entry: Entry) -> list[Json]:
        self._questions.pop(_PLAN_QUESTION, None)
        return [self._plan(entry), self._progress(entry, "The plan is approved.")]

    def _changed(self, entry: Entry) -> list[Json]:
        return [self._plan(entry)]

    def _plan(self, entry: Entry) -> Json:
        artifact = _Artifact(PLAN, PLAN, _of(entry), data=entry.data["plan"])
        self._artifacts[PLAN] = artifact
        return self._update(entry, artifact.as_json(), append=False, last=True)

    def _ready(self, entry: Entry) -> list[Json]:
        data = entry.data
        subtask = self._subtask(entry)
        subtask.key, subtask.kind, subtask.title = data["key"], data["kind"], data["title"]
        self._questions.pop(entry.subtask or "", None)
        return [self._progress(entry, "")]

    def _started(self, entry: Entry) -> list[Json]:
        if kept := self._artifacts.get(entry.subtask or ""):
            kept.pieces.clear()  # the next piece takes the place of what an earlier attempt had written
        return [self._progress(entry, _sentence(entry, self._title(entry)))]

    def _waiting(self, entry: Entry) -> list[Json]:
        data = entry.data
        if data.get("waits_for") == WaitsFor.REMOTE:
            return [self._progress(entry, f"{entry.agent_id} waits for its own program.")]
        more = {"options": data.get("options") or [], "due_at": data.get("due_at")}
        return [self._ask(entry, entry.subtask or "", data["question"], more)]

    def _delta(self, entry: Entry) -> list[Json]:
        if self._subtask(entry).kind == SubtaskKind.PLAN:
            return []  # the plan comes as data, when it is one
        artifact = self._artifact(entry)
        append, text = bool(artifact.pieces), entry.data["text"]
        artifact.pieces.append(text)
        return [self._update(entry, artifact.as_json([_text(text)]), append=append, last=False)]

    def _completed(self, entry: Entry) -> list[Json]:
        if self._subtask(entry).kind == SubtaskKind.PLAN:
            return []
        artifact = self._artifact(entry)
        streamed, result = "".join(artifact.pieces), entry.data["result"]
        artifact.pieces = [result]
        # Only what has not been streamed, unless that was something else.
        append = bool(streamed) and result.startswith(streamed)
        rest = result[len(streamed) :] if append else result
        return [self._update(entry, artifact.as_json([_text(rest)]), append=append, last=True)]

    def _resumed(self, entry: Entry) -> list[Json]:
        for subtask in entry.data.get("retried", ()):
            self._artifacts.pop(subtask, None)
        return [self._progress(entry, "The run goes on.")]

    def _ended(self, entry: Entry, state: str, text: str) -> list[Json]:
        self._questions.clear()
        self.state = state
        told = entry.data.get(text) or ""
        self._message = self._said(f"{self.task_id}-{entry.seq}", told) if told else None
        return [self._status_update(entry)]

    # -- shapes ---------------------------------------------------------------------------------------------------

    def _ask(self, entry: Entry, subtask: str, question: str, more: Json) -> Json:
        asked = {"subtask": subtask, "question": question, **more}
        message = self._said(f"{self.task_id}-{entry.seq}", question)
        message["parts"].append({"data": {k: v for k, v in asked.items() if v}})
        self._questions[subtask] = message
        self._history.append(message)
        return self._progress(entry, "")

    def _progress(self, entry: Entry, text: str) -> Json:
        """While people are asked something, that stays what the status says."""
        if self._questions:
            self.state, self._message = INPUT_REQUIRED, next(iter(self._questions.values()))
        else:
            waits = self.state == SUBMITTED and entry.type in ("run.queued", "subtask.ready")
            self.state = SUBMITTED if waits else WORKING
            self._message = self._said(f"{self.task_id}-{entry.seq}", text) if text else None
        return self._status_update(entry)

    def _status(self) -> Json:
        status: Json = {"state": self.state, "timestamp": self._at}
        if self._message is not None:
            status["message"] = self._message
        return status

    def _status_update(self, entry: Entry) -> Json:
        metadata = _of(entry)
        if entry.type not in self._tellers:
            metadata["data"] = entry.data
        update = {
            "taskId": self.task_id,
            "contextId": self.context_id,
            "status": self._status(),
            "metadata": metadata,
        }
        return {"statusUpdate": update}

    def _update(self, entry: Entry, artifact: Json, *, append: bool, last: bool) -> Json:
        update = {
            "taskId": self.task_id,
            "contextId": self.context_id,
            "artifact": artifact,
            "append": append,
            "lastChunk": last,
            "metadata": _of(entry),
        }
        return {"artifactUpdate": update}

    def _said(self, message_id: str, text: str, *, role: str = "ROLE_AGENT") -> Json:
        return {
            "messageId": message_id,
            "contextId": self.context_id,
            "taskId": self.task_id,
            "role": role,
            "parts": [_text(text)],
        }

    def _artifact(self, entry: Entry) -> _Artifact:
        key = entry.subtask or ""
        if key not in self._artifacts:
            subtask = self._subtask(entry)
            name = "result" if subtask.kind == SubtaskKind.SUMMARY else subtask.title
            about = {"key": subtask.key, "kind": subtask.kind, "agent_id": entry.agent_id}
            self._artifacts[key] = _Artifact(key, name, {k: v for k, v in about.items() if v})
        return self._artifacts[key]

    def _subtask(self, entry: Entry) -> _Subtask:
        return self._subtasks.setdefault(entry.subtask or "", _Subtask())

    def _title(self, entry: Entry) -> str:
        return self._subtask(entry).title if entry.subtask else ""


def _of(entry: Entry) -> Json:
    """Where an update comes from: the event's number in the run's log, its type, and whose it is."""
    told = {
        "seq": entry.seq,
        "type": entry.type,
        "agent_id": entry.agent_id,
        "subtask": entry.subtask,
    }
    return {name: value for name, value in told.items() if value is not None}


def _text(text: str) -> Json:
    return {"text": text, "mediaType": MARKDOWN}


def _sentence(entry: Entry, title: str) -> str:
    """What the status says of an event that is worth a sentence; empty for the others, which only have metadata."""
    data, who = entry.data, entry.agent_id
    match entry.type:
        case "run.started":
            return "The group has begun."
        case "run.paused":
            return "The run is paused."
        case "run.summarising":
            return "The group sums up."
        case "subtask.started":
            return f"{who} has begun: {title}"
        case "subtask.retrying":
            return f"{title}: tried again, since {data['error']}"
        case "subtask.failed":
            return f"{title} failed: {data['error']}"
        case "subtask.skipped":
            return f"{title} was skipped: {data['reason']}"
        case "subtask.handed_over":
            return f"{who} handed over to {data['to']}: {title}"
        case "budget.reached":
            return str(data["text"])
        case "message.sent":
            return f"{data['sender']} to {data['to'] or 'all'}: {data['text']}"
    return ""
