"""Grants and tool servers on the API, the pages and the admin; secrets go in and never out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from groups.models import Agent, ToolServer
from groups.services import tool_servers
from tests.dashboard.conftest import Browser
from tests.factories import make_agent, make_user
from tests.tools.mcp_server import serve

URL = "/api/v1/tool-servers/"
GIVEN = {"name": "harbour", "url": "https://mcp.example.org/mcp", "secrets": {"X-Key": "pearls-9"}}


def api(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def root(db: None) -> User:
    return make_user(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def harbour_server(ada: User) -> ToolServer:
    return tool_servers.register(actor=ada, **GIVEN)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serve() as url:
        yield url


def test_a_server_is_registered_and_its_secrets_are_never_told(ada: User, cy: User) -> None:
    made = api(ada).post(URL, GIVEN, format="json")
    assert made.status_code == 201 and made["Location"].endswith("/tool-servers/harbour/")
    assert made.json()["secrets"] == ["X-Key"]
    for answer in (made, api(cy).get(URL), api(cy).get(f"{URL}harbour/")):
        assert "pearls" not in answer.content.decode()
    row = ToolServer.objects.get(name="harbour")
    assert row.secrets is not None and b"pearls" not in bytes(row.secrets)
    assert tool_servers.opened("harbour").secrets == {"X-Key": "pearls-9"}
    assert "pearls" not in repr(tool_servers.opened("harbour"))
    again = api(cy).post(URL, GIVEN, format="json")
    assert again.status_code == 409 and again.json()["reason"] == "tool_server_exists"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"url": "ftp://x.org"}, "url"),
        ({"url": "http://localhost/mcp"}, "url"),
        ({"url": "http://10.0.0.8/mcp"}, "url"),
        ({"url": ""}, "url"),
        ({"command": ["sh"]}, "url"),
        ({"url": "", "command": ["sh", "-c", "id"]}, "command"),
        ({"secrets": {"a b": "x"}}, "secrets"),
        ({"secrets": {"a": "x\r\nHost: y"}}, "secrets"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_a_server_is_refused_at_its_field(
    ada: User, change: dict[str, Any], field: str
) -> None:
    answer = api(ada).post(URL, GIVEN | change, format="json")
    assert answer.status_code == 400 and field in answer.json()["errors"]
    assert not ToolServer.objects.exists()


def test_commands_are_for_administrators_where_the_operator_allows_them(
    ada: User, root: User, settings: Any
) -> None:
    given = {"name": "pipe", "command": [sys.executable, "-m", "tests.tools.mcp_server"]}
    assert api(root).post(URL, given, format="json").status_code == 400
    settings.STARS_ALLOW_COMMANDS = True
    assert api(ada).post(URL, given, format="json").status_code == 400
    assert api(root).post(URL, given, format="json").status_code == 201
    found = api(root).post(f"{URL}pipe/test/").json()["tools"]
    assert "mcp:pipe/add" in [tool["name"] for tool in found]


def test_others_see_a_server_but_neither_change_nor_try_nor_grant_it(
    ada: User, cy: User, harbour_server: ToolServer
) -> None:
    client = api(cy)
    assert client.get(f"{URL}harbour/").status_code == 200
    assert (
        client.patch(f"{URL}harbour/", {"url": "https://x.org/"}, format="json").status_code == 403
    )
    assert client.post(f"{URL}harbour/test/").status_code == 403
    assert client.delete(f"{URL}harbour/").status_code == 403
    body = {"agent_id": "spy", "grants": [{"tool": "mcp:harbour"}]}
    refused = client.post("/api/v1/agents/", body, format="json")
    assert refused.status_code == 400 and "grants[0].tool" in refused.json()["errors"]
    assert api(ada).post("/api/v1/agents/", body, format="json").status_code == 201


def test_a_granted_tool_can_be_kept_or_given_up_but_not_be_made_more_of(
    ada: User, cy: User, harbour_server: ToolServer
) -> None:
    given = {"tool": "mcp:harbour/add", "approval": True}
    make_agent(agent_id="nia", created_by=cy, grants=[given])
    for more in ([given, {"tool": "mcp:harbour/shout"}], [{"tool": "mcp:harbour"}]):
        refused = api(cy).patch("/api/v1/agents/nia/", {"grants": more}, format="json")
        assert refused.status_code == 400 and "harbour" in str(refused.json()["errors"])
    unasked = [{"tool": "mcp:harbour/add"}]
    assert (
        api(cy).patch("/api/v1/agents/nia/", {"grants": unasked}, format="json").status_code == 400
    )
    assert Agent.objects.get(agent_id="nia").grants == [given]
    kept = [given, {"tool": "calculator"}]
    assert api(cy).patch("/api/v1/agents/nia/", {"grants": kept}, format="json").status_code == 200


def test_another_address_forgets_the_secrets_of_the_old_one(
    ada: User, harbour_server: ToolServer
) -> None:
    client = api(ada)
    kept = client.patch(f"{URL}harbour/", {"secrets": {"B": "2"}}, format="json").json()
    assert kept["secrets"] == ["B", "X-Key"]
    moved = client.patch(f"{URL}harbour/", {"url": "https://thief.example/"}, format="json").json()
    assert moved["secrets"] == []


def test_a_server_that_is_granted_stays_until_the_grants_are_taken_back(
    ada: User, harbour_server: ToolServer
) -> None:
    make_agent(agent_id="nia", created_by=ada, grants=[{"tool": "mcp:harbour/add"}])
    client = api(ada)
    refused = client.delete(f"{URL}harbour/")
    assert refused.status_code == 409 and "nia" in refused.json()["detail"]
    client.patch("/api/v1/agents/nia/", {"grants": []}, format="json")
    assert client.delete(f"{URL}harbour/").status_code == 204


def test_a_test_lists_the_tools_or_says_what_is_wrong(
    ada: User, address: str, settings: Any
) -> None:
    settings.STARS_WEBHOOK_ALLOWED = ["127.0.0.1"]
    client = api(ada)
    client.post(URL, {"name": "near", "url": address}, format="json")
    tools = client.post(f"{URL}near/test/").json()["tools"]
    assert {"mcp:near/add", "mcp:near/shout"} <= {tool["name"] for tool in tools}
    client.post(URL, {"name": "gone", "url": "http://127.0.0.1:1/mcp"}, format="json")
    away = client.post(f"{URL}gone/test/")
    assert away.status_code == 503 and "'gone' cannot be used" in away.json()["detail"]


def test_an_agents_tools_are_marked_on_its_page(ada: User, cy: User) -> None:
    kept = {"tool": "table.query", "timeout": 90.0}
    make_agent(agent_id="nia", created_by=ada, grants=[kept])
    page = Browser(ada).get("/agents/nia/tools/").content.decode()
    assert 'value="table.query" id="id_tools_9" checked' in page
    assert "/agents/nia/tools/" in Browser(ada).get("/agents/nia/").content.decode()
    given = {
        "tools": ["table.query", "web.fetch"],
        "approval": ["web.fetch"],
        "hosts": "example.org\n*.example.net",
    }
    assert Browser(cy).post("/agents/nia/tools/", given).status_code == 403
    assert Browser(ada).post("/agents/nia/tools/", given).status_code == 303
    assert Agent.objects.get(agent_id="nia").grants == [
        kept,
        {"tool": "web.fetch", "approval": True, "hosts": ["example.org", "*.example.net"]},
    ]
    refused = Browser(ada).post("/agents/nia/tools/", given | {"hosts": "http://x/"}, htmx=True)
    assert refused.status_code == 400
    assert 'id="id_hosts_error"' in refused.content.decode()


def test_servers_are_registered_tried_and_removed_on_their_pages(
    ada: User, cy: User, address: str, settings: Any
) -> None:
    settings.STARS_WEBHOOK_ALLOWED = ["127.0.0.1"]
    browser = Browser(ada)
    given = {"name": "near", "url": address, "command": "", "secrets": '{"X-Key": "pearls-9"}'}
    refused = browser.post("/new/tool-server/", given | {"url": "nowhere"})
    assert refused.status_code == 400 and 'id="id_url_error"' in refused.content.decode()
    assert browser.post("/new/tool-server/", given)["Location"] == "/tool-servers/near/"
    page = browser.get("/tool-servers/near/").content.decode()
    assert "X-Key" in page and "pearls" not in page
    assert "mcp:near/add" in browser.post("/tool-servers/near/test/").content.decode()
    assert Browser(cy).get("/tool-servers/near/").status_code == 403
    assert "near" in Browser(cy).get("/tool-servers/").content.decode()
    assert browser.post("/tool-servers/near/remove/")["Location"] == "/tool-servers/"
    assert "No tool servers yet" in browser.get("/tool-servers/").content.decode()


def test_servers_in_the_admin(root: User) -> None:
    client = Client()
    client.force_login(root)
    base = "/admin/groups/toolserver/"
    given = {
        "name": "h",
        "url": "https://mcp.example.org/",
        "command": "",
        "new_secrets": '{"K": "pearls-9"}',
    }
    refused = client.post(f"{base}add/", given | {"url": "http://10.0.0.1/"})
    assert refused.status_code == 200 and "not a public address" in refused.content.decode()
    assert client.post(f"{base}add/", given).status_code == 302
    row = ToolServer.objects.get(name="h")
    assert "pearls" not in client.get(f"{base}{row.pk}/change/").content.decode()
    assert client.get(base).status_code == 200
    client.post(f"{base}{row.pk}/change/", {"url": row.url, "command": "[]", "new_secrets": ""})
    assert tool_servers.opened("h").secrets == {"K": "pearls-9"}
    client.post(f"{base}{row.pk}/delete/", {"post": "yes"})
    assert not ToolServer.objects.exists()


def test_a_tool_is_described_to_models_in_full(ada: User) -> None:
    from groups.agents.tools.catalogue import TOOLS
    from groups.forms.tools import WORDS

    assert set(WORDS) == set(TOOLS)
    for tool in TOOLS.values():
        assert tool.spec.description.endswith(".")
