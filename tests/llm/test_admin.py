"""Keys in the admin: not there."""

from __future__ import annotations

import pytest
from django.test import Client

from groups.services import agents
from tests.llm.asking import KEY


@pytest.mark.django_db
def test_the_admin_shows_neither_a_key_nor_what_is_kept_of_it(admin_client: Client) -> None:
    nia = agents.register(
        actor=None,
        agent_id="nia",
        kind="llm",
        config={"model": "openai:gpt-5-mini"},
        secrets={"api_key": KEY},
    )
    change = f"/admin/groups/agent/{nia.pk}/change/"
    for address in ("/admin/groups/agent/", change, f"/admin/groups/agent/{nia.pk}/history/"):
        answer = admin_client.get(address)
        shown = answer.content.decode()
        assert answer.status_code == 200 and "nia" in shown
        assert KEY not in shown and bytes(nia.secrets or b"").hex() not in shown
    assert b'name="secrets"' not in admin_client.get(change).content
