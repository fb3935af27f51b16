"""What the commands on states share: the configured store, its spaces, and refusals as a command's error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from state import conf
from state.errors import StarsError
from state.persistence import PersistenceLayer, new_persistence_layer
from state.values import PersistenceConfig, PersistenceType, SpaceInfo


@contextmanager
def telling() -> Iterator[None]:
    """A refusal, and what the system says of a file, end the command with a sentence."""
    try:
        yield
    except StarsError as error:
        raise CommandError(error.message) from error
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise CommandError(f"{where}{error.strerror or error}.") from error


def configured() -> PersistenceConfig:
    """Where states are kept. Raises CommandError when no command can reach them there."""
    config = conf.persistence_config()
    kept = conf.manager_config().enable_persistence
    if config.type is PersistenceType.MEMORY or not kept:
        raise CommandError(
            "States are kept in the memory of the server's process, where no command can reach them; download a backup"
            " from the server itself (GET /api/v1/backup/), or choose another STARS_STATE_STORE."
        )
    return config


@contextmanager
def opened_store() -> Iterator[PersistenceLayer]:
    """The store of the settings, closed at the end. Refusals are told as `telling` does."""
    with telling():
        store = new_persistence_layer(configured(), conf.keyring())
        try:
            yield store
        finally:
            store.close()


def chosen(store: PersistenceLayer, space: str | None) -> list[SpaceInfo]:
    """The space of that id, or all. Raises CommandError when there is none."""
    found = [info for info in store.spaces() if space in (None, info.id)]
    if space is not None and not found:
        raise CommandError(f"There is no space {space!r}.")
    return found
