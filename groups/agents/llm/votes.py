"""A member's vote as a model gives it: the answers it names by their keys, the best first, and why."""

from __future__ import annotations

from typing import Any, NamedTuple

from groups.agents.base import Request
from groups.agents.llm.structured import Faulty, Shape
from groups.execution.statuses import SubtaskStatus


class Vote(NamedTuple):
    """The answers named, in the voter's order, and the reason."""

    ranking: list[str]
    reason: str

    def told(self) -> str:
        """The vote for people."""
        return f"{self.reason}\n\nVote: {' > '.join(self.ranking)}".strip()

    def data(self) -> dict[str, Any]:
        """The vote as every rule of counting reads it (`execution.votes`)."""
        return {"choice": self.ranking[0], "choices": self.ranking, "ranking": self.ranking}


def shape(request: Request) -> Shape[Vote]:
    """What is asked of the voter: one or more of the answers that there are."""
    keys = [f.key for f in request.findings if f.status == SubtaskStatus.COMPLETED]

    def read(value: Any) -> Vote:
        named, reason = value.get("vote"), value.get("reason")
        named = [named] if isinstance(named, str) else named
        if not isinstance(named, list) or not named or any(key not in keys for key in named):
            raise Faulty([f"vote: this must be a list of one or more of: {', '.join(keys)}."])
        return Vote(list(dict.fromkeys(named)), reason if isinstance(reason, str) else "")

    fields: dict[str, Any] = {
        "reason": {"type": "string", "maxLength": 1_000},
        "vote": {
            "type": "array",
            "items": {"type": "string", "enum": keys},
            "minItems": 1,
            "maxItems": max(1, len(keys)),
        },
    }
    return Shape(
        name="vote",
        schema={
            "type": "object",
            "properties": fields,
            "required": list(fields),
            "additionalProperties": False,
        },
        explanation=(
            'Answer with one JSON object: "reason" says why, "vote" is the list of the keys that you name, the best '
            "first; a single one unless the instructions ask for more."
        ),
        read=read,
    )
