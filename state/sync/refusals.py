"""What the management of connections and sync tasks refuses."""

from __future__ import annotations

from state.errors import Invalid, NotAllowed, NotFound
from state.refusals import TooMany


class ConnectionNotFound(NotFound):
    """There is no such connection here."""


class SyncTaskNotFound(NotFound):
    """There is no such sync task here."""


class NotYourAgent(NotAllowed):
    """An agent connects in its own name only."""


class NotYourConnection(NotAllowed):
    """Connections of others are seen and ended by the leader and by owners of the group."""


class TooManyConnections(TooMany):
    """One agent has at most 50 webhooks and polling connections in a space; disconnect some."""

    reason = "too_many_connections"


class ConnectionInvalid(Invalid):
    """This connection cannot be made so."""


class SyncTaskInvalid(Invalid):
    """This sync task cannot be made so."""
