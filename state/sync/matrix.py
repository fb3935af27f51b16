"""How some connections stand to some states: one page of a table that may be large in both directions."""

from __future__ import annotations

from collections.abc import Collection

from state.manager import StateManager
from state.models import Connection
from state.policy import Caller
from state.sync.lags import Lags
from state.sync.tasks import making
from state.values import AgentConnection


def of(
    states: StateManager, caller: Caller, connections: Collection[str], state_ids: Collection[str]
) -> list[AgentConnection]:
    """Those of the connections that the caller may see, in their order, each with how it stands to those of the states
    that both may read. A constant number of reads."""
    rows = Connection.objects.filter(space=caller.space, pk__in=connections).defer("secret")
    if not making.may_lead(caller):
        rows = rows.filter(agent=caller.name)
    found = {row.pk: row for row in rows}
    kept = [found[each] for each in connections if each in found]
    if not kept:
        return []
    lags = Lags(states.store, caller, kept, frozenset(state_ids))
    return [lags.of(row) for row in kept]
