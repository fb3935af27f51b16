"""What A2A clients see on the wire: cards, versions, refusals, rights, and all of 0.3."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from a2a.client import ClientConfig, create_client
from a2a.client.card_resolver import parse_agent_card
from a2a.types import a2a_pb2 as pb
from channels.db import database_sync_to_async as in_db
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from knox.models import AuthToken

from groups import identity
from groups.agents.base import Answered, Request, Waiting
from groups.doors.a2a.desk import tellers
from groups.execution.statuses import RunStatus
from groups.models import Group, GroupAccess, Level, Run, TokenGrant
from tests.doors_agents.conftest import Site
from tests.engine.scripted import Gate, Scripted
from tests.factories import append_events, make_group, make_run, make_token, make_user

V1 = {"A2A-Version": "1.0"}
TEXT = {"kind": "text", "text": "Count the ships"}


@pytest.fixture
async def http(site: Site, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """Ada's plain client of the group's door."""
    headers = {"Authorization": f"Bearer {token}"}
    base = f"{site.url}/a2a/Crew"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=20) as client:
        yield client


async def called(
    http: httpx.AsyncClient, method: str, params: Any = None, **headers: str
) -> dict[str, Any]:
    """A JSON-RPC call's whole answer."""
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}}
    answer = await http.post("/", json=body, headers=headers)
    found: dict[str, Any] = answer.json()
    assert found["id"] == 7 and found["jsonrpc"] == "2.0", found
    return found


def old_message(**fields: Any) -> dict[str, Any]:
    """Parameters of 0.3's message/send."""
    said = {"kind": "message", "messageId": "m-1", "role": "user", "parts": [TEXT], **fields}
    return {"message": said}


def new_message(**fields: Any) -> dict[str, Any]:
    """Parameters of SendMessage."""
    parts = [{"text": "Count the ships"}]
    return {"message": {"messageId": "m-1", "role": "ROLE_USER", "parts": parts, **fields}}


# -- 0.3 --------------------------------------------------------------------------------------------------------------


async def asking(request: Request) -> AsyncIterator[Any]:
    """An act that asks before it answers."""
    if not request.answers:
        yield Waiting(question="Which colour?")
        return
    await asyncio.sleep(0.3)  # so that the answer's stream sees it end
    yield Answered("painted")


async def test_a_client_of_03_streams_answers_and_gets_its_task_in_the_old_shapes(
    http: httpx.AsyncClient, script: Scripted
) -> None:
    script.acts["A"] = asking

    async def streamed(method: str, params: Any) -> list[dict[str, Any]]:
        body = {"jsonrpc": "2.0", "id": "s", "method": method, "params": params}
        async with http.stream("POST", "/", json=body) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            lines = [line async for line in answer.aiter_lines() if line.startswith("data: ")]
        return [json.loads(line[6:])["result"] for line in lines]

    asked = await streamed("message/stream", old_message())
    assert [asked[0]["kind"], asked[0]["status"]["state"]] == ["task", "submitted"]
    assert {event["kind"] for event in asked[1:]} == {"status-update", "artifact-update"}
    assert asked[-1]["final"] is True and asked[-1]["status"]["state"] == "input-required"
    question = asked[-1]["status"]["message"]
    assert (question["kind"], question["role"]) == ("message", "agent")
    assert question["parts"][0] == {"kind": "text", "text": "Which colour?"}
    assert not any(event.get("final") for event in asked[:-1])
    task_id = asked[0]["id"]
    answer = old_message(taskId=task_id, messageId="m-2", contextId=asked[0]["contextId"])
    ended = await streamed("message/stream", answer)
    assert ended[-1]["final"] is True and ended[-1]["status"]["state"] == "completed"
    got = (await called(http, "tasks/get", {"id": task_id}))["result"]
    assert got["kind"] == "task" and got["artifacts"][0]["parts"][0]["kind"] == "data"
    assert got["history"][0]["role"] == "user"
    assert (await called(http, "tasks/cancel", {"id": task_id}))["error"]["code"] == -32002
    assert (await called(http, "tasks/resubscribe", {"id": task_id}))["error"]["code"] == -32004


async def test_the_sdks_client_of_03_drives_a_run(site: Site, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, timeout=20) as http:
        found = (await http.get(f"{site.url}/a2a/Crew/.well-known/agent-card.json")).json()
        # As a client that knows nothing newer reads the card.
        del found["supportedInterfaces"]
        card = parse_agent_card(found)
        assert card.supported_interfaces[0].protocol_version == "0.3.0"
        client = await create_client(card, client_config=ClientConfig(httpx_client=http))
        said = pb.Message(
            message_id="m", role=pb.ROLE_USER, parts=[pb.Part(text="Count the ships")]
        )
        request = pb.SendMessageRequest(message=said)
        events = [event async for event in client.send_message(request)]
    assert events[0].HasField("task")
    assert events[-1].status_update.status.state == pb.TASK_STATE_COMPLETED


async def test_blocking_and_files_of_03_are_understood(
    http: httpx.AsyncClient, script: Scripted
) -> None:
    gate = script.acts["A"] = Gate()
    file = {"kind": "file", "file": {"bytes": "YSxiCjEsMgo=", "name": "ab.csv"}}
    at_once = {**old_message(parts=[TEXT, file]), "configuration": {"blocking": False}}
    task = (await called(http, "message/send", at_once))["result"]
    assert task["kind"] == "task" and task["status"]["state"] in ("submitted", "working")
    gate.is_open = True
    task = (await called(http, "message/send", old_message(parts=[TEXT, file])))["result"]
    assert task["status"]["state"] == "completed"
    run = await in_db(Run.objects.get)()
    assert [each.name for each in await in_db(lambda: list(run.attachments.all()))()] == ["ab.csv"]


# -- versions and malformed calls -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "version", "code"),
    [
        ("GetTask", "", -32009),
        ("GetTask", "2.0", -32009),
        ("GetTask", "0.4", -32009),
        ("message/send", "1.0", -32601),
        ("tasks/list", "", -32601),
        ("SendMessage", "1.0", -32602),
        ("message/send", "0.3", -32602),
        ("SetTaskColour", "1.0", -32601),
        ("CreateTaskPushNotificationConfig", "1.0", -32003),
        ("tasks/pushNotificationConfig/set", "0.3.0", -32003),
    ],
)
async def test_methods_belong_to_versions(
    http: httpx.AsyncClient, method: str, version: str, code: int
) -> None:
    headers = {"A2A-Version": version} if version else {}
    found = await called(http, method, {"message": {}}, **headers)
    assert found["error"]["code"] == code, found
    assert found["error"]["data"][0]["@type"].endswith("ErrorInfo")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"[]", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"GetTask"}', -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"GetTask"}', -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"GetTask","params":[]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":3}}', -32602),
    ],
)
async def test_what_is_no_call_is_refused_in_json_rpc(
    http: httpx.AsyncClient, body: bytes, code: int
) -> None:
    answer = await http.post("/", content=body, headers=V1)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, code)


async def test_the_http_binding_answers_with_the_protocols_statuses(
    http: httpx.AsyncClient,
) -> None:
    lost = await http.get("/tasks/nothing", headers=V1)
    error = lost.json()["error"]
    assert (lost.status_code, error["status"]) == (404, "NOT_FOUND")
    assert error["details"][0]["reason"] == "TASK_NOT_FOUND"
    assert (await http.get("/tasks/nothing")).json()["error"]["message"].startswith("Stars speaks")
    sent = await http.post("/message:send", json=new_message(), headers=V1)
    assert sent.headers["content-type"] == "application/a2a+json"
    task_id = sent.json()["task"]["id"]
    short = await http.get(f"/tasks/{task_id}?historyLength=0&A2A-Version=1.0")
    assert "history" not in short.json() and sent.json()["task"]["history"]
    listed = await http.get("/tasks?pageSize=1&includeArtifacts=true", headers=V1)
    assert listed.json()["tasks"][0]["artifacts"]
    assert (await http.get("/tasks?pageSize=0", headers=V1)).status_code == 400
    assert (await http.get("/tasks?pageToken=x", headers=V1)).status_code == 400
    cancelled = await http.post(f"/tasks/{task_id}:cancel", json={}, headers=V1)
    assert cancelled.json()["error"]["details"][0]["reason"] == "TASK_NOT_CANCELABLE"
    push = await http.post(f"/tasks/{task_id}/pushNotificationConfigs", json={}, headers=V1)
    assert push.json()["error"]["details"][0]["reason"] == "PUSH_NOTIFICATION_NOT_SUPPORTED"
    for ask in (http.get, http.post):
        replayed = await ask(f"/tasks/{task_id}:subscribe", headers={**V1, "Last-Event-ID": "1"})
        assert replayed.headers["content-type"].startswith("text/event-stream")
        assert replayed.text.startswith("id: 1\ndata: ") and "COMPLETED" in replayed.text


# -- cards and rights -------------------------------------------------------------------------------------------------


async def test_a_stranger_learns_nothing_of_a_group_from_its_card(site: Site, token: str) -> None:
    async with httpx.AsyncClient(base_url=f"{site.url}/a2a") as http:
        there, missing = [
            (await http.get(f"/{name}/.well-known/agent-card.json")) for name in ("Crew", "None")
        ]
        assert there.text.replace("Crew", "None") == missing.text
        assert there.headers["cache-control"] == "max-age=60"
        again = {"If-None-Match": there.headers["etag"]}
        card = "/Crew/.well-known/agent-card.json"
        assert (await http.get(card, headers=again)).status_code == 304
        known = {"Authorization": f"Bearer {token}"}
        own = await http.get(card, headers=known)
        assert [skill["id"] for skill in own.json()["skills"]] == ["lena", "wim", "wes"]
        assert own.headers["cache-control"].startswith("private")
        extended = await http.get("/Crew/extendedAgentCard", headers={**known, **V1})
        assert extended.json() == own.json()
        other = await http.get("/None/.well-known/agent-card.json", headers=known)
        assert other.status_code == 404


async def test_without_a_token_nothing_is_done_even_in_a_session(site: Site, token: str) -> None:
    async with httpx.AsyncClient(base_url=f"{site.url}/a2a/Crew", headers=V1) as http:
        body = {"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": {"id": "x"}}
        for headers in ({}, {"Authorization": "Bearer nonsense"}):
            for answer in (
                await http.post("/", json=body, headers=headers),
                await http.get("/tasks", headers=headers),
            ):
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"] == "Bearer"


async def test_rights_and_scopes_hold_at_this_door(
    site: Site, http: httpx.AsyncClient, crew: Group, owner: User
) -> None:
    @in_db
    def prepare() -> tuple[str, str, str, str]:
        vi, cy = make_user(username="vi"), make_user(username="cy")
        GroupAccess.objects.create(group=crew, user=vi, level=Level.VIEWER)
        reading, text = AuthToken.objects.create(owner)
        TokenGrant.objects.create(token=reading, scopes=["read"])
        run = make_run(group=make_group(group_id="Other", owner=owner))
        return make_token(user=vi), make_token(user=cy), text, str(run.id)

    viewer, stranger, reader, foreign = await prepare()
    for token, status in ((viewer, 403), (stranger, 404), (reader, 403)):
        headers = {**V1, "Authorization": f"Bearer {token}"}
        answer = await http.post("/message:send", json=new_message(), headers=headers)
        assert answer.status_code == status, answer.text
        body = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": new_message()}
        assert (await http.post("/", json=body, headers=headers)).status_code == status
    assert not await in_db(Run.objects.filter(group=crew).count)()
    assert (
        await http.get("/tasks", headers={**V1, "Authorization": f"Bearer {reader}"})
    ).is_success
    # A task is only found in its own group.
    assert (await http.get(f"/tasks/{foreign}", headers=V1)).status_code == 404


async def test_a_database_that_is_away_is_told_to_programs_as_json(
    http: httpx.AsyncClient, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*arguments: Any, **more: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(identity, "_by_token", away)
    for answer in (
        await http.post("/", json={"jsonrpc": "2.0", "id": 1, "method": "GetTask"}, headers=V1),
        await http.get("/tasks", headers=V1),
        await http.post(f"{site.url}/mcp", json={}),
    ):
        assert (answer.status_code, answer.json()["reason"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"


# -- the fold ---------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_tasks_are_told_in_few_queries_and_finished_text_is_read_once() -> None:
    group = make_group(group_id="Crew", leader="lena")
    runs = [make_run(group=group, status=RunStatus.RUNNING) for _ in range(3)]
    for run in runs:
        queued = {"task": "t", "mode": "m", "failure_policy": "continue", "approve_plan": False}
        append_events(run=run, type="run.queued", data=queued, announce=False)
        append_events(run=run, n=40, announce=False)
    with CaptureQueriesContext(connection) as asked:
        told = tellers(runs)
    assert len(asked) == 2
    [artifact] = told[0].as_json()["artifacts"]
    assert artifact["parts"][0]["text"] == "".join(map(str, range(2, 42)))
    assert told[0].seq == 41


async def test_times_and_cursors_beyond_all_bounds_are_refused(
    http: httpx.AsyncClient, script: Scripted
) -> None:
    sent = await http.post("/message:send", json=new_message(), headers=V1)
    task_id = sent.json()["task"]["id"]
    for moment in ("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"):
        for given in ({"pageToken": f"{moment}/{task_id}"}, {"statusTimestampAfter": moment}):
            assert (await http.get("/tasks", params=given, headers=V1)).status_code == 400
    for cursor in ("1" * 30, "1" * 5000, "0"):
        headers = {**V1, "Last-Event-ID": cursor}
        assert (await http.get(f"/tasks/{task_id}:subscribe", headers=headers)).status_code == 400
