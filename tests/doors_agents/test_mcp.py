"""The real `mcp` client of both eras uses groups as tools, over real sockets."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx2
import pytest
from channels.db import database_sync_to_async as in_db
from django.contrib.auth.models import User
from knox.models import AuthToken
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from groups.agents.base import Answered, Request, Waiting
from groups.doors.mcp import server
from groups.doors.mcp.resources import state_uri
from groups.doors.mcp.tool import TOOLS
from groups.models import Group, GroupAccess, Level, Message, Run, TokenGrant
from state import conf
from state.policy import Caller
from state.values import ConflictResolution
from tests.doors_agents.conftest import Site
from tests.engine.scripted import Gate, Scripted
from tests.factories import make_token, make_user

ERAS = ["legacy", "2026-07-28"]
MODERN = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/list",
}


@asynccontextmanager
async def client_of(site: Site, token: str, mode: str = "legacy") -> AsyncIterator[Client]:
    """The SDK's client of that era (`legacy`: initialize, 2025-11-25)."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
        transport = streamable_http_client(f"{site.url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


async def told(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """What the tool answers."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    found: dict[str, Any] = result.structured_content
    assert json.loads(result.content[0].text) == found  # type: ignore[union-attr]
    return found


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    """The words in which the tool refuses."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    return str(result.content[0].text)  # type: ignore[union-attr]


async def asking(request: Request) -> AsyncIterator[Any]:
    """An act that asks before it answers."""
    if request.answers:
        yield Answered(f"painted {request.answers[-1]}")
    else:
        yield Waiting(question="Which colour?")


@pytest.mark.parametrize("mode", ERAS)
async def test_a_run_is_started_asked_about_answered_and_read(
    site: Site, token: str, script: Scripted, mode: str
) -> None:
    script.acts["A"] = asking
    async with client_of(site, token, mode) as client:
        expected = "2025-11-25" if mode == "legacy" else mode
        assert client.protocol_version == expected
        listed = await client.list_tools()
        assert {each.name for each in listed.tools} == set(TOOLS)
        [group] = (await told(client, "list_groups"))["groups"]
        assert [member["id"] for member in group["members"]] == ["lena", "wim", "wes"]
        started = await told(client, "start_run", group="Crew", task="Count", approve_plan=True)
        run = started["run"]
        found = await told(client, "get_run", run=run, wait=20)
        assert found["status"] == "awaiting_approval" and found["plan"]["subtasks"]
        [plan] = (await told(client, "list_waiting", group="Crew"))["waiting"]
        assert plan["run"] == run and plan["plan"] == found["plan"]
        await told(client, "approve_plan", run=run)
        found = await told(client, "get_run", run=run, wait=20)
        [question] = found["waiting"]
        assert question["question"] == "Which colour?"
        [waiting] = (await told(client, "list_waiting"))["waiting"]
        assert waiting["subtask"] == question["subtask"]
        await told(client, "answer", run=run, subtask=question["subtask"], text="red")
        found = await told(client, "get_run", run=run, wait=20)
        assert (found["status"], found["waiting"]) == ("completed", [])
        assert "painted red" in found["result"]
        assert f"stars://runs/{run}" in [
            str(each.uri) for each in (await client.list_resources()).resources
        ]
        report = (await client.read_resource(f"stars://runs/{run}")).contents[0]
        assert "## A (wim: completed)" in report.text  # type: ignore[union-attr]
    kept = await in_db(Run.objects.get)(id=run)
    assert kept.origin == "mcp"


@pytest.mark.parametrize("mode", ERAS)
async def test_states_are_patched_by_version_and_conflicts_are_told_in_words(
    site: Site, token: str, crew: Group, mode: str
) -> None:
    @in_db
    def make() -> None:
        caller = Caller(space="Crew", name="human:ada", admin=True)
        document = {"count": 1, "ships": ["ada"]}
        strict = ConflictResolution.REJECT
        conf.manager().create_state(caller, "plan/a", data=document, resolution=strict)

    await make()
    async with client_of(site, token, mode) as client:
        assert [s["id"] for s in (await told(client, "list_states", group="Crew"))["states"]] == [
            "plan/a"
        ]
        where: dict[str, Any] = {"group": "Crew", "state": "plan/a"}
        seen = await told(client, "read_state", **where)
        assert seen["data"] == {"count": 1, "ships": ["ada"]}
        first = await told(
            client, "patch_state", **where, patch={"count": 2}, expected_version=seen["version"]
        )
        assert first["version"] == seen["version"] + 1
        pieces = [{"op": "add", "path": "/ships/-", "value": "bo"}]
        await told(client, "patch_state", **where, patch=pieces)
        stale = {**where, "expected_version": seen["version"]}
        for patch in ([{"op": "replace", "path": "/count", "value": 9}], {"count": 9}):
            words = await refused(client, "patch_state", **stale, patch=patch)
            assert "read_state" in words and '"current":{"count":2' in words
        content = (await client.read_resource(state_uri("Crew", "plan/a"))).contents[0]
        assert json.loads(content.text) == {"count": 2, "ships": ["ada", "bo"]}  # type: ignore[union-attr]
        assert (
            "no such state"
            in (await refused(client, "read_state", group="Crew", state="x")).lower()
        )


async def test_a_run_is_cancelled_and_the_same_key_starts_one_run_only(
    site: Site, token: str, script: Scripted
) -> None:
    gate = script.acts["A"] = Gate()
    async with client_of(site, token) as client:
        asked = {"group": "Crew", "task": "Count", "key": "k-1"}
        both = await asyncio.gather(*(told(client, "start_run", **asked) for _ in range(2)))
        assert both[0]["run"] == both[1]["run"]
        while not gate.inside:
            await asyncio.sleep(0.01)
        run = both[0]["run"]
        # Nothing happens meanwhile; what is told is how it stands.
        assert (await told(client, "get_run", run=run, wait=0.2))["status"] == "running"
        ended = await told(client, "cancel_run", run=run, reason="enough")
        assert ended["status"] == "cancelled"
        assert "already ended" in await refused(client, "cancel_run", run=run)


async def test_rights_and_scopes_hold_at_this_door(
    site: Site, token: str, crew: Group, owner: User
) -> None:
    @in_db
    def prepare() -> tuple[str, str, str]:
        vi = make_user(username="vi")
        GroupAccess.objects.create(group=crew, user=vi, level=Level.VIEWER)
        reading, text = AuthToken.objects.create(owner)
        TokenGrant.objects.create(token=reading, scopes=["read"])
        return make_token(user=vi), make_token(user=make_user(username="cy")), text

    viewer, stranger, reader = await prepare()
    run: dict[str, Any] = {"group": "Crew", "task": "Count"}
    async with client_of(site, viewer) as client:
        assert "access" in await refused(client, "start_run", **run)
    async with client_of(site, stranger) as client:
        assert (await told(client, "list_groups"))["groups"] == []
        assert "no group" in await refused(client, "start_run", **run)
        assert "no group" in await refused(client, "list_waiting", group="Crew")
        with pytest.raises(MCPError):
            await client.read_resource("stars://groups/Crew/states/x")
    async with client_of(site, reader) as client:
        assert "scope" in await refused(client, "start_run", **run)
        assert "scope" in await refused(client, "send_message", group="Crew", text="hi")
        assert (await told(client, "list_groups"))["groups"]
    async with client_of(site, token) as client:
        await told(client, "send_message", group="Crew", to="wim", text="hello")
        assert "not a member" in await refused(
            client, "send_message", group="Crew", to="nobody", text="hello"
        )
        assert "unknown field" in await refused(client, "start_run", **run, colour="red")
    assert await in_db(Message.objects.filter(group=crew, recipient="wim").count)() == 1
    assert not await in_db(Run.objects.filter(origin="mcp").count)()


async def test_the_door_is_shut_to_foreign_pages_wrong_tokens_and_other_methods(
    site: Site, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"Authorization": f"Bearer {token}"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    async with httpx.AsyncClient(base_url=site.url) as http:

        async def status(method: str = "POST", **headers: str) -> int:
            answer = await http.request(method, "/mcp", json=body, headers=headers)
            return answer.status_code

        assert await status(**MODERN) == 401
        assert await status(**MODERN, Authorization="Bearer nonsense") == 401
        assert await status(**known, **MODERN, Origin="http://evil.example") == 403
        assert await status(**known, **MODERN, Origin="null") == 403
        # What is wrong with this call is that it lacks what 2026-07-28 asks of its body.
        assert await status(**known, **MODERN, Origin="http://127.0.0.1:1") == 400
        for method in ("GET", "DELETE"):
            assert await status(method, **known) == 405
        odd = {**MODERN, "Mcp-Method": "tools/paint"}
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        unknown = {**body, "method": "tools/paint", "params": {"_meta": meta}}
        answer = await http.post("/mcp", json=unknown, headers={**known, **odd})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, -32601)
        monkeypatch.setattr(server, "is_installed", lambda: False)
        answer = await http.post("/mcp", json=body, headers={**known, **MODERN})
        assert answer.status_code == 404 and "extra mcp" in answer.text


async def test_nothing_of_the_protocol_is_loaded_before_a_client_comes() -> None:
    code = (
        "import sys, django; django.setup(); import stars_site.asgi, stars_site.urls;"
        "print([m for m in ('mcp', 'a2a', 'starlette', 'pydantic') if m in sys.modules])"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out.strip() == b"[]"
