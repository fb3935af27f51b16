"""What a report tells of a log: when each subtask stood how, what each agent used, who stepped in. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

#: What a subtask comes to stand at by an event.
_ENTERS: Final = {
    "subtask.ready": "ready",
    "subtask.started": "running",
    "subtask.retrying": "ready",
    "subtask.waiting": "waiting",
    "subtask.completed": "",
    "subtask.failed": "",
    "subtask.skipped": "",
}
_PEOPLE: Final = frozenset(
    {"plan.approved", "run.paused", "run.resumed", "run.cancelled", "budget.raised"}
)


@dataclass
class Spent:
    """What one agent used; `cost` is of the calls whose price is known."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0


@dataclass
class Span:
    """A subtask stood so from then to then."""

    state: str
    begin: datetime
    end: datetime | None = None


@dataclass
class Digest:
    """All but the words of a log."""

    spans: dict[str, list[Span]] = field(default_factory=dict)
    spent: dict[str, Spent] = field(default_factory=dict)
    #: By subtask: what was tried and did not do, as (attempt, why).
    tries: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    #: By subtask: the tools used, as (name, arguments, summary, went well).
    tools: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    #: What people did, oldest first.
    people: list[dict[str, Any]] = field(default_factory=list)
    begin: datetime | None = None
    end: datetime | None = None


def digest(facts: Iterable[dict[str, Any]]) -> Digest:
    """The log without its pieces of text, summed up."""
    found = Digest()
    for event in facts:
        at = datetime.fromisoformat(event["at"])
        found.begin, found.end = found.begin or at, at
        kind, data, subtask = event["type"], event["data"], event["subtask"]
        if kind in _ENTERS and subtask:
            _enter(found.spans.setdefault(subtask, []), _ENTERS[kind], at)
        if kind == "subtask.retrying":
            found.tries.setdefault(subtask, []).append((data["attempt"], data["error"]))
        elif kind == "usage.recorded":
            _use(found.spent.setdefault(event["agent_id"] or "", Spent()), data)
        elif kind == "tool.started" and subtask:
            found.tools.setdefault(subtask, []).append({**data, "ok": None, "summary": ""})
        elif kind == "tool.finished" and subtask:
            _finish(found.tools.get(subtask, []), data)
        elif kind in ("run.completed", "run.failed", "run.cancelled"):
            for spans in found.spans.values():
                _enter(spans, "", at)
        if kind in _PEOPLE:
            found.people.append(event)
    return found


def _enter(spans: list[Span], state: str, at: datetime) -> None:
    if spans and spans[-1].end is None:
        spans[-1].end = at
    if state:
        spans.append(Span(state, at))


def _use(spent: Spent, data: dict[str, Any]) -> None:
    spent.calls += 1
    spent.input_tokens += data["input_tokens"]
    spent.output_tokens += data["output_tokens"]
    spent.cost += data["cost_usd"] or 0.0
    spent.unpriced += data["cost_usd"] is None


def _finish(calls: list[dict[str, Any]], data: dict[str, Any]) -> None:
    for call in calls:
        if call["call_id"] == data["call_id"] and call["ok"] is None:
            call |= {"ok": data["ok"], "summary": data["summary"]}
