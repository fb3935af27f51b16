"""Who is to do a step: the member it names, else the best match by words, else the next in turn."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from groups.agents.builtin.jobs import JOBS, Job, asked_for, likeliest
from groups.agents.builtin.text import words
from groups.execution.plan import Assignable, generalists

_TAG = re.compile(r"(?:\btag:|(?<![\w&])#)([\w.-]+)", re.IGNORECASE)
_AT = re.compile(r"@([\w.-]+)")


def workers(members: Sequence[Assignable]) -> list[Assignable]:
    """Who can be given any work: the workers, or the leader itself when there are none."""
    able = [m for m in members if m.role != "observer"]
    return generalists(able) or able


def strip_address(text: str) -> str:
    """The step without the leading address: `@bo: write it` is `write it`."""
    rest = re.sub(
        r"^\s*(?:@(?:(?:role|tag):)?[\w.-]+|tag:[\w.-]+|#[\w.-]+)\s*[:,，：-]?\s*",
        "",
        text,
        flags=re.IGNORECASE,
    )
    return rest.strip() or text


@dataclass
class Router:
    """Assigns steps one after the other and remembers who has how many."""

    members: Sequence[Assignable]
    load: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.able = workers(self.members)
        #: They take what names them, or bears one of their tags, and nothing else.
        self.special = [m for m in self.members if m.role == "specialist" and m not in self.able]

    def assign(self, text: str) -> str:
        """The agent id, or the tag, of who is to do the step that `text` describes."""
        chosen = self._named(text) or self._matching(text) or self._next().agent_id
        self.load[chosen] += 1
        return chosen

    def assign_job(self, job: Job) -> str:
        """The agent id of who is to do a job on a table: a fitting worker, else one with least to do."""
        fitting = [member for member in self.able if _fits(member, job)]
        fitting += [m for m in self.special if any(likeliest(tag) is job for tag in m.tags)]
        chosen = min(fitting or self._spare(), key=lambda member: self.load[member.agent_id])
        self.load[chosen.agent_id] += 1
        return chosen.agent_id

    def _spare(self) -> list[Assignable]:
        """Workers that fit no other job, so that these stay free for their own."""
        return [m for m in self.able if not any(_fits(m, job) for job in JOBS)] or self.able

    def _named(self, text: str) -> str | None:
        """By `@id`, `tag:x`, `#x`, or an agent id or name that stands in the text as a word."""
        everyone = [*self.able, *self.special]
        ids = {member.agent_id.lower(): member.agent_id for member in everyone}
        for mention in _AT.findall(text):
            found = ids.get(mention.lower().rstrip(".")) or ids.get(mention.lower())
            if found:
                return found
        bearing = [m for m in everyone if m.role in ("worker", "specialist")]
        tags = {tag.lower(): tag for m in bearing for tag in m.tags}
        for mention in _TAG.findall(text):
            tag = tags.get(mention.lower().rstrip(".")) or tags.get(mention.lower())
            if tag:
                return tag
        for member in sorted(everyone, key=lambda m: -len(m.agent_id)):
            for label in (member.agent_id, member.name):
                if len(label) > 1 and _stands_in(label, text):
                    return member.agent_id
        return None

    def _matching(self, text: str) -> str | None:
        """By words the step shares with a member's id, name, tags and description; a tag counts triple."""
        wanted = set(_stems(words(text)))
        job = asked_for(text)
        scores: dict[str, int] = {}
        tagged = [m for m in self.special if any(_stands_in(tag, text) for tag in m.tags)]
        for member in [*self.able, *tagged]:
            labels = " ".join([member.agent_id, member.name])
            score = 3 * sum(_stands_in(tag, text) for tag in member.tags)
            score += 2 * len(
                wanted & set(_stems(words(labels.replace("-", " ").replace("_", " "))))
            )
            score += len(wanted & set(_stems(words(member.description))))
            if job is not None and _fits(member, job):
                score += 2
            scores[member.agent_id] = score
        best = max(scores.values(), default=0)
        tied = [agent_id for agent_id, score in scores.items() if score == best]
        return min(tied, key=lambda agent_id: self.load[agent_id]) if best else None

    def _next(self) -> Assignable:
        """In turn: whoever has least to do, in the order of the group."""
        return min(self.able, key=lambda member: self.load[member.agent_id])


def _stands_in(label: str, text: str) -> bool:
    """Whether `label` stands in `text` as a whole word (Chinese has no spaces to tell words by)."""
    if not label.isascii():
        return label in text
    return re.search(rf"(?<![\w-]){re.escape(label)}(?![\w-])", text, re.IGNORECASE) is not None


def _stems(found: Iterable[str]) -> list[str]:
    """Word beginnings, so that “testing”, “tests” and “tester” meet."""
    return [
        re.sub(r"(?:ing|ers?|ors?|ed|es|s|ion|ions)$", "", w) if len(w) > 4 else w for w in found
    ]


def _fits(member: Assignable, job: Job) -> bool:
    """Whether the member is for this job, by its id and tags, or failing these by its name."""
    labels = [member.agent_id, *member.tags, member.name]
    for label in labels:
        found = likeliest(label)
        if found is not None:
            return found is job
    return False
