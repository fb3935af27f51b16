"""The rows of shared states. Everything of a space changes only in `persistence.database`, and there in one order of
locks: operations, states by id, the space last."""

from __future__ import annotations

from state.models.bus import BusCursor, DeadLetter
from state.models.journal import Conflict, Op
from state.models.log import Audit, Entry, Snapshot
from state.models.spaces import Space, State, StoreSetting
from state.models.sync import Connection, SyncTarget, SyncTask

__all__ = [
    "Audit",
    "BusCursor",
    "Conflict",
    "Connection",
    "DeadLetter",
    "Entry",
    "Op",
    "Snapshot",
    "Space",
    "State",
    "StoreSetting",
    "SyncTarget",
    "SyncTask",
]
