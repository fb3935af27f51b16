"""Connections that no socket opens: webhooks and polling agents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from state import queue
from state.manager import StateManager
from state.models import Connection
from state.policy import Caller, canonical
from state.sync import naming, secrets, sessions
from state.sync.filters import filter_of
from state.sync.lags import plain
from state.sync.protocol.limits import MAX_PATTERNS
from state.sync.refusals import ConnectionInvalid, NotYourAgent, TooManyConnections
from state.sync.tasks.making import faults_of_metadata
from state.sync.webhooks import addresses, signing
from state.values import AgentConnection, ConnectionStatus, ConnectionType, Json

#: Of one agent in one space.
MOST: Final = 50
MAX_NAME: Final = 200


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    """A connection that was made."""

    connection: AgentConnection
    #: Of the webhook's signatures; it is shown this once.
    secret: str = ""
    #: States that are not there for the agent now; it gets them as soon as they are.
    missing: tuple[str, ...] = ()


def connect(
    manager: StateManager,
    caller: Caller,
    agent_id: str,
    *,
    name: str,
    address: str,
    type: ConnectionType,
    states: Sequence[str],
    user_id: Any,
    metadata: Mapping[str, Json],
    allowed: Sequence[str],
    now: datetime,
) -> Connected:
    """As StateSyncManager.connect_agent says."""
    if agent_id and canonical(agent_id) != canonical(caller.name):
        raise NotYourAgent(fields={"agent": [NotYourAgent().message]})
    _check(name, address, type, states, allowed, metadata)
    wanted = filter_of(states)
    manager.store.open_space(caller.space)
    missing = naming.absent(manager.store, caller, wanted.ids)
    live = sessions.live(now).filter(space=caller.space, agent=caller.name)
    if live.filter(process="").count() >= MOST:
        raise TooManyConnections
    key = sessions.new_id()
    secret = signing.new_secret() if address else ""
    row = Connection.objects.create(
        id=key,
        space=caller.space,
        agent=caller.name,
        user_id=user_id,
        name=name,
        type=type.value,
        # A webhook is connected once it has answered.
        status=(ConnectionStatus.CONNECTING if address else ConnectionStatus.CONNECTED).value,
        address=address,
        secret=secrets.seal(secret, key) if secret else None,
        reader=msgspec.to_builtins(caller),
        subscriptions=[
            {"sub": 1, "states": list(wanted.patterns), "mode": "all", "acked": 0, "token": ""}
        ],
        connected_at=now,
        last_heartbeat=now,
        metadata=dict(metadata),
    )
    if address:
        queue.ring()
    return Connected(connection=plain(row), secret=secret, missing=missing)


def _check(
    name: str,
    address: str,
    type: ConnectionType,
    states: Sequence[str],
    allowed: Sequence[str],
    metadata: Mapping[str, Json],
) -> None:
    faults = faults_of_metadata(metadata)
    if len(name) > MAX_NAME or not (name.isprintable()):
        faults["name"] = [f"A name has at most {MAX_NAME} printable characters."]
    if not 1 <= len(states) <= MAX_PATTERNS:
        faults["states"] = [f"Name 1 to {MAX_PATTERNS} states, or prefixes such as 'notes/*'."]
    if address:
        if type is not ConnectionType.PUSH:
            faults["type"] = ["A webhook only receives: its type is 'push'."]
    elif type is not ConnectionType.PULL:
        faults["type"] = [
            "Without an address a connection made here is of type 'pull'; the others say hello on the websocket."
        ]
    if faults:
        raise ConnectionInvalid(fields=faults)
    if address:
        addresses.check(address, allowed)
