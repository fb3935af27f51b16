"""The register of agents."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from django.utils import timezone

from groups.agents import registry
from groups.models import Agent, DialIn, Group, Member, Spending, Subtask
from groups.services import credentials
from tests.dashboard.conftest import Browser
from tests.factories import make_agent, make_group, make_run

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
    with django_assert_max_num_queries(9):
        page = outsider.get("/agents/").content.decode()
    assert 'id="agent-lena"' in page
    assert "rule-based" in page
    rows = outsider.get("/agents/", htmx=True).content.decode()
    assert 'id="agent-a9"' in rows
    assert "<html" not in rows


def test_groups_that_one_may_not_see_are_not_counted(
    harbour: Group, outsider: Browser, viewer: Browser
) -> None:
    def of_lena(browser: Browser) -> str:
        page: str = browser.get("/agents/", htmx=True).content.decode()
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
    rows = outsider.get("/agents/", htmx=True).content.decode()
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
    page = owner.get("/agents/nia/settings/").content.decode()
    assert "&quot;pace&quot;: 0.25" in page
    assert '<option value="collector" selected>' in page
    assert "disabled" in outsider.get("/agents/nia/settings/").content.decode()
    changed = GIVEN | {"skill": "analyzer", "config": "{}", "name": "N."}
    assert outsider.post("/agents/nia/settings/", changed).status_code == 403
    assert owner.post("/agents/nia/settings/", changed)["Location"] == "/agents/nia/"
    agent = Agent.objects.get(agent_id="nia")
    assert (agent.name, agent.config) == ("N.", {"skill": "analyzer"})
    refused = owner.post("/agents/nia/settings/", changed | {"config": "no"})
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


def make_subtask(group: Group, agent_id: str, status: str, **fields: Any) -> Subtask:
    """A subtask of a run of its own that ended now, if it has."""
    ended = timezone.now() if status in ("completed", "failed") else None
    return Subtask.objects.create(
        run=make_run(group=group, task=f"Task of {group.id}"),
        key="a",
        kind="work",
        title=f"Work in {group.id}",
        assignee=agent_id,
        agent_id=agent_id,
        status=status,
        started_at=timezone.now(),
        finished_at=ended,
        **fields,
    )


def ids(browser: Browser, query: str = "") -> list[str]:
    """The agents that the register shows for that query, in its order."""
    page: str = browser.get(f"/agents/{query}", htmx=True).content.decode()
    return re.findall(r'<li class="agent-row" id="agent-([^"]+)"', page)


@pytest.fixture
def fleet(harbour: Group) -> Group:
    """lena fails, wes works, wim is idle; dora dials in and is away, mo is a model that nobody tried."""
    for n, status in enumerate(["completed", "failed"]):
        make_subtask(harbour, "lena", status, error="Out of ink" if n else "")
    lease = {"lease_token": uuid.uuid4(), "lease_until": timezone.now()}
    make_subtask(harbour, "wes", "running", **lease)
    Agent.objects.filter(agent_id="wes").update(max_concurrency=2)
    make_agent(agent_id="dora", kind="connected", name="Dora the diver")
    make_agent(agent_id="mo", kind="llm", description="Knows tides")
    Member.objects.filter(agent__agent_id="wim").update(tags=["swift"])
    now = timezone.now()
    Spending.objects.create(agent_id="mo", at=now, input_tokens=70, output_tokens=5, cost_usd=0.5)
    return harbour


def test_the_register_is_searched_filtered_and_put_in_order(fleet: Group, viewer: Browser) -> None:
    assert ids(viewer) == ["dora", "lena", "mo", "wes", "wim"]
    assert ids(viewer, "?q=DIVER") == ["dora"]
    assert ids(viewer, "?q=tides+knows") == ["mo"]
    assert ids(viewer, "?kind=builtin") == ["lena", "wes", "wim"]
    assert ids(viewer, "?health=away") == ["dora"]
    assert ids(viewer, "?health=failing") == ["lena"]
    assert ids(viewer, "?health=unknown") == ["mo"]
    assert ids(viewer, "?health=good") == ["wes", "wim"]
    assert ids(viewer, "?tag=swift") == ["wim"]
    assert ids(viewer, "?order=health") == ["dora", "lena", "mo", "wes", "wim"]
    assert ids(viewer, "?order=load")[0] == "wes"
    assert ids(viewer, "?order=cost")[0] == "mo"
    assert ids(viewer, "?order=lately&kind=&page=99")[0] == "lena"
    assert ids(viewer, "?order=none&page=x&health=odd") == []


def test_tags_of_groups_that_one_may_not_see_are_not_shown(fleet: Group, outsider: Browser) -> None:
    assert "swift" not in outsider.get("/agents/").content.decode()
    assert ids(outsider, "?tag=swift") == []


def test_an_agent_that_dialled_in_or_was_tested_is_well(fleet: Group, viewer: Browser) -> None:
    dora = Agent.objects.get(agent_id="dora")
    row, _text = credentials.make(actor=None, agent=dora)
    now = timezone.now()
    DialIn.objects.create(agent=dora, credential=row, parallel=3, seen_at=now)
    Agent.objects.filter(agent_id="mo").update(ability={"ok": True}, tested_at=now)
    assert {"dora", "mo"} <= set(ids(viewer, "?health=good"))
    page = viewer.get("/agents/dora/").content.decode()
    assert "1 program of it is connected." in page
    assert "0 of 3" in page
    Agent.objects.filter(agent_id="mo").update(ability={"ok": False, "checks": []})
    assert ids(viewer, "?health=away") == ["mo"]


def test_pages_of_the_register(harbour: Group, viewer: Browser) -> None:
    for n in range(60):
        make_agent(agent_id=f"n{n:02}")
    assert len(ids(viewer)) == 50
    page = viewer.get("/agents/?kind=builtin&q=").content.decode()
    assert 'rel="next" href="/agents/?kind=builtin&amp;page=2"' in page
    assert len(ids(viewer, "?kind=builtin&page=2")) == 13


def test_the_overview_shows_what_one_may_see(
    fleet: Group, viewer: Browser, outsider: Browser, cy: Any, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(14):
        page = viewer.get("/agents/lena/").content.decode()
    assert "1 of the 2 subtasks of the last day failed." in page
    assert "Work in Harbour" in page
    assert "Out of ink" in page
    hidden = outsider.get("/agents/lena/").content.decode()
    assert "Harbour" not in hidden
    assert "Out of ink" not in hidden
    other = make_group(group_id="Quay", owner=cy, leader="lena")
    for _ in range(20):
        make_subtask(other, "lena", "completed")
    assert "Work in Quay" not in viewer.get("/agents/lena/").content.decode()
    with django_assert_max_num_queries(14):
        mine = outsider.get("/agents/lena/", htmx=True).content.decode()
    assert "Work in Quay" in mine
    assert "<html" not in mine
    assert "$0.50" in viewer.get("/agents/mo/").content.decode()


def test_queries_of_the_register_are_constant(
    fleet: Group, viewer: Browser, django_assert_max_num_queries: Any
) -> None:
    for n in range(30):
        make_agent(agent_id=f"m{n}", kind="connected")
        make_subtask(fleet, f"m{n}", "completed")
    with django_assert_max_num_queries(9):
        viewer.get("/agents/?order=health")


def test_persons_are_not_talked_to_but_one_learns_who_would_see_it(viewer: Browser) -> None:
    make_agent(agent_id="mia", kind="human", config={"user": "mia.m"})
    make_agent(agent_id="bot")
    assert "inbox of mia.m" in viewer.get("/agents/mia/talk/").content.decode()
    page = viewer.get("/agents/bot/talk/").content.decode()
    assert 'data-url="/api/v1/agents/bot/conversation/"' in page
    assert viewer.get("/agents/nobody/talk/").status_code == 404


def test_what_an_agent_answered_is_rendered_and_can_do_nothing(
    harbour: Group, viewer: Browser
) -> None:
    address = "/agents/wim/talk/answer/"
    assert viewer.get(address).status_code in (302, 303, 405)

    def shown(value: object) -> Any:
        body = json.dumps({"text": value})
        return viewer.client.post(address, body, content_type="application/json")

    html = shown("- **words**: 3\n- <script>alert(1)</script>").json()["html"]
    assert "<li><strong>words</strong>: 3</li>" in html
    assert "<script" not in html
    assert shown(7).status_code == 400
    assert viewer.client.post("/agents/nobody/talk/answer/", {}).status_code == 404
