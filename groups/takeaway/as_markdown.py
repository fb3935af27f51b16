"""A run as Markdown, for a wiki, a ticket or another model. Pure but for the page's language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.token import Token

from groups.takeaway.digest import Digest, digest
from groups.takeaway.record import Taken
from groups.takeaway.rows import rows
from groups.takeaway.words import clock, facts, spent_rows, subtask_title, subtask_word, title

_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>#|~])")
_PARSER: Final = MarkdownIt("commonmark")
#: Blocks of HTML that no blank line ends, the longer beginnings first, and what does.
_HTML: Final = (
    *((f"<{name}", f"</{name}>") for name in ("script", "style", "pre", "textarea")),
    *(("<!--", "-->"), ("<![cdata[", "]]>"), ("<?", "?>"), ("<!", ">")),
)
#: Characters of what an unfinished subtask wrote.
LONGEST: Final = 20_000


def line(text: Any) -> str:
    """Any text as one line that Markdown takes for words only."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def under(text: str, level: int) -> str:
    """Markdown of somebody else below a heading of that level: its own headings go below it, and what it opens ends
    with it."""
    lines = text.split("\n")
    tokens = _PARSER.parse(f"{text}\n")
    for token, inline in pairwise(tokens):
        if token.type != "heading_open" or token.map is None or token.level:
            continue
        first, last = token.map
        depth = min(6, int(token.tag[1]) + level)
        lines[first:last] = [f"{'#' * depth} {' '.join(inline.content.split())}"] + [""] * (
            last - first - 1
        )
    end = _end(tokens[-1]) if tokens else ""
    # Blank lines only: what is indented is code, and its first line must stay so.
    while lines and not lines[0].strip():
        del lines[0]
    return "\n".join(lines).rstrip() + (f"\n{end}" if end else "")


def _end(last: Token) -> str:
    """What ends the last block of a text if it would go on over all that follows, else ""."""
    if last.type == "fence" and last.map is not None:
        begin, end = last.map
        # One line more than its content: that which opens it.
        return last.markup if end - begin == last.content.count("\n") + 1 else ""
    if last.type == "html_block":
        html = last.content.lower().lstrip()
        return next((end for begin, end in _HTML if html.startswith(begin) and end not in html), "")
    return ""


def render(taken: Taken) -> Iterator[str]:
    """The file in pieces."""
    run, told = taken.run, digest(taken.log.facts())
    yield f"# {line(title(run['task']))}\n\n"
    yield "".join(f"- **{name}**: {line(value)}\n" for name, value in facts(taken, told))
    yield _heading(_("Task")) + _quoted(run["task"]) + "\n"
    if run["result"]:
        yield _heading(_("Report")) + under(run["result"], 2) + "\n"
    if run["plan"]:
        yield from _plan(run["plan"])
    yield _heading(_("Work"))
    for subtask in taken.subtasks:
        yield from _subtask(taken, subtask, told)
    yield from _costs(told)
    yield _heading(_("Log"))
    for row in rows(taken.log.events()):
        seqs = f"{row.first}" if row.first == row.last else f"{row.first}–{row.last}"
        said = f": {line(row.shown)}" if row.text else ""
        yield f"- {seqs} {clock(row.at)} `{row.type}` {line(row.agent_id)}{said}\n"


def _heading(words: str) -> str:
    return f"\n## {words}\n\n"


def _quoted(text: str) -> str:
    """What a person wrote, as it is, in a block of its own."""
    fence = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = max(3, fence + 1)
    return f"{'`' * fence}text\n{text.strip()}\n{'`' * fence}"


def _plan(plan: dict[str, Any]) -> Iterator[str]:
    yield _heading(_("Plan"))
    after = _("after")
    if plan.get("note"):
        yield f"{under(plan['note'], 2)}\n\n"
    for number, item in enumerate(plan["subtasks"], 1):
        needs = ", ".join(item["depends_on"])
        tail = f" ({after} {line(needs)})" if needs else ""
        yield f"{number}. **{line(item['title'])}** `{item['key']}` → {line(item['assignee'])}{tail}\n"


def _subtask(taken: Taken, subtask: dict[str, Any], told: Digest) -> Iterator[str]:
    agent = subtask["agent_id"] or subtask["assignee"]
    word = subtask_word(subtask["status"])
    yield f"### {line(subtask_title(subtask))}\n\n*{line(agent)} · {word}*\n"
    for attempt, why in told.tries.get(subtask["id"], []):
        said = _("Attempt %(attempt)s did not do: %(why)s")
        yield "\n> " + said % {"attempt": attempt, "why": line(why)} + "\n"
    if subtask["question"]:
        yield f"\n> {line(subtask['question'])}\n"
    for call in told.tools.get(subtask["id"], []):
        yield f"\n- `{call['tool']}` {line(call['summary'])}"
    if told.tools.get(subtask["id"]):
        yield "\n"
    if subtask["error"]:
        yield f"\n> {line(subtask['error'])}\n"
    text = subtask["result"] or taken.log.text(subtask["id"], LONGEST)
    if text and subtask["kind"] != "summary":
        yield f"\n{under(text, 3)}\n\n"


def _costs(told: Digest) -> Iterator[str]:
    if not told.spent:
        return
    head = (_("Agent"), _("Calls"), _("Tokens in"), _("Tokens out"), _("Cost"))
    yield _heading(_("Tokens and costs"))
    yield f"| {' | '.join(head)} |\n|---|--:|--:|--:|--:|\n"
    for cells in spent_rows(told):
        yield f"| {' | '.join(line(cell) for cell in cells)} |\n"
