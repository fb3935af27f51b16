"""What the event bus carries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from state.values.conflicts import ConflictInfo
from state.values.enums import EventType
from state.values.states import Operation, PendingOperation, SharedState


class StateEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A fact about states (the seed's shape). Durable ones have an `id`: "space:revision:seq", or
    "space:a<number>" for those that spent no revision (the space's audit trail)."""

    type: EventType
    timestamp: datetime
    id: str = ""
    space: str = ""
    state_id: str = ""
    uid: str = ""
    version: int = 0
    revision: int = 0
    agent_id: str = ""
    op_id: str = ""
    ops: tuple[Operation, ...] = ()
    #: The state itself, for handlers that asked for it.
    state: SharedState | None = None
    operation: PendingOperation | None = None
    conflict: ConflictInfo | None = None
    metadata: dict[str, Any] = {}
