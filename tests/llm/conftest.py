"""A model server per test, and requests to agents that use it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.llm.stub import Stub


@pytest.fixture
def stub(settings: Any) -> Iterator[Stub]:
    """A server that answers as the test says; the operator lets agents' owners name it."""
    settings.STARS_WEBHOOK_ALLOWED = ["127.0.0.1"]
    server = Stub().start()
    yield server
    server.stop()
