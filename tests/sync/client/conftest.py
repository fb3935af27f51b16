"""A server that does as it is told, and clients of it that do not wait long."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

import pytest

from state.sync.client import Backoff, StarsClient
from tests.sync.client.server import Server, running

Connect: TypeAlias = Callable[..., StarsClient]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    """Listening, with a plan and two notes."""
    found = Server()
    found.world.put("plan", {"goal": "harbour", "done": 0})
    found.world.put("notes/1", {"text": "one"})
    found.world.put("notes/2", {"text": "two"})
    async with running(found):
        yield found


@pytest.fixture
def connect(server: Server) -> Connect:
    """Makes clients of it."""

    def make(**more: Any) -> StarsClient:
        chosen = {"space": "lab", "agent": "wim", "token": "t0k", "backoff": Backoff(0.01, 0.05)}
        return StarsClient(server.url, **{**chosen, **more})

    return make
