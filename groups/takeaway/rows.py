"""The log in lines for people: pieces of text that a subtask wrote together become one line. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

#: Pieces that are put into one line at most, and characters of a line.
_TOGETHER: Final = 200
LONGEST: Final = 600
#: The member of `data` that says most, by type.
_GIST: Final = (
    *("error", "reason", "question", "result", "text", "summary", "task", "title", "to", "by"),
)


@dataclass
class Row:
    """One line of the log: events `first` to `last`."""

    first: int
    last: int
    at: str
    agent_id: str
    subtask: str | None
    type: str
    text: str

    @property
    def shown(self) -> str:
        """Its text, cut."""
        return self.text if len(self.text) <= LONGEST else f"{self.text[: LONGEST - 1]}…"


def rows(events: Iterable[dict[str, Any]]) -> Iterator[Row]:
    """Every event in a line, in the order of the lines' first events."""
    written: dict[str | None, Row] = {}
    pieces = 0
    for event in events:
        if event["type"] == "text.delta":
            pieces += 1
            row = written.get(event["subtask"])
            if row is None:
                written[event["subtask"]] = _row(event, event["data"]["text"])
            else:
                row.last, row.text = event["seq"], row.text + event["data"]["text"]
            if pieces < _TOGETHER:
                continue
        yield from written.values()
        written, pieces = {}, 0
        if event["type"] != "text.delta":
            yield _row(event, gist(event))
    yield from written.values()


def _row(event: dict[str, Any], text: str) -> Row:
    seq, agent = event["seq"], event["agent_id"] or ""
    return Row(seq, seq, event["at"], agent, event["subtask"], event["type"], text)


def gist(event: dict[str, Any]) -> str:
    """What an event says, on one line."""
    data = event["data"]
    kind = event["type"]
    if kind.startswith("tool."):
        said = data.get("summary") or _json(data.get("arguments") or {})
        return f"{data['tool']} {said}".strip()
    if kind == "usage.recorded":
        return f"{data['input_tokens']} + {data['output_tokens']} tokens, {data['model']}"
    if kind == "state.changed":
        return f"{data['state_id']} v{data['version']}"
    if kind in ("plan.proposed", "plan.approved", "plan.changed"):
        return ", ".join(item["title"] for item in data["plan"]["subtasks"])
    said = next((data[name] for name in _GIST if data.get(name)), "")
    return " ".join(str(said).split())


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode() if value else ""
