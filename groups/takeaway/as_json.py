"""A run as JSON: everything, as docs/takeaway.md describes it and the page `runs/import/` reads it again. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

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
