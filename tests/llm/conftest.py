"""A model server per test, and requests to agents that use it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.llm.stub import Stub


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A server that answers as the test says."""
    server = Stub().start()
    yield server
    server.stop()
