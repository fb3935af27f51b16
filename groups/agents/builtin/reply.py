"""How a built-in agent answers a message: what it is, what it can do, and what it can read out of the words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from groups.agents.base import Request
from groups.agents.builtin.jobs import BY_SKILL
from groups.agents.builtin.markdown import escape, listed
from groups.agents.builtin.script import SKILLS
from groups.agents.builtin.text import dates, figures, keywords, words
from groups.execution.mentions import without

#: How much of each is repeated.
_SHOWN = 8


def write_reply(request: Request, skill: str) -> Iterator[str]:
    """The answer, piece by piece. It never pretends to have understood."""
    yield "I am rule-based: I follow rules and do not understand prose.\n\n"
    yield f"{_can(request, skill)}\n"
    text = without(request.instructions)
    found = [
        ("words", [escape(word, 60) for word, _ in keywords(Counter(words(text)), _SHOWN)]),
        ("figures", [escape(figure, 60) for figure in figures(text)]),
        ("dates", [escape(date, 60) for date in dates(text)]),
    ]
    said = [f"- {what}: {listed(items[:_SHOWN])}\n" for what, items in found if items]
    if said:
        yield "\nIn your message I found\n\n"
        yield from said


def _can(request: Request, skill: str) -> str:
    if request.role == "leader":
        workers = [m.agent_id for m in request.members if m.role != "leader"]
        team = f" My team: {listed(workers)}." if workers else ""
        return f"Give the group a task, with files where there are some, and I plan it, hand it out and sum up.{team}"
    does = SKILLS.get(skill, SKILLS["digest"])
    needs = "a table (CSV, JSON, Parquet)" if skill in BY_SKILL else "a text file"
    return f"In a run I do this: {does[0].lower()}{does[1:]} Give the group a task with {needs} and I work on it."
