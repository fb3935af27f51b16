"""The meaning of a run's log, in the fewest words: folding its events gives the statuses that the rows must have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from groups.execution.statuses import RUN_ENDED, SUBTASK_ENDED


@dataclass
class View:
    """What a reader of the log knows."""

    status: str = ""
    result: str = ""
    error: str = ""
    stop_reason: str = ""
    #: Subtask id -> status.
    subtasks: dict[str, str] = field(default_factory=dict)
    #: Whether a plan is, or was, asked for.
    plans: bool = False
    #: Ids that the last proposed plan names; they are subtasks once it is taken up.
    proposed: list[str] = field(default_factory=list)
    last_seq: int = 0

    def progress(self, status: str) -> None:
        """A pause is left only by `run.resumed` or an end."""
        if self.status != "paused":
            self.status = status

    def take_up(self) -> None:
        """The proposed subtasks exist from now on."""
        self.progress("running")
        self.subtasks = dict.fromkeys(self.proposed, "blocked") | self.subtasks

    def end(self, status: str) -> None:
        """The run is over; what had not ended is cancelled with it."""
        self.status = status
        for key, now in self.subtasks.items():
            if now not in SUBTASK_ENDED:
                self.subtasks[key] = "cancelled"


_SUBTASK = {
    "subtask.ready": "ready",
    "subtask.started": "running",
    "subtask.retrying": "ready",
    "subtask.waiting": "waiting",
    "subtask.completed": "completed",
    "subtask.failed": "failed",
    "subtask.skipped": "skipped",
}


def fold(events: Iterable[tuple[int, str, str | None, Mapping[str, Any]]]) -> View:
    """The view after these events: (seq, type, subtask id or None, data), which must be gap-free from 1."""
    view = View()
    for seq, kind, subtask, data in events:
        assert seq == view.last_seq + 1, f"gap: {seq} after {view.last_seq}"
        view.last_seq = seq
        if kind in _SUBTASK:
            assert subtask is not None
            view.subtasks[subtask] = _SUBTASK[kind]
            view.plans = view.plans or data.get("kind") == "plan"
            continue
        match kind:
            case "run.queued":
                view.status = "queued"
            case "run.started":
                view.progress("planning" if view.plans else "running")
            case "plan.proposed":
                view.proposed = [item["id"] for item in data["plan"]["subtasks"]]
                if data["approval_required"]:
                    view.progress("awaiting_approval")
                else:
                    view.take_up()
            case "plan.approved" | "plan.changed":
                view.proposed = [item["id"] for item in data["plan"]["subtasks"]]
                view.take_up()
            case "run.paused":
                view.status = "paused"
            case "run.resumed":
                if view.status in RUN_ENDED:
                    view.stop_reason = ""
                view.status = data["status"]
                view.result = view.error = ""
                view.subtasks |= dict.fromkeys(data["retried"], "blocked")
            case "budget.reached":
                view.stop_reason = data["text"]
            case "run.summarising":
                view.progress("summarising")
            case "run.completed":
                view.end("completed")
                view.result = data["result"]
                assert data["stop_reason"] == view.stop_reason
            case "run.failed":
                view.end("failed")
                view.error = data["error"]
            case "run.cancelled":
                view.end("cancelled")
    return view
