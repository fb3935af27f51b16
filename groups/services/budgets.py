"""Caps on what an agent, a group or the whole installation may use in a calendar month (UTC)."""

from __future__ import annotations

from typing import Final

from groups.access import Actor
from groups.models import Agent, Budget, Group
from groups.services.inputs import Faults, refuse
from state.errors import NotAllowed

#: Beyond any need, within any column.
MOST_TOKENS: Final = 2**53
MOST_USD: Final = 1e12


def require_site(actor: Actor) -> None:
    """Raise NotAllowed unless the actor may see and change what the installation may use."""
    if actor is not None and not actor.is_superuser:
        raise NotAllowed("Only administrators may see and change the installation's budget.")


def of(*, agent: Agent | None = None, group: Group | None = None) -> Budget:
    """The budget of the agent, of the group or (of neither) of the site; one without caps when none was set."""
    found = Budget.objects.filter(agent=agent, group=group).first()
    return found or Budget(agent=agent, group=group)


def put(
    *,
    actor: Actor,
    agent: Agent | None = None,
    group: Group | None = None,
    max_tokens: int | None = None,
    max_cost_usd: float | None = None,
) -> Budget:
    """Let the agent, the group or (neither) the site use this much a month; None is no cap, twice None no budget.

    Raises Invalid with the faulty fields; NotAllowed for the site, unless the actor is an administrator.
    """
    if agent is None and group is None:
        require_site(actor)
    if agent is not None and group is not None:
        refuse("group", "A budget is an agent's or a group's, not both's.")
    check(max_tokens=max_tokens, max_cost_usd=max_cost_usd)
    if max_tokens is None and max_cost_usd is None:
        Budget.objects.filter(agent=agent, group=group).delete()
        return Budget(agent=agent, group=group)
    caps = {"max_tokens": max_tokens, "max_cost_usd": max_cost_usd}
    return Budget.objects.update_or_create(agent=agent, group=group, defaults=caps)[0]


def check(*, max_tokens: object, max_cost_usd: object) -> None:
    """Raise Invalid with the faulty fields unless these can be caps."""
    faults = Faults()
    if max_tokens is not None and not (
        isinstance(max_tokens, int) and max_tokens is not True and 1 <= max_tokens <= MOST_TOKENS
    ):
        faults.add("max_tokens", "A cap in tokens is a whole number, 1 or more.")
    if max_cost_usd is not None and not (
        isinstance(max_cost_usd, int | float)
        and not isinstance(max_cost_usd, bool)
        and 0 <= max_cost_usd <= MOST_USD  # which no NaN is
    ):
        faults.add("max_cost_usd", "A cap in money is a number of dollars, 0 or more.")
    faults.done()
