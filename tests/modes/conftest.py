"""A group of built-in agents of every role, and an engine that hears the doorbell at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from groups import queue
from groups.engine.engine import Engine
from groups.models import Agent, Group, Member, Role
from tests.engine.conftest import Doorbell
from tests.factories import make_agent, make_group, make_user


@pytest.fixture
def ada(transactional_db: None) -> User:
    """Owns the group."""
    return make_user(username="ada")


@pytest.fixture
def crew(ada: User) -> Group:
    """lena leads wim and wes; cora coordinates, spec knows the law, otto looks on. All are built in."""
    skills = {"lena": "leader", "wim": "collector", "wes": "analyzer"}
    for agent_id in ("lena", "wim", "wes", "cora", "spec", "otto"):
        make_agent(agent_id=agent_id, config={"skill": skills.get(agent_id, "digest")})
    group = make_group(group_id="Crew", owner=ada, leader="lena", workers=("wim", "wes"))
    roles = {"cora": Role.COORDINATOR, "spec": Role.SPECIALIST, "otto": Role.OBSERVER}
    for agent_id, role in roles.items():
        agent = Agent.objects.get(agent_id=agent_id)
        Member.objects.create(group=group, agent=agent, role=role, tags=["law"])
    return group


def teach(agent_id: str, **script: Any) -> None:
    """Let the agent follow this script."""
    agent = Agent.objects.get(agent_id=agent_id)
    agent.config = agent.config | {"script": script}
    agent.save(update_fields=["config"])


@pytest.fixture
def engine(crew: Group, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The one engine; it is stopped at the end."""
    bell = Doorbell()
    monkeypatch.setattr(queue, "_send", bell.send)
    yield bell.engine()
    for each in bell.engines:
        each.shutdown(0)
