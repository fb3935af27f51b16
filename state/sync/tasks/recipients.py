"""Whom a sync task reaches: the sessions that subscribe to a state, and who of their agents may read it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from state.errors import NotAllowed, NotFound
from state.models import Connection
from state.policy import Caller
from state.sync import sessions
from state.sync.filters import filter_of
from state.sync.policies import sees
from state.values import ConnectionStatus, ConnectionType, SharedState

#: Who acts through a connection, as whoever knows the members says now. Raises NotFound or NotAllowed when nobody may.
Callers = Callable[[Connection], Caller]


def acked(row: Connection, state_id: str) -> int | None:
    """The revision up to which the session has acknowledged that state; None: it does not subscribe to it."""
    found = [
        int(each["acked"])
        for each in row.subscriptions
        if filter_of(each["states"]).matches(state_id)
    ]
    return max(found, default=None)


def by_agent(
    space: str, state_id: str, now: datetime, agents: Collection[str] | None = None
) -> dict[str, list[Connection]]:
    """Sessions that have not ended and subscribe to the state, of these agents (default: all). One query."""
    rows = sessions.live(now).filter(space=space)
    if agents is not None:
        rows = rows.filter(agent__in=agents)
    found = defaultdict(list)
    for row in rows.defer("secret", "reader", "metadata").order_by("-last_heartbeat"):
        if acked(row, state_id) is not None:
            found[row.agent].append(row)
    return dict(found)


def is_online(row: Connection) -> bool:
    """Whether what is sent to it can arrive now: a webhook is always worth a try, a polling agent asks by itself."""
    if row.address:
        return True
    return row.status == ConnectionStatus.CONNECTED and row.type != ConnectionType.PULL


def may_read(row: Connection, state: SharedState, callers: Callers) -> bool:
    """Whether the connection's agent may read the state now."""
    try:
        return sees(state, callers(row))
    except (NotFound, NotAllowed):
        return False


def subscribers(state: SharedState, now: datetime, callers: Callers) -> list[str]:
    """Agents that get the state pushed and may read it, those included that are away for a moment."""
    return sorted(
        agent
        for agent, rows in by_agent(state.space, state.id, now).items()
        if any(each.type != ConnectionType.PULL for each in rows)
        and any(may_read(each, state, callers) for each in _of_each_user(rows))
    )


def _of_each_user(rows: Iterable[Connection]) -> Iterable[Connection]:
    """An agent may act for several people, and each may have other rights."""
    return {each.user_id: each for each in rows}.values()
