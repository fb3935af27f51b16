"""The event bus: handlers are told what happens to states, in order, and durable ones miss nothing."""

from __future__ import annotations

from state.bus.base import (
    BusClosed,
    DurableNameTaken,
    EventBus,
    EventHandler,
    Handler,
    HandlerNotFound,
    QueueFull,
)
from state.bus.durable import Retry
from state.bus.events_of import event_of, event_of_audit, updates_of
from state.bus.handlers import StateEventHandler
from state.bus.handles import Handle
from state.bus.letters import (
    Cursor,
    CursorStore,
    DeadLetter,
    DeadLetterNotFound,
    InMemoryCursorStore,
)
from state.bus.log import LogEventBus
from state.bus.memory import InMemoryEventBus

__all__ = [
    "BusClosed",
    "Cursor",
    "CursorStore",
    "DeadLetter",
    "DeadLetterNotFound",
    "DurableNameTaken",
    "EventBus",
    "EventHandler",
    "Handle",
    "Handler",
    "HandlerNotFound",
    "InMemoryCursorStore",
    "InMemoryEventBus",
    "LogEventBus",
    "QueueFull",
    "Retry",
    "StateEventHandler",
    "event_of",
    "event_of_audit",
    "updates_of",
]
