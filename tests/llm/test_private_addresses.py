"""Where a model's server may be: strangers' names lead nowhere within, and what is within an administrator names."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from django.contrib.auth.models import User

from groups.agents.base import AgentError
from groups.agents.llm import provider
from groups.agents.llm.config import parse_config
from groups.execution.statuses import SubtaskKind
from groups.services import agents
from state.errors import Invalid
from tests.factories import make_user
from tests.llm.asking import config, heard, request
from tests.llm.stub import Stub, text

WITHIN = (
    "http://127.0.0.1:11434/v1",
    "http://127.0.0.1.:11434/v1",
    "http://localhost/v1",
    "http://[::1]:80/v1",
    "http://[::ffff:10.0.0.8]/v1",
    "http://169.254.169.254/latest",
    "http://ollama:11434/v1",
    "http://models.internal/v1",
)


def names(monkeypatch: pytest.MonkeyPatch, *meanings: str) -> None:
    """What models.example.org stands for, at one look after the other."""
    left = list(meanings)

    def found(host: str, port: int, **_: Any) -> list[Any]:
        ip = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.mark.parametrize("url", WITHIN)
def test_an_address_within_is_an_administrators_to_name(ada: User, url: str) -> None:
    given: dict[str, Any] = {"kind": "llm", "config": {"model": "m", "base_url": url}}
    with pytest.raises(Invalid) as refusal:
        agents.register(actor=ada, agent_id="nia", **given)
    assert refusal.value.fields.keys() == {"config.base_url"}
    nia = agents.register(actor=ada, agent_id="nia", kind="llm", config={"model": "openai:m"})
    with pytest.raises(Invalid):
        agents.change(actor=ada, agent=nia, config=given["config"])
    root = make_user(username="root", is_superuser=True)
    agents.change(actor=root, agent=nia, config=given["config"])
    # Its owner may go on changing the rest.
    agents.change(actor=ada, agent=nia, config=given["config"] | {"retries": 1})


def test_the_operator_may_allow_an_address_within_to_all(ada: User, settings: Any) -> None:
    settings.STARS_WEBHOOK_ALLOWED = ["127.0.0.0/8", "ollama"]
    for number, url in enumerate(("http://127.0.0.1:11434/v1", "http://ollama:11434/v1")):
        given = {"model": "m", "base_url": url}
        agents.register(actor=ada, agent_id=f"nia{number}", kind="llm", config=given)


async def test_a_strangers_name_that_leads_within_is_not_asked(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub.answer = lambda body: text("Nine ships.")
    at = stub.url.replace("127.0.0.1", "models.example.org")
    names(monkeypatch, "127.0.0.1")
    with pytest.raises(AgentError, match="not a public address"):
        await heard(request(SubtaskKind.WORK, config(at)))
    # Public at the first look, within at the next.
    names(monkeypatch, "93.184.216.34", "127.0.0.1")
    with pytest.raises(AgentError):
        await heard(request(SubtaskKind.WORK, config(at)))
    assert not stub.bodies
    async with provider.opened(parse_config(config(at)), {}, ["models.example.org"]):
        pass
