"""Documents of a given size, and what merging, comparing and hashing them takes."""

from __future__ import annotations

import itertools
import random
import timeit
from collections.abc import Callable
from copy import deepcopy
from statistics import median
from typing import Any

from state import jsonvalue, merge

WORDS = ("plan", "draft", "review", "merge", "ship", "test", "measure", "write", "answer", "retry")


def document(size: int, **start: Any) -> dict[str, Any]:
    """A list of work as agents keep it, `size` bytes of compact JSON; the same at every call."""
    chance = random.Random(size)
    tasks: dict[str, Any] = {}
    found: dict[str, Any] = {**start, "tasks": tasks, "rest": ""}
    room = size - jsonvalue.size(found)
    for number in itertools.count():
        key = f"task-{number:04}"
        task = {
            "title": " ".join(chance.choices(WORDS, k=5)),
            "status": chance.choice(["open", "done"]),
            "hours": chance.randrange(100) / 4,
            "tags": chance.sample(WORDS, 3),
        }
        room -= jsonvalue.size({key: task}) - (1 if tasks else 2)
        if room < 0:
            break
        tasks[key] = task
    found["rest"] = "".join(
        itertools.islice(itertools.cycle("abcdefghij "), size - jsonvalue.size(found))
    )
    return found


def changed(document: dict[str, Any], remainder: int) -> dict[str, Any]:
    """A copy in which every tenth task has another status and title, counted from `remainder`."""
    tasks = {
        key: {**task, "status": "blocked", "title": f"{task['title']} again"}
        if number % 10 == remainder
        else task
        for number, (key, task) in enumerate(document["tasks"].items())
    }
    return deepcopy({**document, "tasks": tasks})


def microseconds(action: Callable[[], object], repeats: int = 7) -> tuple[float, float, float]:
    """Median, least and most of what one call takes; each of `repeats` looks lasts about 50 ms."""
    once = min(timeit.repeat(action, number=1, repeat=3))
    number = max(1, round(0.05 / once))
    found = [taken / number * 1e6 for taken in timeit.repeat(action, number=number, repeat=repeats)]
    return median(found), min(found), max(found)


def table() -> str:
    """merge, diff and digest of 4 KiB and 256 KiB, as Markdown."""
    lines = ["| µs, median (min-max) | 4 KiB | 256 KiB |", "|---|---:|---:|"]
    columns = []
    for size in (4096, 256 * 1024):
        base = document(size)
        theirs, mine = changed(base, 1), changed(base, 2)
        assert merge.merge(base, theirs, mine).conflicts == ()
        columns.append(
            {
                "merge, each side changed a tenth": microseconds(
                    lambda: merge.merge(base, theirs, mine)  # noqa: B023  # called at once
                ),
                "diff, a tenth changed": microseconds(
                    lambda: jsonvalue.diff(base, theirs)  # noqa: B023
                ),
                "digest": microseconds(lambda: jsonvalue.digest(base)),  # noqa: B023
            }
        )
    for name in columns[0]:
        cells = [
            f"{middle:,.0f} ({least:,.0f}-{most:,.0f})"
            for middle, least, most in (column[name] for column in columns)
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)
