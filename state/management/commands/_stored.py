"""What the commands on states share: the configured store, and refusals as a command's error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError

from state import conf
from state.errors import StarsError
from state.persistence import PersistenceLayer, new_persistence_layer


@contextmanager
def opened_store() -> Iterator[PersistenceLayer]:
    """The store of the settings, closed at the end. A refusal ends the command with its sentence."""
    try:
        store = new_persistence_layer(conf.persistence_config(), conf.keyring())
        try:
            yield store
        finally:
            store.close()
    except StarsError as error:
        raise CommandError(error.message) from error
