"""A run as a page in one file: no script, nothing fetched, light and dark. Pure but for templates and language."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.translation import get_language

from groups.takeaway.axis import Axis, axis
from groups.takeaway.digest import Digest, Span, digest
from groups.takeaway.record import Taken
from groups.takeaway.rows import Row, rows
from groups.takeaway.words import (
    clock,
    duration,
    facts,
    moment,
    spent_rows,
    status_word,
    subtask_title,
    subtask_word,
    title,
)

#: Lines of the log in a piece of the file.
_AT_ONCE: Final = 500
#: How wide the timeline is drawn; the page stretches it.
_WIDTH: Final = 1000.0
#: Characters of what an unfinished subtask wrote.
LONGEST: Final = 100_000


def render(taken: Taken) -> Iterator[str]:
    """The file in pieces: head and plan, a piece per subtask, the log."""
    run, told = taken.run, digest(taken.log.facts())
    common = {"run": run, "language": get_language() or "en"}
    titles = {subtask["id"]: subtask_title(subtask) for subtask in taken.subtasks}
    yield render_to_string(
        "takeaway/head.html",
        common
        | {
            "title": title(run["task"]),
            "word": status_word(run["status"]),
            "facts": list(facts(taken, told))[1:],  # the badge says the status
            "plan": (run["plan"] or {}).get("subtasks", []),
            "note": (run["plan"] or {}).get("note", ""),
            "timeline": list(_timeline(taken.subtasks, told)),
            "took": _took(told),
            "left_out": _left_out(told),
        },
    )
    for subtask in taken.subtasks:
        yield render_to_string("takeaway/subtask.html", common | _told(taken, subtask, told))
    yield render_to_string("takeaway/log.html", common | {"spent": list(spent_rows(told))})
    lines = rows(taken.log.events())
    while page := list(islice(lines, _AT_ONCE)):
        yield _lines(page, titles)
    yield render_to_string("takeaway/foot.html", common | {"at": moment(taken.at)})


def _told(taken: Taken, subtask: dict[str, Any], told: Digest) -> dict[str, Any]:
    shown = subtask["result"] or taken.log.text(subtask["id"], LONGEST)
    return {
        "subtask": subtask,
        "name": subtask_title(subtask),
        "word": subtask_word(subtask["status"]),
        "tries": told.tries.get(subtask["id"], []),
        "tools": told.tools.get(subtask["id"], []),
        # The report at the top says it already.
        "text": "" if subtask["kind"] == "summary" and subtask["result"] else shown,
    }


def _took(told: Digest) -> str:
    if told.begin is None or told.end is None:
        return ""
    return duration((told.end - told.begin).total_seconds())


def _axis(told: Digest) -> Axis | None:
    if told.begin is None or told.end is None:
        return None
    return axis(told.begin, told.end, chain.from_iterable(told.spans.values()))


def _left_out(told: Digest) -> str:
    """How long nobody worked, where that is drawn short."""
    line = _axis(told)
    return duration(line.left_out.total_seconds()) if line and line.breaks else ""


def _timeline(subtasks: list[dict[str, Any]], told: Digest) -> Iterator[dict[str, Any]]:
    """A row for each subtask that was ever due: bars as (state, x, width, words)."""
    line = _axis(told)
    if line is None:
        return
    end = line.end

    def x(at: datetime) -> float:
        return line.share(at) * _WIDTH

    for subtask in subtasks:
        spans = told.spans.get(subtask["id"], [])
        bars = [
            {
                "state": _shown(subtask, span, last=span is spans[-1]),
                "x": f"{x(span.begin):.2f}",
                "width": f"{max(x(span.end or end) - x(span.begin), 2.0):.2f}",
                "words": f"{subtask_word(span.state)}, "
                f"{duration(((span.end or end) - span.begin).total_seconds())}",
            }
            for span in spans
        ]
        if bars:
            word = subtask_word(subtask["status"])
            yield {"name": subtask_title(subtask), "word": word, "bars": bars}


def _shown(subtask: dict[str, Any], span: Span, *, last: bool) -> str:
    """How a bar is coloured: the last one by how the subtask ended."""
    ended = subtask["status"] in ("completed", "failed", "cancelled", "skipped")
    return subtask["status"] if last and ended and span.state == "running" else span.state


def _lines(page: list[Row], titles: dict[str, str]) -> str:
    return format_html_join(
        "",
        '<tr class="{}"><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>\n',
        (
            (
                row.type.replace(".", "-"),
                row.first if row.first == row.last else f"{row.first}–{row.last}",
                clock(row.at),
                row.agent_id,
                titles.get(row.subtask or "", ""),
                row.type,
                row.shown,
            )
            for row in page
        ),
    )
