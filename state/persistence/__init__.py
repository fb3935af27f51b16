"""Persistence layers: where spaces of states are kept, behind one contract (`base`)."""

from __future__ import annotations

from state.persistence.base import PersistenceLayer
from state.persistence.codec import Codec
from state.persistence.keyring import Keyring
from state.values import PersistenceConfig, PersistenceType


def new_persistence_layer(
    config: PersistenceConfig, keyring: Keyring | None = None
) -> PersistenceLayer:
    """The layer of `config.type`, opened.

    Raises StoreDown (unreachable), Damaged, WrongKey or ConfigInvalid here rather than at the first use.
    """
    codec = Codec(config.compression, config.encryption, keyring or Keyring())
    # Imported when needed: each brings packages of its own, and a process has use for one of them.
    match config.type:
        case PersistenceType.MEMORY:
            from state.persistence.memory import MemoryPersistence

            return MemoryPersistence(config, codec)
        case PersistenceType.FILE:
            from state.persistence.file import FilePersistence

            return FilePersistence(config, codec)
        case PersistenceType.DATABASE:
            from state.persistence.database import DatabasePersistence

            return DatabasePersistence(config, codec)
        case PersistenceType.REDIS:
            from state.persistence.redis import RedisPersistence

            return RedisPersistence(config, codec)


__all__ = ["PersistenceLayer", "new_persistence_layer"]
