"""How a built-in agent votes: for the answer that covers most of what the task names, by counting, not by taste."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from groups.agents.base import Answered, Finding, Request
from groups.agents.builtin.markdown import escape, listed, plural
from groups.agents.builtin.text import dates, figures, words

#: Figures beyond this many make an answer no better.
ENOUGH = 20
_SHOWN = 6


@dataclass(frozen=True)
class Judgement:
    """What one answer has of what the task names, and how many figures it states."""

    answer: Finding
    covered: tuple[str, ...]
    wanted: int
    figures: int

    @property
    def score(self) -> tuple[int, int]:
        """What the task names counts first, evidence in figures second."""
        return (len(self.covered), min(self.figures, ENOUGH))


def vote(request: Request) -> Answered:
    """The vote in words, and in every form that a rule of counting may ask for; an abstention when there is nothing to
    choose from. Equal answers keep the order in which they stand."""
    judged = sorted(judgements(request.task, request.findings), key=lambda j: j.score, reverse=True)
    if not judged:
        return Answered("There is no answer of others to vote for, so I abstain.")
    best = judged[0]
    lines = [f"- {_line(judgement)}" for judgement in judged]
    mean = sum(len(j.covered) for j in judged) / len(judged)
    agreed = [j.answer.key for j in judged if j is best or len(j.covered) > mean]
    ranking = [j.answer.key for j in judged]
    text = (
        f"I choose {best.answer.key} by `{best.answer.agent_id}`: {_reason(best)}. This is counted by rule: first the "
        "words and figures of the task that an answer has, then how many figures it states.\n\n"
        + "\n".join(lines)
    )
    return Answered(text, {"choice": best.answer.key, "choices": agreed, "ranking": ranking})


def judgements(task: str, answers: Sequence[Finding]) -> list[Judgement]:
    """Each answer against the task's content words, figures and dates."""
    wanted = list(dict.fromkeys([*words(task), *figures(task), *dates(task)]))
    return [_judged(answer, wanted) for answer in answers]


def _judged(answer: Finding, wanted: Sequence[str]) -> Judgement:
    text = answer.text.lower()
    said = {*words(answer.text), *figures(answer.text), *dates(answer.text)}
    covered = tuple(word for word in wanted if word in said or _stands_in(word, text))
    return Judgement(answer, covered, len(wanted), len(figures(answer.text)))


def _stands_in(word: str, text: str) -> bool:
    if not word.isascii():
        return word in text
    return re.search(rf"(?<!\w){re.escape(word.lower())}(?!\w)", text) is not None


def _reason(judgement: Judgement) -> str:
    if not judgement.wanted:
        return f"it states {plural(judgement.figures, 'figure')}"
    named = listed([escape(word, 40) for word in judgement.covered[:_SHOWN]])
    which = f" ({named})" if named else ""
    return (
        f"it has {len(judgement.covered)} of the {plural(judgement.wanted, 'thing')} that the task names{which} "
        f"and states {plural(judgement.figures, 'figure')}"
    )


def _line(judgement: Judgement) -> str:
    return (
        f"{judgement.answer.key} by `{judgement.answer.agent_id}`: {len(judgement.covered)} of {judgement.wanted} "
        f"named, {plural(judgement.figures, 'figure')}"
    )
