"""A group of scripted agents, engines that hear the doorbell at once, and the bells that were rung."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from groups import queue
from groups.agents import registry
from groups.engine.engine import Engine
from groups.models import Group
from tests.engine.scripted import Scripted
from tests.factories import make_agent, make_group, make_user


class Doorbell:
    """In the place of the broker: the first engine hears every bell, unless the bells are lost."""

    def __init__(self) -> None:
        self.engines: list[Engine] = []
        self.lost = False
        self.rung: list[uuid.UUID] = []

    def send(self, name: str, **kwargs: Any) -> None:
        """In place of `queue._send`."""
        if name == queue.DRIVE:
            ids = [uuid.UUID(run_id) for run_id in kwargs["run_ids"]]
            self.rung += ids
            if not self.lost:
                for engine in self.engines:
                    engine.drive(ids)

    def engine(self) -> Engine:
        """One more engine that hears it."""
        engine = Engine()
        engine.start()
        self.engines.append(engine)
        return engine


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    """What the agents of the group do."""
    scripted = Scripted()
    monkeypatch.setitem(registry.KINDS, "scripted", lambda: scripted)
    registry.runtime.cache_clear()
    yield scripted
    registry.runtime.cache_clear()


@pytest.fixture
def crew(transactional_db: None, script: Scripted) -> Group:
    """lena leads wim and wes; all three are scripted."""
    for agent_id in ("lena", "wim", "wes"):
        make_agent(agent_id=agent_id, kind="scripted")
    owner = make_user(username="ada")
    return make_group(group_id="Crew", owner=owner, leader="lena", workers=("wim", "wes"))


@pytest.fixture
def doorbell(crew: Group, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doorbell]:
    """Bells without a broker; its engines are stopped at the end."""
    bell = Doorbell()
    monkeypatch.setattr(queue, "_send", bell.send)
    yield bell
    for engine in bell.engines:
        engine.shutdown(0)


@pytest.fixture
def engine(doorbell: Doorbell) -> Engine:
    """The one engine of most tests."""
    return doorbell.engine()
