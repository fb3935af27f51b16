"""Whether an agent's settings fit its kind. Loads a kind's own check only when such an agent is registered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from groups.agents.base import AgentError
from groups.agents.registry import KINDS


def _builtin(config: dict[str, Any]) -> None:
    from groups.agents.builtin import validate_config

    validate_config(config)


#: Kind -> its check, which raises ValueError or AgentError with a sentence for the user.
CHECKS: Final[dict[str, Callable[[dict[str, Any]], None]]] = {"builtin": _builtin}


def faults(kind: object, config: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with these settings of an agent of `kind`, as (field, sentence); empty when nothing is."""
    if not isinstance(kind, str) or kind not in KINDS:
        return [
            ("kind", f"There is no such kind of agent. Known kinds: {', '.join(sorted(KINDS))}.")
        ]
    check = CHECKS.get(kind)
    try:
        if check:
            check(config)
    except (AgentError, ValueError) as error:
        return [("config", str(error))]
    return []
