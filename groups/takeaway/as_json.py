"""A run as JSON: everything, as docs/takeaway.md describes it and the page `runs/import/` reads it again.

Pure but for the template of what agents wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from django.template.loader import render_to_string

from groups.takeaway.record import FORMAT, VERSION, Taken

#: Events in a piece.
_AT_ONCE: Final = 500


def render(taken: Taken) -> Iterator[str]:
    """The file in pieces: the run first, then one event a line, so that it can also be read line by line."""
    encode = msgspec.json.Encoder().encode
    run = dict(taken.run)
    head = {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": taken.at,
        "plan": run.pop("plan"),
        "run": run,
        "subtasks": taken.subtasks,
        "attachments": taken.attachments,
        "rendered": _rendered(taken),
    }
    yield f'{encode(head).decode()[:-1]},"events":['
    lines: list[str] = []
    comma = "\n"
    for event in taken.log.events():
        lines.append(comma + encode(event).decode())
        comma = ",\n"
        if len(lines) == _AT_ONCE:
            yield "".join(lines)
            lines.clear()
    yield "".join(lines) + "\n]}\n"


def _rendered(taken: Taken) -> dict[str, Any]:
    """What agents wrote in Markdown, as the pages show it: who opens the file has no server to ask."""
    subtasks = {row["id"]: _html(row["result"]) for row in taken.subtasks if row["result"]}
    return {"report": _html(taken.run["result"]), "subtasks": subtasks}


def _html(markdown: str) -> str:
    return render_to_string("takeaway/rendered.html", {"text": markdown}).strip()
