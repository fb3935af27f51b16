"""A site on a real port in this process, agents that dial in, and engines that have work for them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn

from groups import queue
from groups.models import Agent, Group
from groups.services import credentials
from stars_site.asgi import application
from tests.dialin.process import Address
from tests.engine.conftest import Doorbell
from tests.factories import make_agent, make_group, make_user


@pytest.fixture
def server(transactional_db: None) -> Iterator[str]:
    """The site's websockets on a port of their own; the address they begin with."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        application,
        lifespan="off",
        log_config=None,
        ws="websockets-sansio",
        timeout_graceful_shutdown=1,
    )
    running = uvicorn.Server(config)

    def serve() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(running.serve([listening]))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"ws://127.0.0.1:{listening.getsockname()[1]}"
    running.should_exit = True
    thread.join(10)
    listening.close()


@pytest.fixture
def crew(transactional_db: None) -> Group:
    """lena, rule-based, leads dora and dirk, who dial in."""
    make_agent(agent_id="lena")
    for agent_id in ("dora", "dirk"):
        make_agent(agent_id=agent_id, kind="connected", config={"patience": 5.0, "grace": 8.0})
    owner = make_user(username="ada")
    return make_group(group_id="Crew", owner=owner, leader="lena", workers=("dora", "dirk"))


@pytest.fixture
def dora(crew: Group, server: str) -> Address:
    """Where dora dials in, and with what."""
    return address_of(server, "dora")


@pytest.fixture
def doorbell(crew: Group, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doorbell]:
    """Bells without a broker; its engines are stopped at the end."""
    bell = Doorbell()
    monkeypatch.setattr(queue, "_send", bell.send)
    bell.engine()
    yield bell
    for engine in bell.engines:
        engine.shutdown(0)


def address_of(server: str, agent_id: str) -> Address:
    """An address with a new credential."""
    agent = Agent.objects.get(agent_id=agent_id)
    row, text = credentials.make(actor=None, agent=agent)
    return Address(server, agent_id, text, row)
