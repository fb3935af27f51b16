"""The leader's report: the findings of the workers, each under the name of who found it. Adds no figure of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from groups.agents.base import Finding, Request
from groups.agents.builtin.headlines import MAX_HEADLINES, headlines
from groups.agents.builtin.markdown import escape, plural
from groups.agents.builtin.output import FINDINGS

#: Lines of one worker's detail that the report repeats; the subtask keeps the rest.
MAX_DETAIL: Final = 100
#: Characters of a text without findings that the report repeats.
MAX_TEXT: Final = 2_000
_MARKS: Final = re.compile(r"^[\s#>]*(?:(?:[-*•·–]|1[.)])\s+)?")
_HEADING: Final = re.compile(r"^(#{1,5})(?= )", re.MULTILINE)


def write_report(request: Request) -> Iterator[str]:
    """The report in pieces: the answer, a section per finding, what was not done, how it was made."""
    done = [finding for finding in request.findings if finding.status == "completed"]
    rest = [finding for finding in request.findings if finding.status != "completed"]
    yield f"# {_heading_text(_first_line(request.task), 120)}\n\n"
    yield from _answer(request.task, done, rest)
    for number, finding in enumerate(done, 1):
        yield _section(number, finding)
    if rest:
        yield _not_done(rest)
    workers = len({finding.agent_id for finding in done})
    yield (
        "\n---\n\n*This report is rule-based: it repeats what "
        f"{plural(workers, 'worker')} found in {plural(len(done), 'subtask')} and adds no figures or "
        "judgement of its own.*\n"
    )


def _answer(task: str, done: Sequence[Finding], rest: Sequence[Finding]) -> Iterator[str]:
    if not done:
        yield "**No subtask was completed, so there is no result.**\n"
        return
    if rest:
        yield (
            f"**{len(done):,} of {plural(len(done) + len(rest), 'subtask')} completed**; "
            "what is missing is listed below.\n\n"
        )
    shown = done[:MAX_HEADLINES]
    for line, finding in headlines(task, [(finding, _lines(finding)) for finding in shown]):
        yield f"- {line} — `{finding.agent_id}`\n"
    if len(done) > len(shown):
        yield f"- … and the results of {plural(len(done) - len(shown), 'further subtask')} below.\n"


def _lines(finding: Finding) -> list[str]:
    """The worker's own findings, or the first line of what it wrote."""
    findings = _split(finding.text)[0]
    if findings:
        return findings
    return [_first_line(finding.text)] if finding.text.strip() else ["(no text)"]


def _split(text: str) -> tuple[list[str], str]:
    """The findings a worker listed, and the detail after them; no findings when it listed none."""
    before, mark, after = text.partition(FINDINGS)
    if not mark or before.strip():
        return [], text
    lines = after.strip().splitlines()
    count = 0
    while count < len(lines) and lines[count].startswith("- "):
        count += 1
    return [line[2:] for line in lines[:count]], "\n".join(lines[count:]).strip()


def _section(number: int, finding: Finding) -> str:
    findings, detail = _split(finding.text)
    heading = (
        f"\n## {number}. {_heading_text(finding.title, 200)}\n\nFound by `{finding.agent_id}`.\n\n"
    )
    if not findings:
        return heading + _shortened_text(_demoted(detail.strip()) or "(no text)") + "\n"
    listing = "\n".join(f"- {line}" for line in findings)
    return f"{heading}{listing}\n\n{_shortened_detail(_demoted(detail))}".rstrip() + "\n"


def _demoted(text: str) -> str:
    """Headings one level deeper, so that a worker's sections stay inside its own."""
    return _HEADING.sub(r"\1#", text)


def _shortened_detail(text: str) -> str:
    lines = text.splitlines()
    if len(lines) <= MAX_DETAIL:
        return text
    shown = lines[:MAX_DETAIL]
    while shown and shown[-1].startswith("#"):
        shown.pop()
    return "\n".join(shown).rstrip() + (
        f"\n\n*… {plural(len(lines) - len(shown), 'further line')} in the subtask's own output.*"
    )


def _shortened_text(text: str) -> str:
    if len(text) <= MAX_TEXT:
        return text
    return (
        text[:MAX_TEXT].rsplit(maxsplit=1)[0] + " …\n\n*The rest is in the subtask's own output.*"
    )


def _not_done(rest: Sequence[Finding]) -> str:
    lines = [
        f"- **{escape(finding.title, 200)}** (`{finding.agent_id}`): {finding.status}"
        + (f", {escape(_first_line(finding.error), 300)}" if finding.error else "")
        for finding in rest
    ]
    return "\n## Not done\n\n" + "\n".join(lines) + "\n"


def _heading_text(text: str, limit: int) -> str:
    """`text` as a heading, which ends in no colon."""
    return escape(text.rstrip(" :：") or text, limit)


def _first_line(text: str) -> str:
    """The first line with words, at most 200 characters, without the marks of headings and lists."""
    for line in text.splitlines():
        plain = _MARKS.sub("", line).strip()
        if plain:
            return plain if len(plain) <= 200 else plain[:199] + "…"
    return "Report"
