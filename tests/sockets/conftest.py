"""What the test client of Channels leaves open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asgiref.sync import SyncToAsync
from django.db import connections


@pytest.fixture(autouse=True)
def _no_connection_is_left(db: None) -> Iterator[None]:
    """While that client waits for an answer nothing closes the database connection of coroutines' common thread."""
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result(5)
