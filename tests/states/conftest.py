"""Managers on stores: one in memory for what the manager decides, and one on each persistence layer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.persistence.backends import Backend
from tests.persistence.conftest import backend, durable_redis
from tests.states.build import LENA, Office
from tests.states.stepping import Session

__all__ = ["backend", "durable_redis", "office", "pair", "quick"]


@pytest.fixture
def office(backend: Backend) -> Iterator[Office]:
    """An office on every persistence layer in turn."""
    found = Office(backend)
    yield found
    found.close()


@pytest.fixture
def quick() -> Iterator[Office]:
    """An office on memory."""
    store = Backend("memory", "", bytes)
    found = Office(store)
    yield found
    found.close()
    store.close()


@pytest.fixture
def pair(office: Office) -> tuple[Session, Session]:
    """Two processes, and a state between them."""
    one, two = Session(office), Session(office)
    one.manager.create_state(LENA, "plan", data={"a": 0, "b": 0})
    return one, two
