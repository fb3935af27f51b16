"""Whom a subtask may fall to. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from groups.execution.plan import ANYONE, Assignable, candidates
from groups.execution.records import SubtaskRecord
from groups.execution.statuses import SUBTASK_ENDED, SubtaskKind, SubtaskStatus

#: The leader's own: it falls to the coordinator when there is no leader, or when the plan is the coordinator's.
_LEADING: Final = frozenset({SubtaskKind.PLAN, SubtaskKind.SUMMARY})


def assignable(
    item: SubtaskRecord, subtasks: Sequence[SubtaskRecord], members: Sequence[Assignable]
) -> list[str]:
    """The agent ids, best first; empty when nobody is left for it.

    Of several that bear a tag, those with the least at hand come first; for open work, those whose tags or names
    stand in it.
    """
    if item.kind in _LEADING:
        return _leading(item, members)
    able = candidates(members, item.assignee)
    if item.kind != SubtaskKind.WORK:  # a vote or a reply is one member's own
        return [m.agent_id for m in able if m.agent_id == item.assignee]
    load = dict.fromkeys((m.agent_id for m in able), 0)
    if (item.memo or item.answers) and item.agent_id in load:
        return [item.agent_id]  # it has asked, so the answer is its own
    if len(load) < 2:
        return list(load)
    for other in subtasks:
        if other.agent_id in load and other is not item and other.started_at is not None:
            load[other.agent_id] += 1
    fit = dict.fromkeys(load, 0)
    if item.assignee == ANYONE:
        text = f"{item.title}\n{item.instructions}".casefold()
        fit = {m.agent_id: _fit(m, text) for m in able}
    return sorted(load, key=lambda agent_id: (-fit[agent_id], load[agent_id]))


def fitness(item: SubtaskRecord, members: Sequence[Assignable]) -> int:
    """How well the open item fits whom it fits best; items that fit nobody in particular are taken after the others."""
    text = f"{item.title}\n{item.instructions}".casefold()
    return max((_fit(m, text) for m in candidates(members, item.assignee)), default=0)


def free(choice: Sequence[str], subtasks: Sequence[SubtaskRecord]) -> list[str]:
    """Those of them that carry out nothing else in this run."""
    busy = {s.agent_id for s in subtasks if s.status == SubtaskStatus.RUNNING}
    return [agent_id for agent_id in choice if agent_id not in busy]


def _leading(item: SubtaskRecord, members: Sequence[Assignable]) -> list[str]:
    able = {m.agent_id: m.role for m in members if m.role in ("leader", "coordinator")}
    if item.assignee in able:
        return [item.assignee]
    return sorted(able, key=lambda agent_id: able[agent_id] != "leader")[:1]


def _fit(member: Assignable, text: str) -> int:
    """How many of the member's tags and names stand in the text; what is written with spaces, as whole words."""
    labels = {label.casefold() for label in (*member.tags, member.agent_id, member.name) if label}
    return sum(
        re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text) is not None
        if label.isascii()
        else label in text
        for label in labels
    )


def held(subtasks: Sequence[SubtaskRecord], agent_id: str) -> list[SubtaskRecord]:
    """What the agent has at hand, or is to begin with."""
    return [s for s in subtasks if s.agent_id == agent_id and s.status not in SUBTASK_ENDED]
