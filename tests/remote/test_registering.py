"""Registering agents elsewhere: what would fail at their first work is refused at its field."""

from __future__ import annotations

import pytest

from groups.models import Agent
from groups.services import agents
from state.errors import Invalid
from tests.remote.receiver import SECRET

pytestmark = pytest.mark.django_db

URL = "https://hook.example/"


@pytest.mark.parametrize("secret", ["lobster", "whsec_lobster", "whsec_bG9ic3Rlcg==", SECRET[6:]])
def test_a_secret_that_cannot_sign_is_refused_and_not_quoted(secret: str) -> None:
    with pytest.raises(Invalid) as refusal:
        agents.register(
            actor=None,
            agent_id="wim",
            kind="webhook",
            config={"url": URL},
            secrets={"secret": secret},
        )
    assert refusal.value.fields.keys() == {"secrets.secret"}
    assert secret not in str(refusal.value.fields)
    assert not Agent.objects.exists()


def test_one_that_can_is_taken_and_any_token_of_a2a() -> None:
    for kind, config, secrets in (
        ("webhook", {"url": URL}, {"secret": f" {SECRET} "}),
        ("a2a", {"card_url": URL}, {"token": "lobster"}),
    ):
        agent = agents.register(
            actor=None, agent_id=f"by-{kind}", kind=kind, config=config, secrets=secrets
        )
        assert agents.secret_names(agent) == sorted(secrets)
