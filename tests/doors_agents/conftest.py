"""A real server of the site on a port of its own, a group of scripted agents that work, and tokens to knock with."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from django.contrib.auth.models import User
from django.db import connections

from groups import queue
from groups.agents import registry
from groups.models import Group
from stars_site.asgi import application
from tests.engine.conftest import Doorbell
from tests.engine.scripted import Scripted
from tests.factories import make_agent, make_group, make_token, make_user


class Site:
    """The site in a thread, over real sockets."""

    def __init__(self) -> None:
        config = uvicorn.Config(
            application, port=0, lifespan="off", ws="none", log_level="error", access_log=False
        )
        self._server = uvicorn.Server(config)
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.url = ""

    def start(self) -> None:
        """Serve, and return when it does."""
        self._thread.start()
        assert self._started.wait(10)

    def stop(self) -> None:
        """End all connections and wait until everything is given back."""
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(20)

    async def _serve(self) -> None:
        serving = asyncio.create_task(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.01)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._started.set()
        await serving
        await asyncio.to_thread(connections.close_all)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """What the agents of the group do."""
    scripted = Scripted()
    monkeypatch.setitem(registry.KINDS, "scripted", lambda: scripted)
    registry.runtime.cache_clear()
    yield scripted
    registry.runtime.cache_clear()


@pytest.fixture
def owner(transactional_db: None) -> User:
    """Ada, who owns the group."""
    return make_user(username="ada")


@pytest.fixture
def crew(owner: User, script: Scripted) -> Group:
    """lena leads wim and wes; all three are scripted."""
    for agent_id in ("lena", "wim", "wes"):
        make_agent(agent_id=agent_id, kind="scripted")
    return make_group(group_id="Crew", owner=owner, leader="lena", workers=("wim", "wes"))


@pytest.fixture
def token(owner: User) -> str:
    """Ada's API token."""
    return make_token(user=owner)


@pytest.fixture
def site(crew: Group, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The site, whose bells an engine hears."""
    bell = Doorbell()
    monkeypatch.setattr(queue, "_send", bell.send)
    engine = bell.engine()
    served = Site()
    served.start()
    yield served
    served.stop()
    engine.shutdown(0)
