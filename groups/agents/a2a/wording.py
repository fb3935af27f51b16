"""What an A2A agent is told in words; the same stands in the message's data part for programs (`wire.asked`)."""

from __future__ import annotations

import json
from typing import Final

from groups.agents import wire
from groups.agents.base import Request
from groups.execution.plan import Assignable
from groups.execution.statuses import SubtaskKind

#: Characters of one result that is quoted; the data part has all of it.
QUOTED: Final = 20_000


def words(request: Request, answers: tuple[str, ...]) -> str:
    """The request in words. `answers` are those that it cannot know yet."""
    match request.kind:
        case SubtaskKind.PLAN:
            parts = _plan(request)
        case SubtaskKind.SUMMARY:
            parts = [
                "Sum up what the group has done: answer the task from the results below, cite each by the id of the "
                "agent in square brackets, and say what failed. Answer in Markdown.",
                _section("Task", request.task),
                *_results(request),
            ]
        case _:
            parts = [
                f"Your subtask: {request.title}" if request.title else "",
                request.instructions,
                _section("The task of the whole group, of which this is a part", request.task),
                *_results(request),
            ]
    if request.wrap_up:
        parts.append(_section("Wrap up now", request.wrap_up))
    if request.notes:
        said = "\n".join(f"- {note.sender}: {note.text}" for note in request.notes)
        parts.append(_section("Messages in the group", said))
    if answers:
        parts.append(_section("Answers to what was asked before", "\n".join(answers)))
    return "\n\n".join(filter(None, parts))


def repair(faults: str) -> str:
    """How an agent is told that its plan cannot be used."""
    return (
        f"That plan cannot be used: {faults}\n\n"
        "Answer with the whole corrected plan as one JSON object and nothing else."
    )


def _plan(request: Request) -> list[str]:
    schema = json.dumps(wire.PLAN_SCHEMA)
    return [
        "You lead the group of agents below. Divide the task into subtasks for its members, each with an assignee, "
        "and say which wait for which. Assign to these members only, by agent_id or tag.",
        f"Answer with one JSON object of this JSON Schema and nothing else:\n{schema}",
        _section("Members", "\n".join(_member(member) for member in request.members)),
        _section("Task", request.task),
        _section("Why there has to be another plan", request.replan) if request.replan else "",
        _section("Attachments", "\n".join(f"- {file.name}" for file in request.attachments))
        if request.attachments
        else "",
        *_results(request),
    ]


def _member(member: Assignable) -> str:
    tags = f", tags: {', '.join(member.tags)}" if member.tags else ""
    about = f": {member.description}" if member.description else ""
    return f"- {member.agent_id} ({member.role}{tags}){about}"


def _results(request: Request) -> list[str]:
    return [
        _section(
            f"Result of '{found.title}' by [{found.agent_id}] ({found.status})",
            _cut(found.text or found.error),
        )
        for found in request.findings
    ]


def _cut(text: str) -> str:
    return text if len(text) <= QUOTED else f"{text[:QUOTED]}… (cut)"


def _section(head: str, text: str) -> str:
    return f"## {head}\n{text}"
