"""Trying an agent out before it is put to work: per kind, what works and what was found out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias


class Check(NamedTuple):
    """One thing that was tried; `text` says in words what came of it."""

    name: str
    ok: bool
    text: str


class Probed(NamedTuple):
    """All that was tried, in order, and what is to be remembered (`Request.ability`); {} when it cannot be used."""

    checks: list[Check]
    ability: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether the agent can be used."""
        return bool(self.ability)


#: Takes an agent's config and secrets, and what may be reached although it is not public. What goes wrong is a check
#: that failed; it raises nothing.
Probe: TypeAlias = Callable[
    [Mapping[str, Any], Mapping[str, str], Sequence[str]], Awaitable[Probed]
]


async def _llm(
    config: Mapping[str, Any], secrets: Mapping[str, str], allowed: Sequence[str]
) -> Probed:
    from groups.agents.base import AgentError
    from groups.agents.llm.runtime import loaded

    try:
        found: Probed = await (await loaded("probe")).probe(config, secrets, allowed)
    except AgentError as error:
        return Probed([Check("connection", False, error.message)], {})
    return found


#: Kind -> its probe. Kinds that are not here have nothing to be tried.
PROBES: Final[dict[str, Probe]] = {"llm": _llm}
