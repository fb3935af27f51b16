"""How a run stands as its log tells it so far, for doors whose protocol wants more than the bare events. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from groups.doors.common.entry import Entry
from groups.execution.statuses import RunStatus, SubtaskKind, SubtaskStatus, WaitsFor


class Piece(msgspec.Struct):
    """A subtask that has become ready at least once."""

    id: str
    kind: str = SubtaskKind.WORK
    title: str = ""
    agent_id: str = ""
    status: str = SubtaskStatus.READY
    #: What the present attempt has written.
    text: str = ""
    question: str = ""
    #: The number of the event that asked.
    asked: int = 0
    waits_for: str = WaitsFor.PERSON
    options: list[str] = []
    due_at: str | None = None

    @property
    def asks(self) -> bool:
        """Whether a person has to answer it."""
        return self.status == SubtaskStatus.WAITING and self.waits_for != WaitsFor.REMOTE

    @property
    def is_answer(self) -> bool:
        """Whether what it writes is what the run answers."""
        return self.kind in (SubtaskKind.SUMMARY, SubtaskKind.REPLY)


class Usage(msgspec.Struct):
    """Tokens spent on one model, named as agents report it ("" where they do not)."""

    model: str
    input_tokens: int = 0
    output_tokens: int = 0


class Standing:
    """Folds entries, in order, from the first one of the log."""

    def __init__(self) -> None:
        self.status: str = RunStatus.QUEUED
        self.task = ""
        self.plan: dict[str, Any] | None = None
        #: The number of the event that proposed it last.
        self.proposed = 0
        self.pieces: dict[str, Piece] = {}
        self.usage: dict[str, Usage] = {}
        self.result = ""
        self.error = ""
        self.last_seq = 0

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self.status in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)

    @property
    def questions(self) -> list[Piece]:
        """The subtasks that wait for a person."""
        return [] if self.ended else [piece for piece in self.pieces.values() if piece.asks]

    @property
    def stuck(self) -> bool:
        """Whether nothing goes on before a person acts. Only true at the end of what one commit has written."""
        if self.status == RunStatus.AWAITING_APPROVAL:
            return True
        at_work = any(
            piece.status in (SubtaskStatus.READY, SubtaskStatus.RUNNING)
            or (piece.status == SubtaskStatus.WAITING and not piece.asks)
            for piece in self.pieces.values()
        )
        return bool(self.questions) and not at_work

    @property
    def tokens(self) -> tuple[int, int]:
        """All tokens so far: in, out."""
        spent = self.usage.values()
        return sum(u.input_tokens for u in spent), sum(u.output_tokens for u in spent)

    def piece_of(self, entry: Entry) -> Piece | None:
        """The subtask that the entry is about."""
        return self.pieces.get(entry.subtask or "")

    def take(self, entry: Entry) -> None:
        """One more entry."""
        self.last_seq, data = entry.seq, entry.data
        if entry.subtask and entry.type.startswith("subtask."):
            self._take_subtask(entry, self.pieces.setdefault(entry.subtask, Piece(entry.subtask)))
            return
        match entry.type:
            case "text.delta":
                if piece := self.piece_of(entry):
                    piece.text += data["text"]
            case "run.queued":
                self.task = data["task"]
            case "run.started":
                self.status = RunStatus.PLANNING
            case "plan.proposed":
                self.plan, self.proposed = data["plan"], entry.seq
                asks = data["approval_required"]
                self.status = RunStatus.AWAITING_APPROVAL if asks else RunStatus.RUNNING
            case "plan.approved" | "plan.changed":
                self.plan, self.status = data["plan"], RunStatus.RUNNING
            case "usage.recorded":
                spent = self.usage.setdefault(data["model"], Usage(data["model"]))
                spent.input_tokens += data["input_tokens"]
                spent.output_tokens += data["output_tokens"]
            case "run.paused":
                self.status = RunStatus.PAUSED
            case "run.resumed":
                self.status, self.error, self.result = data["status"], "", ""
            case "run.summarising":
                self.status = RunStatus.SUMMARISING
            case "run.completed":
                self.status, self.result = RunStatus.COMPLETED, data["result"]
            case "run.failed":
                self.status, self.error = RunStatus.FAILED, data["error"]
            case "run.cancelled":
                self.status, self.error = RunStatus.CANCELLED, data["reason"]

    def _take_subtask(self, entry: Entry, piece: Piece) -> None:
        data = entry.data
        piece.agent_id = entry.agent_id or piece.agent_id
        match entry.type:
            case "subtask.ready":
                piece.kind, piece.title = data["kind"], data["title"]
                piece.status, piece.question = SubtaskStatus.READY, ""
            case "subtask.started":
                piece.status, piece.text = SubtaskStatus.RUNNING, ""
            case "subtask.retrying" | "subtask.handed_over":
                piece.status = SubtaskStatus.READY
            case "subtask.waiting":
                piece.status, piece.question = SubtaskStatus.WAITING, data["question"]
                piece.asked = entry.seq
                piece.waits_for = data.get("waits_for", WaitsFor.PERSON)
                piece.options, piece.due_at = list(data.get("options", ())), data.get("due_at")
            case "subtask.completed":
                piece.status, piece.text = SubtaskStatus.COMPLETED, data["result"]
            case "subtask.failed":
                piece.status = SubtaskStatus.FAILED
            case "subtask.skipped":
                piece.status = SubtaskStatus.SKIPPED


def plan_lines(plan: dict[str, Any]) -> str:
    """The plan as people read it, one line per subtask."""
    lines = (f"- {item['title']} ({item['assignee']})" for item in plan["subtasks"])
    return "\n".join(lines)


def waiting_words(standing: Standing, link: str) -> str:
    """What a run that is stuck waits for, for clients that know words only."""
    if standing.status == RunStatus.AWAITING_APPROVAL:
        asked = "The group has proposed a plan and waits for a person to approve it."
        if standing.plan:
            asked += f"\n\n{plan_lines(standing.plan)}"
    else:
        asked = "The group waits for a person to answer."
        for piece in standing.questions:
            options = f" ({' / '.join(piece.options)})" if piece.options else ""
            asked += f"\n\n{piece.agent_id}: {piece.question}{options}"
    return f"{asked}\n\nAnswer here, and it goes on: {link}"
