"""Spaces in the memory of this process: gone when it ends. For tests, demonstrations and `enable_persistence=False`."""

from __future__ import annotations

from typing import ClassVar

from state.persistence.tables import TablesLayer
from state.values import PersistenceType


class MemoryPersistence(TablesLayer):
    """Keeps nothing beyond the life of the process, and everything else of the contract."""

    type: ClassVar[PersistenceType] = PersistenceType.MEMORY
