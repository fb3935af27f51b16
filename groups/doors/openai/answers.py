"""A run's log as a response of OpenAI's Responses API. Pure: entries in, stream events out.

Every event has a `sequence_number` made from the log's: the entry's seq times SLOTS, plus its place among the events
of that entry. So whoever replays the log gets the same numbers, and a stream resumes after any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from groups.doors.common.entry import Entry
from groups.doors.common.standing import Piece, Standing, plan_lines, waiting_words
from groups.execution.statuses import RunStatus, SubtaskKind

#: More than the events that any entry becomes.
SLOTS: Final = 1000

Event = dict[str, Any]


class Answer:
    """One response: what agents write on the way is reasoning, what the leader sums up is the message."""

    def __init__(self, base: dict[str, Any], link: str) -> None:
        """`base` are the response's lasting fields, `link` is where people see the run."""
        self.standing = Standing()
        self._base = base
        self._link = link
        self._output: list[dict[str, Any]] = []
        #: Places in the output of what is being written, by subtask.
        self._open: dict[str, int] = {}

    # -- the stream ---------------------------------------------------------------------------------------------------

    def take(self, entry: Entry) -> list[Event]:
        """The events that this entry becomes, numbered."""
        self.standing.take(entry)
        number = entry.seq * SLOTS
        return [
            {"type": f"response.{kind}", "sequence_number": number + index, **fields}
            for index, (kind, fields) in enumerate(self._events(entry))
        ]

    def last(self) -> Event | None:
        """What ends a stream here: the run has ended, or waits for a person. None while it goes on."""
        response = self.response()
        match response["status"]:
            case "completed" | "failed" as status:
                kind = status
            case "cancelled" | "incomplete":
                kind = "incomplete"
            case _:
                return None
        number = self.last_number
        return {"type": f"response.{kind}", "sequence_number": number, "response": response}

    @property
    def last_number(self) -> int:
        """The number of what ends a stream here."""
        return self.standing.last_seq * SLOTS + SLOTS - 1

    def _events(self, entry: Entry) -> Iterator[tuple[str, dict[str, Any]]]:
        piece = self.standing.piece_of(entry)
        match entry.type:
            case "run.queued":
                yield "created", {"response": self.response()}
            case "run.started" | "run.resumed":
                yield "in_progress", {"response": self.response()}
            case "plan.proposed" | "plan.changed":
                yield from self._whole(f"rs_{entry.seq}", plan_lines(entry.data["plan"]))
            case "subtask.started" if piece and piece.kind != SubtaskKind.PLAN:
                yield from self._begin(entry, piece)
            case "text.delta" if piece and piece.id in self._open:
                yield from self._more(piece, entry.data["text"])
            case "subtask.completed" if piece and piece.id in self._open:
                yield from self._rest(piece, entry.data["result"])
                yield from self._close(piece, "completed")
            case "subtask.retrying" | "subtask.failed" | "subtask.waiting" | "subtask.handed_over":
                if piece and piece.id in self._open:
                    yield from self._close(piece, "incomplete")
            case "run.completed":
                yield from self._settle()
                result = entry.data["result"]
                if result != next((_text(i) for i in self._output[::-1] if _is_answer(i)), None):
                    yield from self._whole(f"msg_{entry.seq}", result)
            case "run.failed" | "run.cancelled":
                yield from self._settle()

    def _begin(self, entry: Entry, piece: Piece) -> Iterator[tuple[str, dict[str, Any]]]:
        name = "msg" if piece.is_answer else "rs"
        self._open[piece.id] = index = len(self._output)
        item = _item(f"{name}_{entry.seq}", "", "in_progress")
        self._output.append(item)
        added = {**item, "content": []} if _is_answer(item) else {**item, "summary": []}
        yield "output_item.added", {"output_index": index, "item": added}
        kind = "content_part" if _is_answer(item) else "reasoning_summary_part"
        yield f"{kind}.added", {**self._place(index), "part": _part(item)}
        if not piece.is_answer:
            yield from self._more(piece, f"{piece.agent_id}: {piece.title}\n\n")

    def _more(self, piece: Piece, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
        index = self._open[piece.id]
        item = self._output[index]
        if not text:
            return
        _part(item)["text"] += text
        if _is_answer(item):
            yield "output_text.delta", {**self._place(index), "delta": text, "logprobs": []}
        else:
            yield "reasoning_summary_text.delta", {**self._place(index), "delta": text}

    def _rest(self, piece: Piece, result: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """What of a whole result was not streamed."""
        told = _text(self._output[self._open[piece.id]])
        if not piece.is_answer:
            told = told.partition("\n\n")[2]
        if result.startswith(told):
            yield from self._more(piece, result[len(told) :])

    def _close(self, piece: Piece, status: str) -> Iterator[tuple[str, dict[str, Any]]]:
        index = self._open.pop(piece.id)
        item = self._output[index]
        item["status"] = status
        part, text = _part(item), _text(item)
        if _is_answer(item):
            yield "output_text.done", {**self._place(index), "text": text, "logprobs": []}
            yield "content_part.done", {**self._place(index), "part": dict(part)}
            if (
                status == "incomplete"
            ):  # what another attempt will say anew is no part of the answer
                item["content"] = []
        else:
            yield "reasoning_summary_text.done", {**self._place(index), "text": text}
            yield "reasoning_summary_part.done", {**self._place(index), "part": dict(part)}
        yield "output_item.done", {"output_index": index, "item": _copy(item)}

    def _whole(self, id: str, text: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """An item that comes in one piece."""
        item, index = _item(id, text, "completed"), len(self._output)
        self._output.append(item)
        yield "output_item.added", {"output_index": index, "item": _copy(item)}
        yield "output_item.done", {"output_index": index, "item": _copy(item)}

    def _settle(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The run is over: nothing is being written any more."""
        for index in self._open.values():
            self._output[index]["status"] = "incomplete"
            yield "output_item.done", {"output_index": index, "item": _copy(self._output[index])}
        self._open.clear()

    def _place(self, index: int) -> dict[str, Any]:
        item = self._output[index]
        part = "content_index" if _is_answer(item) else "summary_index"
        return {"item_id": item["id"], "output_index": index, part: 0}

    # -- the whole ----------------------------------------------------------------------------------------------------

    def response(self) -> dict[str, Any]:
        """The response as it stands."""
        standing = self.standing
        status = {
            RunStatus.QUEUED: "queued",
            RunStatus.COMPLETED: "completed",
            RunStatus.FAILED: "failed",
            RunStatus.CANCELLED: "cancelled",
        }.get(RunStatus(standing.status), "incomplete" if standing.stuck else "in_progress")
        output = [_copy(item) for item in self._output]
        if status == "incomplete":
            words = waiting_words(standing, self._link)
            output.append(_item(f"msg_wait_{standing.last_seq}", words, "incomplete"))
        failed = {"code": "server_error", "message": standing.error} if status == "failed" else None
        into, out = standing.tokens
        return {
            **self._base,
            "status": status,
            "output": output,
            "error": failed,
            # OpenAI has no word of its own for it.
            "incomplete_details": {"reason": "requires_action"} if status == "incomplete" else None,
            "usage": {
                "input_tokens": into,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": out,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": into + out,
            },
            "stars": {"last_seq": standing.last_seq, "link": self._link},
        }


def _item(id: str, text: str, status: str) -> dict[str, Any]:
    if id.startswith("msg"):
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
        message = {"type": "message", "role": "assistant", "id": id, "status": status}
        return {**message, "content": [part]}
    summary = [{"type": "summary_text", "text": text}]
    return {"type": "reasoning", "id": id, "status": status, "summary": summary}


def _is_answer(item: dict[str, Any]) -> bool:
    return bool(item["type"] == "message")


def _parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    return item["content" if _is_answer(item) else "summary"]  # type: ignore[no-any-return]


def _part(item: dict[str, Any]) -> dict[str, Any]:
    return _parts(item)[0]


def _text(item: dict[str, Any]) -> str:
    return "".join(part["text"] for part in _parts(item))


def _copy(item: dict[str, Any]) -> dict[str, Any]:
    """The item as it is now, whatever becomes of it."""
    return {**item, "content" if _is_answer(item) else "summary": [dict(p) for p in _parts(item)]}
