"""What the tests of the built-in agents share: requests, attachments, and running one request to its end."""

from __future__ import annotations

import asyncio
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

from groups.agents.base import AgentEvent, Answered, Attachment, Outcome, Request, TextDelta
from groups.agents.builtin import BuiltinRuntime
from groups.execution.plan import Assignable, Plan
from groups.execution.statuses import SubtaskKind

LEAD = Assignable(agent_id="lead", role="leader", name="Lead")


def worker(agent_id: str, *tags: str, name: str = "", description: str = "") -> Assignable:
    return Assignable(
        agent_id=agent_id, role="worker", tags=tags, name=name, description=description
    )


PIPELINE = (LEAD, worker("collector"), worker("processor"), worker("analyzer"), worker("checker"))


def attachment(path: Path, media_type: str = "application/octet-stream") -> Attachment:
    size = path.stat().st_size if path.exists() else 0
    return Attachment(id=path.name, name=path.name, path=path, media_type=media_type, size=size)


def request(kind: SubtaskKind = SubtaskKind.WORK, **fields: Any) -> Request:
    values: dict[str, Any] = {
        "kind": kind,
        "run_id": "run-7",
        "subtask_id": "subtask-3",
        "group_id": "DataPipeline",
        "agent_id": "collector",
        "config": {},
        "task": "Look into it",
    }
    return Request(**{**values, **fields})


async def perform(asked: Request) -> tuple[list[AgentEvent], Outcome]:
    """The events and the outcome; the outcome must come last and once."""
    everything = [event async for event in BuiltinRuntime().perform(asked)]
    *events, outcome = everything
    return events, outcome  # type: ignore[return-value]


def answer(asked: Request) -> str:
    """The whole text, which must be what was streamed."""
    events, outcome = asyncio.run(perform(asked))
    assert isinstance(outcome, Answered)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == outcome.text
    return outcome.text


def work(path: Path, skill: str, **fields: Any) -> str:
    """What a worker of that skill says about the file."""
    return answer(request(config={"skill": skill}, attachments=(attachment(path),), **fields))


def plan(task: str, members: tuple[Assignable, ...], *files: Path) -> Plan:
    from groups.agents.builtin.planner import make_plan
    from groups.execution.plan import validate

    made = make_plan(
        request(
            SubtaskKind.PLAN,
            task=task,
            members=members,
            attachments=tuple(attachment(file) for file in files),
        )
    )
    validate(made, members)
    return made


def cells(text: str, heading: str) -> list[dict[str, str]]:
    """The first table under the `### heading`, a dict for each row."""
    section = text.partition(f"### {heading}\n")[2].partition("\n### ")[0]
    after = dropwhile(lambda line: not line.startswith("|"), section.splitlines())
    lines = list(takewhile(lambda line: line.startswith("|"), after))
    assert lines, f"no table under {heading!r} in:\n{text}"
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]
