"""The StateManager, the only writer of states, and what it takes and answers."""

from __future__ import annotations

from state.manager.answers import (
    Change,
    OperationState,
    TransactionResult,
    WriteResult,
    WriteStatus,
)
from state.manager.manager import StateManager
from state.manager.resolving import Answer
from state.manager.settings import GLOBAL_SPACE, RESERVED
from state.manager.transactions import Compare
from state.manager.writes import Base

__all__ = [
    "GLOBAL_SPACE",
    "RESERVED",
    "Answer",
    "Base",
    "Change",
    "Compare",
    "OperationState",
    "StateManager",
    "TransactionResult",
    "WriteResult",
    "WriteStatus",
]
