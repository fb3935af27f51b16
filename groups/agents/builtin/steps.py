"""Takes a task's text apart into steps: list items, or sentences, and which of them waits for the one before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from groups.agents.builtin.text import sentences

_BULLET: Final = re.compile(
    r"^\s{0,8}(?:[-*•·‣–]\s+|(?P<number>\d{1,3})(?:[.)]\s+|[、．）]\s*)|[(（]\d{1,3}[)）]\s*|[①-⑳]\s*)(?P<text>.*\S)\s*$"
)
#: "… : 1) this 2) that" within one line; the number must count up from 1 to be believed.
_INLINE: Final = re.compile(
    r"(?:^|(?<=[\s:：;；,，。]))(?:(\d{1,2})[.)、．）]|[(（](\d{1,2})[)）])\s*(?=\S)"
)
#: Words at the start of a step that make it wait for the step before.
_THEN: Final = re.compile(
    r"^(?:and\s+)?(?:then|after\s+that|afterwards?|next|finally|lastly|at\s+last|once\s+(?:that|this|it)\s+is\s+done)\b[,:]?\s*"
    r"|^(?:并且?|再)?(?:然后再?|接着|接下来|之后|随后|最后|其次)[，,、:：]?\s*",
    re.IGNORECASE,
)
#: The same words in the middle of a sentence divide it.
_DIVIDE: Final = re.compile(
    r"[,;]?\s+(?=(?:and\s+)?(?:then|after\s+that|afterwards)\b(?!\s+again))|[，,；;、]?(?=然后|接着|接下来|之后再|随后|最后)(?<!^)",
    re.IGNORECASE,
)
_NOT_STEPS: Final = re.compile(
    r"^(?:hi|hello|hey|thanks?|thank you|please|regards|你好|您好|谢谢|多谢)"
    r"[\s,!.。！，]*(?:you|all|team|大家)?[\s!.。！]*$",
    re.IGNORECASE,
)
_FILLER: Final = re.compile(r"^(?:and\s+|please\s+|first[,]?\s+|请|首先[，,]?|先)+", re.IGNORECASE)
#: A first part such as "Do the following:" is context for the steps, not a step.
_CLAUSE: Final = re.compile(r"\s*[;；]\s*|(?<=[^\d]),\s+and\s+(?=\w+\s)")


@dataclass(frozen=True)
class Step:
    """One thing to do; `waits` says that it comes after the step before it."""

    text: str
    waits: bool = False


@dataclass(frozen=True)
class Steps:
    """The steps of a task and the rule that found them; `context` is what was said around a list."""

    steps: tuple[Step, ...]
    rule: str
    context: str = ""


def take_apart(task: str) -> Steps:
    """The steps of `task`: its list items, else the numbers in its running text, else its sentences."""
    lines = task.strip().splitlines()
    items, context = _items(lines)
    if len(items) < 2:
        inline = _inline(task.strip())
        if inline is not None:
            return inline
    if len(items) >= 2:
        steps = tuple(_step(item, index) for index, item in enumerate(items))
        return Steps(steps, f"one subtask for each of the {len(steps)} list items", context)
    pieces = [
        piece
        for sentence in sentences(task)
        for part in _DIVIDE.split(sentence)
        for piece in _CLAUSE.split(part)
        if piece and piece.strip(" ,.;。；，") and not _NOT_STEPS.match(piece.strip())
    ]
    steps = tuple(_step(piece, index) for index, piece in enumerate(pieces))
    if len(steps) > 1:
        return Steps(steps, f"one subtask for each of the {len(steps)} sentences or clauses")
    return Steps(steps or (Step(task.strip()),), "the task is a single step")


def _items(lines: list[str]) -> tuple[list[str], str]:
    """List items, with indented or following lines joined to them, and the other text."""
    items: list[str] = []
    context: list[str] = []
    for line in lines:
        found = _BULLET.match(line)
        if found:
            items.append(found["text"].strip())
        elif items and line.startswith((" ", "\t")) and line.strip():
            items[-1] += " " + line.strip()
        elif line.strip():
            context.append(line.strip())
    return items, " ".join(context)


def _inline(task: str) -> Steps | None:
    """Steps of "do: 1) this 2) that"; None when the numbers do not count 1, 2, …"""
    marks = list(_INLINE.finditer(task))
    numbers = [int(mark[1] or mark[2]) for mark in marks]
    if len(marks) < 2 or numbers != list(range(1, len(marks) + 1)):
        return None
    ends = [*(mark.start() for mark in marks[1:]), len(task)]
    items = [
        task[mark.end() : end].strip(" \n,;，；、") for mark, end in zip(marks, ends, strict=True)
    ]
    if not all(items):
        return None
    steps = tuple(_step(item, index) for index, item in enumerate(items))
    context = task[: marks[0].start()].strip()
    return Steps(steps, f"one subtask for each of the {len(steps)} numbered points", context)


def _step(text: str, index: int) -> Step:
    """The step in plain words; the first step waits for nothing, whatever it says."""
    text = text.strip().strip(",;，；、").strip()
    found = _THEN.match(text)
    if found and text[found.end() :].strip(" .。"):
        rest = text[found.end() :]
        return Step(_tidy(rest), waits=index > 0)
    return Step(_tidy(text))


def _tidy(text: str) -> str:
    text = _FILLER.sub("", text.strip()) or text
    return text[:1].upper() + text[1:]
