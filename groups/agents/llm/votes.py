"""A member's vote as a model gives it: the key of the answer it chooses, and why."""

from __future__ import annotations

from typing import Any, NamedTuple

from groups.agents.base import Request
from groups.agents.llm.structured import Faulty, Shape
from groups.execution.statuses import SubtaskStatus


class Vote(NamedTuple):
    """What was chosen, and the reason."""

    choice: str
    reason: str


def shape(request: Request) -> Shape[Vote]:
    """What is asked of the voter: one of the answers that there are."""
    keys = [f.key for f in request.findings if f.status == SubtaskStatus.COMPLETED]

    def read(value: Any) -> Vote:
        choice, reason = value.get("choice"), value.get("reason")
        if choice not in keys:
            raise Faulty([f"choice: this must be one of: {', '.join(keys)}."])
        return Vote(choice, reason if isinstance(reason, str) else "")

    fields: dict[str, Any] = {
        "reason": {"type": "string", "maxLength": 1_000},
        "choice": {"type": "string", "enum": keys},
    }
    return Shape(
        name="vote",
        schema={
            "type": "object",
            "properties": fields,
            "required": list(fields),
            "additionalProperties": False,
        },
        explanation='Answer with one JSON object: "reason" says why, "choice" is the key of the answer you choose.',
        read=read,
    )
