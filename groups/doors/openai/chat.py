"""A run's log as a chat completion. Pure: entries in, deltas of the message out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groups.doors.common.entry import Entry
from groups.doors.common.standing import Standing, plan_lines
from groups.execution.statuses import RunStatus, SubtaskKind

#: Between what an attempt of the leader had written already and the next attempt's text: sent text stays sent.
AGAIN = "\n\n---\n\n"


class Chat:
    """What one client is told: the answer as `content`, what the group does on the way as `reasoning_content`
    (which many clients show, and the others pass over)."""

    def __init__(self) -> None:
        self.standing = Standing()
        #: The content told so far.
        self.content = ""
        #: Where in it the present attempt's text begins.
        self._begin = 0

    def take(self, entry: Entry) -> list[dict[str, str]]:
        """The deltas that this entry adds."""
        self.standing.take(entry)
        return [
            {"content" if is_answer else "reasoning_content": text}
            for is_answer, text in self._told(entry)
            if text
        ]

    def add(self, text: str) -> dict[str, str]:
        """A delta of the content that comes from no entry."""
        self.content += text
        return {"content": text}

    def _told(self, entry: Entry) -> Iterator[tuple[bool, str]]:
        piece = self.standing.piece_of(entry)
        if piece is not None and piece.is_answer:
            match entry.type:
                case "subtask.started" if self.content:
                    yield True, self.add(AGAIN)["content"]
                    self._begin = len(self.content)
                case "text.delta":
                    yield True, self.add(entry.data["text"])["content"]
            return
        match entry.type:
            case "plan.proposed" | "plan.changed":
                yield False, f"Plan:\n{plan_lines(entry.data['plan'])}\n"
            case "subtask.started" if piece and piece.kind != SubtaskKind.PLAN:
                yield False, f"{piece.agent_id} begins: {piece.title}\n"
            case "subtask.completed" if piece and piece.kind != SubtaskKind.PLAN:
                yield False, f"{piece.agent_id} has done: {piece.title}\n"
            case "subtask.failed" if piece:
                yield False, f"{piece.agent_id} has failed: {piece.title}: {entry.data['error']}\n"
            case "run.completed":
                yield True, self._rest(entry.data["result"])

    def _rest(self, result: str) -> str:
        """What of the result was not told yet: all, unless its author streamed it."""
        told = self.content[self._begin :]
        rest = result[len(told) :] if result.startswith(told) else AGAIN + result
        return self.add(rest)["content"]

    @property
    def failure(self) -> str:
        """Why there is no answer; empty while there may be one."""
        if self.standing.status == RunStatus.FAILED:
            return self.standing.error or "The run has failed."
        if self.standing.status == RunStatus.CANCELLED:
            return f"The run was cancelled. {self.standing.error}".strip()
        return ""

    @property
    def usage(self) -> dict[str, Any]:
        """Tokens of the whole run, all agents together."""
        into, out = self.standing.tokens
        return {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}
