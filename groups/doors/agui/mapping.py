"""A run's log as events of AG-UI 1.0. Pure: entries in, events (as JSON objects) out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from groups.doors.agui.shapes import interrupts, question_id
from groups.doors.common.entry import Entry
from groups.doors.common.standing import Piece, Standing
from groups.execution.statuses import RunStatus, SubtaskKind

PROTOCOL = "1.0"
Event = dict[str, Any]

#: What has no event of AG-UI's own.
_CUSTOM = {
    "subtask.retrying": "stars.retry",
    "subtask.handed_over": "stars.handover",
    "message.sent": "stars.message",
    "state.changed": "stars.state",
    "votes.counted": "stars.votes",
    "budget.reached": "stars.budget",
    "budget.raised": "stars.budget",
    "run.paused": "stars.paused",
    "run.resumed": "stars.resumed",
}


class Told:
    """What one client is told of a run: feed all entries from the first on; `open` begins a stream wherever it is."""

    def __init__(self, *, thread_id: str, run_id: str, message_id: str, link: str) -> None:
        """`message_id` is the client's message that is the task, `link` is where people see the run."""
        self.standing = Standing()
        self._ids = {"threadId": thread_id, "runId": run_id}
        self._message_id = message_id
        self._link = link
        #: How often each subtask began; each time is a subagent of its own.
        self._begun: dict[str, int] = {}
        #: Whoever works now, by subtask: workers as subagents, leaders as steps.
        self._subagents: dict[str, str] = {}
        self._steps: dict[str, str] = {}
        #: Messages being written, by subtask, and those that are whole.
        self._open: dict[str, Event] = {}
        self._messages: list[Event] = []

    # -- a stream's beginning and end ---------------------------------------------------------------------------------

    def open(self, *, rejoining: bool) -> list[Event]:
        """What a stream begins with at this place in the log."""
        events = [{"type": "RUN_STARTED", **self._ids, "protocolVersion": PROTOCOL}]
        if rejoining:
            events.append(self._messages_snapshot())
        events.append(self._state_snapshot())
        if self.standing.plan:
            events.append(self._plan_snapshot())
        events += [_step("STEP_STARTED", name) for name in self._steps.values()]
        for id, subagent in self._subagents.items():
            events.append(self._subagent_started(self.standing.pieces[id], subagent))
        for id, message in self._open.items():
            events.append(self._message_started(id, message))
            if message["content"]:
                events.append(self._content(id, message["content"]))
        return events

    def end(self) -> list[Event]:
        """What a stream ends with here; empty while the run goes on."""
        standing = self.standing
        finished: Event = {"type": "RUN_FINISHED", **self._ids, "usage": self._usage()}
        match standing.status:
            case RunStatus.COMPLETED:
                return [{**finished, "result": standing.result, "outcome": {"type": "success"}}]
            case RunStatus.CANCELLED:
                return [{**finished, "outcome": {"type": "cancelled"}}]
            case RunStatus.FAILED:
                return [self.error(standing.error or "The run has failed.", "run_failed")]
        if not standing.stuck:
            return []
        outcome = {"type": "interrupt", "interrupts": interrupts(standing, self._asking)}
        return [
            self._messages_snapshot(),
            self._state_snapshot(),
            {**finished, "outcome": outcome},
        ]

    def error(self, message: str, code: str) -> Event:
        """The end of a stream that did not work out."""
        return {"type": "RUN_ERROR", "message": message, "code": code, "usage": self._usage()}

    # -- entries ------------------------------------------------------------------------------------------------------

    def take(self, entry: Entry) -> list[Event]:
        """The events that this entry becomes."""
        self.standing.take(entry)
        at = int(datetime.fromisoformat(entry.at).timestamp() * 1000)
        return [{**event, "timestamp": at} for event in self._events(entry)]

    def _events(self, entry: Entry) -> Iterator[Event]:
        piece = self.standing.piece_of(entry)
        match entry.type:
            case "plan.proposed" | "plan.approved" | "plan.changed":
                yield self._plan_snapshot()
            case "text.delta" if piece and piece.kind != SubtaskKind.PLAN:
                yield from self._say(piece, entry.data["text"])
            case "tool.started" if piece:
                yield from self._tool(piece, entry.data)
            case "tool.finished" if piece:
                call = self._call(piece, entry.data)
                result = {"toolCallId": call, "content": entry.data["summary"], "role": "tool"}
                by = self._by(piece.id)
                yield {"type": "TOOL_CALL_RESULT", "messageId": f"{call}-result", **result, **by}
            case "subtask.started" if piece:
                yield from self._begin(piece)
            case "subtask.completed" if piece:
                if piece.kind != SubtaskKind.PLAN:
                    said = self._open.get(piece.id, {"content": ""})["content"]
                    rest = entry.data["result"]
                    yield from self._say(piece, rest[len(said) :] if rest.startswith(said) else "")
                yield from self._close(piece, {"outcome": {"type": "success"}})
            case "subtask.waiting" if piece:
                asked = {"type": "suspended", "interruptIds": [question_id(piece)]}
                yield from self._close(piece, {"outcome": asked})
            case "subtask.failed" | "subtask.retrying" if piece:
                yield from self._close(piece, error=entry.data["error"])
            case "subtask.handed_over" if piece:
                yield from self._close(piece, {"outcome": {"type": "success"}})
            case "run.completed":
                yield from self._settle()
                if entry.data["result"] not in [m["content"] for m in self._messages[-1:]]:
                    yield from self._whole(f"{entry.seq}-result", entry.data["result"])
            case "run.failed" | "run.cancelled":
                yield from self._settle()
        if name := _CUSTOM.get(entry.type):
            by = self._by(entry.subtask)
            yield {"type": "CUSTOM", "name": name, "value": entry.data, **by}
        yield from self._deltas(entry, piece)

    def _begin(self, piece: Piece) -> Iterator[Event]:
        self._begun[piece.id] = self._begun.get(piece.id, 0) + 1
        if piece.kind == SubtaskKind.PLAN or piece.is_answer:
            self._steps[piece.id] = str(piece.kind)
            yield _step("STEP_STARTED", piece.kind)
        else:
            self._subagents[piece.id] = subagent = self._subagent_of(piece)
            yield self._subagent_started(piece, subagent)

    def _close(self, piece: Piece, done: Event | None = None, error: str = "") -> Iterator[Event]:
        """Whoever works at it has stopped: well, as `done` says, or with an error."""
        if message := self._open.pop(piece.id, None):
            self._messages.append(message)
            yield {"type": "TEXT_MESSAGE_END", "messageId": message["id"], **self._by(piece.id)}
        if step := self._steps.pop(piece.id, None):
            yield _step("STEP_FINISHED", step)
        elif subagent := self._subagents.pop(piece.id, None):
            by = {"subagentRunId": subagent}
            if error:
                yield {"type": "SUBAGENT_ERROR", **by, "message": error}
            else:
                yield {"type": "SUBAGENT_FINISHED", **by, **(done or {})}

    def _settle(self) -> Iterator[Event]:
        """The run is over, and so is everybody's work."""
        for id in [*self._subagents, *self._steps]:
            yield from self._close(self.standing.pieces[id], error="Stopped with the run.")

    def _say(self, piece: Piece, text: str) -> Iterator[Event]:
        if not text:
            return
        message = self._open.get(piece.id)
        if message is None:
            number = self._begun.get(piece.id, 1)
            head = {"id": f"{piece.id}.{number}-text", "role": "assistant", "name": piece.agent_id}
            message = self._open[piece.id] = {**head, "content": "", **self._by(piece.id)}
            yield self._message_started(piece.id, message)
        message["content"] += text
        yield self._content(piece.id, text)

    def _whole(self, id: str, text: str) -> Iterator[Event]:
        if text:
            self._messages.append({"id": id, "role": "assistant", "content": text})
            yield {"type": "TEXT_MESSAGE_START", "messageId": id, "role": "assistant"}
            yield {"type": "TEXT_MESSAGE_CONTENT", "messageId": id, "delta": text}
            yield {"type": "TEXT_MESSAGE_END", "messageId": id}

    def _tool(self, piece: Piece, data: dict[str, Any]) -> Iterator[Event]:
        by, call = self._by(piece.id), self._call(piece, data)
        yield {"type": "TOOL_CALL_START", "toolCallId": call, "toolCallName": data["tool"], **by}
        arguments = json.dumps(data.get("arguments", {}), ensure_ascii=False)
        yield {"type": "TOOL_CALL_ARGS", "toolCallId": call, "delta": arguments, **by}
        yield {"type": "TOOL_CALL_END", "toolCallId": call, **by}

    def _call(self, piece: Piece, data: dict[str, Any]) -> str:
        """An id that no other attempt's call has."""
        return f"{piece.id}.{self._begun.get(piece.id, 1)}:{data['call_id']}"

    def _deltas(self, entry: Entry, piece: Piece | None) -> Iterator[Event]:
        """How the state and the plan's activity change with it."""
        if piece is not None and entry.type.startswith("subtask."):
            value = _seen(piece)
            yield _state_delta("add", f"/subtasks/{piece.id}", value)
            places = [item.get("id") for item in (self.standing.plan or {}).get("subtasks", ())]
            if piece.id in places:
                path = f"/subtasks/{places.index(piece.id)}/status"
                patch = [{"op": "replace", "path": path, "value": piece.status}]
                about = {"messageId": self._plan_message, "activityType": "PLAN"}
                yield {"type": "ACTIVITY_DELTA", **about, "patch": patch}
        elif entry.type.startswith(("run.", "plan.")):
            yield _state_delta("replace", "/status", self.standing.status)

    # -- pieces of events ---------------------------------------------------------------------------------------------

    @property
    def _plan_message(self) -> str:
        return f"{self._message_id}-plan"

    @property
    def _asking(self) -> dict[str, str]:
        return {
            piece.id: self._subagent_of(piece)
            for piece in self.standing.questions
            if piece.kind != SubtaskKind.PLAN and not piece.is_answer
        }

    def _subagent_of(self, piece: Piece) -> str:
        return f"{piece.id}.{self._begun.get(piece.id, 1)}"

    def _by(self, id: str | None) -> Event:
        subagent = self._subagents.get(id or "")
        return {"subagentRunId": subagent} if subagent else {}

    def _subagent_started(self, piece: Piece, subagent: str) -> Event:
        about = {"name": piece.agent_id or "worker", "description": piece.title}
        return {"type": "SUBAGENT_STARTED", "subagentRunId": subagent, **about}

    def _message_started(self, id: str, message: Event) -> Event:
        head = {"messageId": message["id"], "role": "assistant", "name": message["name"]}
        return {"type": "TEXT_MESSAGE_START", **head, **self._by(id)}

    def _content(self, id: str, text: str) -> Event:
        about = {"messageId": self._open[id]["id"], "delta": text}
        return {"type": "TEXT_MESSAGE_CONTENT", **about, **self._by(id)}

    def _messages_snapshot(self) -> Event:
        task = {"id": self._message_id, "role": "user", "content": self.standing.task}
        return {"type": "MESSAGES_SNAPSHOT", "messages": [task, *self._messages]}

    def _state_snapshot(self) -> Event:
        pieces = {piece.id: _seen(piece) for piece in self.standing.pieces.values()}
        about = {"status": self.standing.status, "subtasks": pieces, "link": self._link}
        return {"type": "STATE_SNAPSHOT", "snapshot": about}

    def _plan_snapshot(self) -> Event:
        plan, pieces = self.standing.plan or {}, self.standing.pieces
        items = [
            {**item, "status": pieces[item["id"]].status if item.get("id") in pieces else "blocked"}
            for item in plan.get("subtasks", ())
        ]
        content = {"note": plan.get("note", ""), "subtasks": items}
        about = {"messageId": self._plan_message, "activityType": "PLAN", "replace": True}
        return {"type": "ACTIVITY_SNAPSHOT", **about, "content": content}

    def _usage(self) -> list[Event]:
        return [
            {
                **({"model": spent.model} if spent.model else {}),
                "inputTokens": spent.input_tokens,
                "outputTokens": spent.output_tokens,
                "totalTokens": spent.input_tokens + spent.output_tokens,
            }
            for spent in self.standing.usage.values()
        ]


def _seen(piece: Piece) -> Event:
    return {
        "kind": piece.kind,
        "title": piece.title,
        "agent_id": piece.agent_id,
        "status": piece.status,
        "question": piece.question,
    }


def _step(kind: str, name: str) -> Event:
    return {"type": kind, "stepName": str(name)}


def _state_delta(op: str, path: str, value: Any) -> Event:
    return {"type": "STATE_DELTA", "delta": [{"op": op, "path": path, "value": value}]}
