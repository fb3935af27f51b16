"""Skill `digest`: condenses text files, or the subtask's own words when there is no file."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Final

from groups.agents.base import Request
from groups.agents.builtin.files import names
from groups.agents.builtin.markdown import escape, listed, plural, table
from groups.agents.builtin.output import Output
from groups.agents.builtin.scaffold import own_words
from groups.agents.builtin.source import Source, prepare
from groups.agents.builtin.text import dates, figures, key_sentences, keywords, sentences, words
from groups.agents.builtin.thread import Stop
from groups.execution.mentions import without

#: Characters read for key sentences and words; line counts cover the whole file.
MAX_TEXT: Final = 2_000_000
_LEVEL: Final = re.compile(r"\b(FATAL|CRITICAL|ERROR|WARN(?:ING)?|INFO|DEBUG|TRACE)\b")
_VARIABLE: Final = re.compile(r"0x[0-9a-fA-F]+|\d[\d:.,-]*")
_SHOWN: Final = 5


def digest_file(path: Path, name: str, folder: Path, output: Output, stop: Stop) -> None:
    """Report key sentences, keywords, figures and dates of a text file. Raises OSError."""
    with output.tool("read_file", file=name) as call:
        if path.stat().st_size == 0:
            call.summary, call.ok = "empty", False
            output.finding(f"**{escape(name)}** is empty (0 bytes).")
            return
        source = prepare(path, folder, stop)
        text = _read(source, MAX_TEXT)
        call.summary = f"{plural(source.lines, 'line')}, {source.encoding}"
    for note in source.notes():
        output.finding(f"**{escape(name)}**: {note}")
    cut = len(text) == MAX_TEXT
    part = f"; the first {MAX_TEXT:,} characters were digested" if cut else ""
    count = len(words(text))
    output.finding(
        f"**{escape(name)}**: {plural(source.lines, 'line')}, {plural(count, 'content word')}{part}."
    )
    _levels(text, name, output)
    _condense(text, escape(name), output)


def _read(source: Source, limit: int) -> str:
    with source.path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.read(limit)


def digest_words(request: Request, output: Output) -> None:
    """Work on the words of the subtask itself, and say that there was no file to work on."""
    about = without(own_words(request.instructions)) or request.title or request.task
    output.finding(
        "There is no file to work on, so this rule-based agent can only condense the words of the subtask; "
        "it does not know more than they say."
    )
    unread = names(request.attachments)
    if unread:
        output.finding(f"It cannot read {escape(listed(unread), 300)}.")
    if request.answers:
        output.finding(f"A person answered: “{escape(request.answers[-1], 500)}”.")
    # What the group says to all is no finding; a message to this agent is shown, but apart.
    heard = [note for note in request.notes if note.to == request.agent_id][-3:]
    if heard:
        lines = [f"- {escape(note.sender)} wrote: “{escape(note.text, 200)}”." for note in heard]
        output.section(f"Messages to {escape(request.agent_id)}", "\n".join(lines))
    if request.findings:
        known = "\n\n".join(finding.text for finding in request.findings if finding.text)
        output.finding(
            "It builds on " + escape(listed([f"“{f.title}”" for f in request.findings]), 400) + "."
        )
        about = f"{about}\n\n{_plain(known)}"
    _condense(about, "the subtask", output)


def _plain(markdown: str) -> str:
    """The words of a Markdown text without tables and marks."""
    lines = [line for line in markdown.splitlines() if not line.startswith(("|", "#"))]
    return re.sub(r"[*_`>]+", "", "\n".join(lines))


def _condense(text: str, name: str, output: Output) -> None:
    with output.tool("extract_keywords", characters=len(text)) as call:
        found = sentences(text)
        counts = Counter(words(text))
        top = keywords(counts, 10)
        call.summary = f"{plural(len(found), 'sentence')}, {plural(len(counts), 'different word')}"
    if top:
        listing = listed([f"{escape(word)} ({count:,})" for word, count in top[:_SHOWN]])
        output.finding(f"Keywords: {listing}.")
    best = key_sentences(found, counts, _SHOWN)
    if best:
        output.finding(f"In its own words: “{escape(best[0], 300)}”")
    numbers, days = figures(text), dates(text)
    if numbers:
        output.finding(f"{plural(len(numbers), 'figure')}: {escape(listed(numbers, 8), 300)}.")
    if days:
        output.finding(f"{plural(len(days), 'date')}: {escape(listed(days, 8), 300)}.")
    if len(best) > 1:
        output.section(f"Key sentences of {name}", "\n".join(f"- {escape(s, 600)}" for s in best))
    if len(top) > _SHOWN:
        rows = [[escape(word), f"{count:,}"] for word, count in top]
        output.section(f"Keywords of {name}", table(["Word", "Times"], rows, "lr"))


def _levels(text: str, name: str, output: Output) -> None:
    """For logs: lines per level, and the commonest errors with their numbers left out."""
    lines = text.splitlines()
    levels = [found.group(1) if (found := _LEVEL.search(line)) else "" for line in lines]
    counts = Counter(level for level in levels if level)
    if sum(counts.values()) < max(3, len(lines) // 2):
        return
    listing = listed([f"{level} {count:,}" for level, count in counts.most_common()], 8)
    output.finding(f"It is a log; lines per level: {listing}.")
    errors: Counter[str] = Counter()
    first: dict[str, int] = {}
    for number, (line, level) in enumerate(zip(lines, levels, strict=True), 1):
        if level in {"FATAL", "CRITICAL", "ERROR"}:
            message = _VARIABLE.sub("#", line[line.index(level) + len(level) :]).strip(" :-]|")
            errors[message] += 1
            first.setdefault(message, number)
    if errors:
        message, count = errors.most_common(1)[0]
        output.finding(
            f"The commonest error, {plural(count, 'time')}, first in line {first[message]:,}: "
            f"“{escape(message, 200)}”."
        )
        rows = [[escape(m, 120), f"{n:,}", f"{first[m]:,}"] for m, n in errors.most_common(10)]
        output.section(
            f"Errors in {escape(name)}", table(["Message", "Times", "First line"], rows, "lrr")
        )
