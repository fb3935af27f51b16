"""The report's opening lines: of what the workers found, that which answers the task's words, each fact once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from groups.agents.base import Finding
from groups.agents.builtin.jobs import JOBS
from groups.agents.builtin.text import words

#: Lines in all, and of one finding.
MAX_HEADLINES: Final = 10
PER_FINDING: Final = 3
_ENDING: Final = re.compile(r"(?<=\w{4})(?:ing|ed|es|s)$")
#: What tasks call by another word than the workers do.
_ALSO: Final = {"total": "sum", "average": "mean", "averag": "mean", "unreadable": "read"}
#: Lines that say that nothing was found, and the words that ask for them all the same.
_NOTHING: Final = tuple(
    (re.compile(line), re.compile(asked, re.IGNORECASE))
    for line, asked in (
        (r"^No two number columns", r"correlat|together|相关"),
        (r": no outliers by", r"outlier|anomal|异常"),
        (r"^No row is a duplicate", r"duplic|repeat|重复"),
        (r"^No value is missing", r"missing|empty|gaps|缺失"),
        (r"^Every row could be read", r"unread|broken|could not be read"),
        (r"^There is no date column|spans too few days for a trend", r"trend|趋势"),
        (r"single values no clear trend.*daily totals no clear trend", r"trend|趋势"),
    )
)
#: Facts that two skills put in different words; what the groups hold makes them the same fact.
_FACTS: Final = (
    ("unreadable", re.compile(r"^([\d,]+) (?:rows? could not be read|unreadable rows?)")),
    ("included", re.compile(r"include ([\d,]+) duplicate rows?")),
    ("duplicate", re.compile(r"^([\d,]+) duplicate rows?")),
    ("misfit", re.compile(r"^(?P<n>[\d,]+) values? of (?P<column>.+) \(.*cannot be read as such")),
    ("misfit", re.compile(r"^(?P<column>.+): (?P<n>[\d,]+) values? not of type")),
)


def headlines(
    task: str, found: Sequence[tuple[Finding, Sequence[str]]]
) -> list[tuple[str, Finding]]:
    """At most MAX_HEADLINES lines with their findings, those nearest to the task's words first.

    `found` gives each finding with its lines. Every finding has its turn before any has a second.
    """
    wanted = _wanted(task)
    queues = [
        (
            finding,
            sorted((x for x in lines if _called_for(x, task)), key=lambda x: _rank(x, wanted)),
        )
        for finding, lines in found
    ]
    if not any(lines for _, lines in queues):
        queues = [(finding, list(lines)) for finding, lines in found]
    seen: dict[tuple[str, ...], set[tuple[str, str]]] = {}
    chosen: list[tuple[int, str, Finding]] = []
    for _ in range(PER_FINDING):
        for place, (finding, lines) in enumerate(queues):
            while lines and len(chosen) < MAX_HEADLINES:
                line = lines.pop(0)
                if _is_new(line, finding, seen):
                    chosen.append((place, line, finding))
                    break
    chosen.sort(key=lambda pick: (_rank(pick[1], wanted), pick[0]))
    return [(line, finding) for _, line, finding in chosen]


def _wanted(task: str) -> set[str]:
    stems = {_ENDING.sub("", word) for word in words(task)}
    return stems | {_ALSO[stem] for stem in stems if stem in _ALSO}


def _rank(line: str, wanted: set[str]) -> tuple[bool, int]:
    """What was found before what was not, then the more of the task's words the earlier."""
    plain = _plain(line)
    return any(nothing.search(plain) for nothing, _ in _NOTHING), -_score(line, wanted)


def _score(line: str, wanted: set[str]) -> int:
    """How many of the wanted word beginnings stand in the line."""
    have = words(_plain(line).replace("_", " "))
    return sum(any(word.startswith(stem) for word in have) for stem in wanted)


def _called_for(line: str, task: str) -> bool:
    plain = _plain(line)
    return all(asked.search(task) for nothing, asked in _NOTHING if nothing.search(plain))


def _is_new(line: str, finding: Finding, seen: dict[tuple[str, ...], set[tuple[str, str]]]) -> bool:
    """Whether no other finding on the same file has said so; a title may name no file."""
    fact, file = _fact(line), _file(finding.title)
    said = seen.setdefault(fact, set())
    if any(key != finding.key and (not file or other in ("", file)) for key, other in said):
        return False
    said.add((finding.key, file))
    return True


def _fact(line: str) -> tuple[str, ...]:
    plain = _plain(line)
    for name, pattern in _FACTS:
        if match := pattern.search(plain):
            named = match.groupdict()
            return (name, *(named[key] for key in sorted(named))) if named else (name, match[1])
    return (plain.rstrip(".").casefold(),)


def _file(title: str) -> str:
    """The file that the title of one of the table jobs names; else nothing."""
    for job in JOBS:
        if title.startswith(job.opening):
            return title.removeprefix(job.opening)
    return ""


def _plain(line: str) -> str:
    return re.sub(r"[*\\`]", "", line)
