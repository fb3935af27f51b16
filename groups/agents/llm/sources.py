"""That a summary names what it rests on, whatever its model made of the instruction to do so. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from groups.agents.base import Finding
from groups.execution.statuses import SubtaskStatus


def missing_words(text: str, findings: Sequence[Finding]) -> str:
    """What has to be added to a summary: its sources when it cites none, and what failed when it does not say so.

    Empty when nothing is missing.
    """
    done = [f for f in findings if f.status == SubtaskStatus.COMPLETED]
    failed = [f for f in findings if f.status != SubtaskStatus.COMPLETED]
    parts = []
    if done and not any(cites(text, finding.key) for finding in done):
        parts.append(
            "Sources: " + "; ".join(f"[{f.key}] {f.title} ({f.agent_id})" for f in done) + "."
        )
    if untold := [finding for finding in failed if not cites(text, finding.key)]:
        told = "; ".join(f"[{f.key}] {f.title} ({f.error or f.status})" for f in untold)
        parts.append(f"Not done: {told}.")
    return "\n\n".join(parts)


def cites(text: str, key: str) -> bool:
    """Whether the text names the subtask in square brackets, alone or among others: [a], [a, b]."""
    return (
        re.search(rf"\[(?:[^\[\]]*[\s,;])?{re.escape(key)}(?:[\s,;][^\[\]]*)?\]", text) is not None
    )
