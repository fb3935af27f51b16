"""Who follows a state, as far as the connections that somebody may see tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from groups.views.states.board import status_of
from state.sync.filters import filter_of
from state.values import AgentConnection, ConnectionStatus, ConnectionType
from state.values.sync import LIVE


class Following:
    """See above; looks at each connection once per question."""

    def __init__(self, every: Iterable[AgentConnection]) -> None:
        self._of: dict[str, list[AgentConnection]] = defaultdict(list)
        for each in every:
            if each.status in LIVE or (each.address and each.status is ConnectionStatus.ERROR):
                self._of[each.agent].append(each)

    def of(self, agent: str, state: str) -> str:
        """How the agent stands to the state: `here` (what is pushed reaches it), `asks` (it polls), `away` (or never
        seen), or `stranger` (it is here and does not follow the state)."""
        connections = self._of.get(agent, [])
        followers = [
            each for each in connections if filter_of(each.subscribed_states).matches(state)
        ]
        if any(map(_is_reached, followers)):
            return "here"
        if any(each.connection_type is ConnectionType.PULL for each in followers):
            return "asks"
        if not followers and any(map(_is_reached, connections)):
            return "stranger"
        return "away"


def _is_reached(connection: AgentConnection) -> bool:
    if connection.address:
        return True
    is_connected = status_of(connection) is ConnectionStatus.CONNECTED
    return is_connected and connection.connection_type is not ConnectionType.PULL
