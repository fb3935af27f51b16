"""Connections of type pull that are held by asking over HTTP: each question is a heartbeat, and the token that comes
with it the acknowledgement of what was answered before."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from state.policy import Caller
from state.sync import sessions
from state.sync.filters import filter_of
from state.sync.refusals import ConnectionNotFound
from state.sync.sessions import Note, Sessions, SubNote
from state.values import ConnectionType


class Held(msgspec.Struct, frozen=True):
    """A connection that its agent polls for."""

    id: str
    generation: int
    #: The states that it was made for.
    patterns: tuple[str, ...]


def held(caller: Caller, connection_id: str) -> Held:
    """The caller's own connection of type pull, unless a socket holds it or it has ended. One query. Raises
    ConnectionNotFound."""
    own = sessions.live(datetime.now(UTC)).filter(
        pk=connection_id,
        space=caller.space,
        agent=caller.name,
        type=ConnectionType.PULL.value,
        process="",
    )
    found = own.values_list("generation", "subscriptions").first()
    if found is None:
        raise ConnectionNotFound
    generation, subscriptions = found
    patterns = {pattern for each in subscriptions for pattern in each["states"]}
    return Held(connection_id, generation, filter_of(patterns or {"*"}).patterns)


def heard(kept: Sessions, poll: Held, note: SubNote) -> None:
    """Its agent asks, and has what `note` says. Raises ConnectionNotFound when it has ended meanwhile."""
    now = datetime.now(UTC)
    told = Note(session=poll.id, generation=poll.generation, heartbeat=now, subscriptions=(note,))
    if kept.note([told]):
        raise ConnectionNotFound
