"""An asyncio client of `stars.sync.v1` with local replicas; needs msgspec, rfc8785 and websockets, and no Django."""

from __future__ import annotations

from state.sync.client.backoff import Backoff
from state.sync.client.client import Base, StarsClient
from state.sync.client.outbox import Answer, OnItsWay, OwnWrite, TooManyWrites, WriteStatus
from state.sync.client.refusals import (
    BreaksConnection,
    ClientClosed,
    Denied,
    ForeignStore,
    NotAuthenticated,
    NotConnected,
    NotSubscribed,
    Superseded,
)
from state.sync.client.subscription import Changes, Mode, States, Subscription
from state.sync.client.values import Change, ChangeKind, State, Written

__all__ = [
    "Answer",
    "Backoff",
    "Base",
    "BreaksConnection",
    "Change",
    "ChangeKind",
    "Changes",
    "ClientClosed",
    "Denied",
    "ForeignStore",
    "Mode",
    "NotAuthenticated",
    "NotConnected",
    "NotSubscribed",
    "OnItsWay",
    "OwnWrite",
    "StarsClient",
    "State",
    "States",
    "Subscription",
    "Superseded",
    "TooManyWrites",
    "WriteStatus",
    "Written",
]
