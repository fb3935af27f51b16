"""The register of agents."""

from __future__ import annotations

from typing import Any

import pytest

from groups.agents import registry
from groups.models import Agent, Group
from tests.dashboard.conftest import Browser
from tests.factories import make_agent

GIVEN = {
    "agent_id": "nia",
    "name": "Nia",
    "description": "Counts at night.",
    "kind": "builtin",
    "skill": "collector",
    "config": '{"pace": 0.25}',
    "max_concurrency": "3",
}


def test_the_list(
    harbour: Group, outsider: Browser, nobody: Browser, django_assert_max_num_queries: Any
) -> None:
    assert nobody.get("/agents/").status_code == 302
    for n in range(10):
        make_agent(agent_id=f"a{n}")
    with django_assert_max_num_queries(4):
        page = outsider.get("/agents/").content.decode()
    assert 'id="agent-lena"' in page
    assert "rule-based" in page
    rows = outsider.get("/fragments/agents/", htmx=True).content.decode()
    assert 'id="agent-a9"' in rows
    assert "<html" not in rows


def test_groups_that_one_may_not_see_are_not_counted(
    harbour: Group, outsider: Browser, viewer: Browser
) -> None:
    def of_lena(browser: Browser) -> str:
        page: str = browser.get("/fragments/agents/", htmx=True).content.decode()
        row = page[page.index('id="agent-lena"') :]
        return row[: row.index("</li>")]

    assert "1 group<" in of_lena(viewer)
    assert "0 groups<" in of_lena(outsider)


def test_a_new_kind_needs_nothing_but_its_entries(
    outsider: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = registry.KINDS["builtin"]
    for kind in ("oracle", "nameless"):
        monkeypatch.setitem(registry.KINDS, kind, maker)
        make_agent(agent_id=f"the-{kind}", kind=kind)
    monkeypatch.setitem(registry.WORDS, "oracle", registry.Words("divine", "an oracle (ask once)"))
    form = outsider.get("/new/agent/").content.decode()
    assert '<option value="oracle">an oracle (ask once)</option>' in form
    assert '<option value="nameless">nameless</option>' in form
    rows = outsider.get("/fragments/agents/", htmx=True).content.decode()
    assert '<span class="kind">divine</span>' in rows
    assert '<span class="kind">nameless</span>' in rows


def test_registering(outsider: Browser, nobody: Browser) -> None:
    assert nobody.post("/new/agent/", GIVEN).status_code == 302
    assert outsider.get("/new/agent/").status_code == 200
    assert outsider.post("/new/agent/", GIVEN)["Location"] == "/agents/nia/"
    agent = Agent.objects.get(agent_id="nia")
    assert agent.config == {"skill": "collector", "pace": 0.25}
    assert (agent.name, agent.max_concurrency) == ("Nia", 3)


@pytest.mark.parametrize(
    ("change", "beside", "status"),
    [
        ({"agent_id": ""}, "agent_id", 400),
        ({"agent_id": "a b"}, "agent_id", 400),
        ({"agent_id": "system"}, "agent_id", 400),
        ({"agent_id": "lena"}, "agent_id", 409),
        ({"kind": "magic"}, "kind", 400),
        ({"skill": "juggler"}, "skill", 400),
        ({"config": "{"}, "config", 400),
        ({"config": "[1]"}, "config", 400),
        ({"config": '{"pace": "quick"}'}, "config", 400),
        ({"max_concurrency": "-1"}, "max_concurrency", 400),
    ],
)
def test_bad_input_stands_beside_the_field(
    change: dict[str, str], beside: str, status: int, harbour: Group, owner: Browser
) -> None:
    answer = owner.post("/new/agent/", GIVEN | change)
    assert answer.status_code == status
    assert f'id="id_{beside}_error"' in answer.content.decode()
    assert not Agent.objects.filter(agent_id="nia").exists()


def test_settings_that_are_not_json_are_answered_with_an_example(outsider: Browser) -> None:
    page = outsider.post("/new/agent/", GIVEN | {"config": "pace: 1"}).content.decode()
    assert "This is not JSON. Write it like this: {&quot;pace&quot;: 0.25}" in page


def test_changing_is_for_whoever_registered_it(owner: Browser, outsider: Browser) -> None:
    owner.post("/new/agent/", GIVEN)
    page = owner.get("/agents/nia/").content.decode()
    assert "&quot;pace&quot;: 0.25" in page
    assert '<option value="collector" selected>' in page
    assert "disabled" in outsider.get("/agents/nia/").content.decode()
    changed = GIVEN | {"skill": "analyzer", "config": "{}", "name": "N."}
    assert outsider.post("/agents/nia/", changed).status_code == 403
    assert owner.post("/agents/nia/", changed)["Location"] == "/agents/"
    agent = Agent.objects.get(agent_id="nia")
    assert (agent.name, agent.config) == ("N.", {"skill": "analyzer"})
    refused = owner.post("/agents/nia/", changed | {"config": "no"})
    assert refused.status_code == 400
    assert 'id="id_config_error"' in refused.content.decode()


def test_removing(harbour: Group, ada: Any, owner: Browser, outsider: Browser) -> None:
    Agent.objects.filter(agent_id="wim").update(created_by=ada)
    owner.post("/new/agent/", GIVEN)
    assert outsider.post("/agents/nia/remove/").status_code == 403
    assert owner.post("/agents/nia/remove/")["Location"] == "/agents/"
    assert not Agent.objects.filter(agent_id="nia").exists()
    used = owner.post("/agents/wim/remove/")
    assert used.status_code == 409
    assert "member of a group" in used.content.decode()
