"""A group with an agent elsewhere, and an engine that hears the doorbell at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pytest_django import Settings

from groups import queue
from groups.models import Agent, Group
from groups.services import secrets
from tests.engine.conftest import Doorbell, script
from tests.engine.scripted import Scripted
from tests.factories import make_agent, make_group, make_user

__all__ = ["script"]

#: Makes agents: id, kind, config and secrets.
Register = Callable[..., Agent]


@pytest.fixture
def crew(transactional_db: None, script: Scripted, settings: Settings) -> Group:
    """lena leads wim; both are scripted until a test registers them otherwise."""
    settings.STARS_WEBHOOK_ALLOWED = ["127.0.0.1"]
    settings.STARS_PUBLIC_URL = "http://testserver"
    for agent_id in ("lena", "wim"):
        make_agent(agent_id=agent_id, kind="scripted")
    return make_group(
        group_id="Crew", owner=make_user(username="ada"), leader="lena", workers=("wim",)
    )


@pytest.fixture
def doorbell(crew: Group, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doorbell]:
    """Bells without a broker; its engines are stopped at the end."""
    bell = Doorbell()
    monkeypatch.setattr(queue, "_send", bell.send)
    bell.engine()
    yield bell
    for engine in bell.engines:
        engine.shutdown(0)


@pytest.fixture
def become(crew: Group) -> Register:
    """Make a member of the group an agent elsewhere."""

    def change(agent_id: str, kind: str, config: dict[str, object], **keys: str) -> Agent:
        agent = Agent.objects.get(agent_id=agent_id)
        agent.kind, agent.config = kind, config
        agent.secrets = secrets.seal(keys, agent.pk)
        agent.save()
        return agent

    return change
