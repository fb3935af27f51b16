"""What API tokens with grants may do: one rule for REST, states, streams, sockets and doors."""

from __future__ import annotations

from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient
from rest_framework.test import APIClient

from groups.models import Group, Level
from groups.services import agents, groups, membership, tokens
from tests.factories import make_run
from tests.sockets.viewer import Viewer
from tests.sync.speaker import Speaker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lab(ada: User) -> Group:
    """A group of ada's that can run."""
    group = groups.create(actor=ada, name="The Lab", group_id="lab")
    agents.register(actor=ada, agent_id="lead", name="Lead")
    membership.join(actor=ada, group=group, agent_id="lead", role="leader")
    return group


@pytest.fixture
def port(ada: User) -> Group:
    """Another one."""
    return groups.create(actor=ada, name="The Port", group_id="port")


def token_of(user: User, *scopes: str, only: tuple[str, ...] = ()) -> str:
    return tokens.make(actor=user, name="test", scopes=scopes or tokens.SCOPES, groups=only)[1]


def client_of(user: User, *scopes: str, only: tuple[str, ...] = ()) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_of(user, *scopes, only=only)}")
    return client


REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "read": ("get", "groups/lab/", {}),
    "run": ("post", "groups/lab/runs/", {"task": "Count"}),
    "message": ("post", "groups/lab/messages/", {"text": "Hello"}),
    "state": ("post", "spaces/lab/states/", {"id": "plan"}),
    "manage": ("patch", "groups/lab/", {"name": "The Yard"}),
}
#: Scope of the token -> what it may do.
MAY = {
    "read": {"read"},
    "run": {"read", "run"},
    "message": {"message"},
    "state": {"read", "state"},
    "manage": {"read", "manage"},
}


@pytest.mark.parametrize("scope", MAY)
def test_a_token_may_do_what_its_scope_says_and_is_told_what_it_lacks(
    ada: User, lab: Group, scope: str
) -> None:
    client = client_of(ada, scope)
    for wanted, (method, path, body) in REQUESTS.items():
        answer = getattr(client, method)(f"/api/v1/{path}", body, format="json")
        if wanted in MAY[scope]:
            assert answer.status_code in (200, 201), (wanted, answer.content)
        else:
            problem = answer.json()
            assert answer.status_code == 403 and problem["reason"] == "scope_missing"
            assert problem["scope"] == wanted and f"'{wanted}'" in problem["detail"]


def test_a_token_without_a_grant_may_do_all(ada: User, lab: Group) -> None:
    client = APIClient()
    _, text = tokens.issue(actor=ada)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    for method, path, body in REQUESTS.values():
        answer = getattr(client, method)(f"/api/v1/{path}", body, format="json")
        assert answer.status_code in (200, 201), answer.content
    for scheme, status in (("Token", 200), ("bearer", 200), ("Basic", 401)):
        client.credentials(HTTP_AUTHORIZATION=f"{scheme} {text}")
        assert client.get("/api/v1/groups/").status_code == status


@pytest.mark.parametrize("superuser", [False, True])
def test_groups_outside_the_restriction_do_not_exist(
    ada: User, lab: Group, port: Group, superuser: bool
) -> None:
    User.objects.filter(pk=ada.pk).update(is_superuser=superuser)
    ada.refresh_from_db()
    run = make_run(group=port)
    client = client_of(ada, only=("lab",))
    assert [g["id"] for g in client.get("/api/v1/groups/").json()["results"]] == ["lab"]
    assert client.get("/api/v1/groups/lab/").status_code == 200
    for path in (
        "groups/port/",
        f"runs/{run.id}/",
        "spaces/port/states/",
        "spaces/_global/states/",
    ):
        assert client.get(f"/api/v1/{path}").status_code == 404, path
    assert client.get("/api/v1/runs/").json()["results"] == []
    spaces = client.get("/api/v1/spaces/").json()
    assert "port" not in str(spaces) and "_global" not in str(spaces)
    for method, path, body in (
        ("post", "groups/", {"name": "New"}),
        ("post", "agents/", {"agent_id": "new"}),
        ("patch", "agents/lead/", {"name": "Else"}),
        ("get", "backup/", {}),
        ("get", "budget/", {}),
    ):
        answer = getattr(client, method)(f"/api/v1/{path}", body, format="json")
        assert (answer.status_code, answer.json()["reason"]) == (403, "groups_restricted"), path


def test_no_limited_token_makes_lists_or_revokes_tokens(ada: User) -> None:
    client = client_of(ada)
    for method in ("get", "post"):
        answer = getattr(client, method)("/api/v1/auth/tokens/", {"name": "x"}, format="json")
        assert (answer.status_code, answer.json()["reason"]) == (403, "token_limited")
    assert client.delete("/api/v1/auth/token/").status_code == 204
    assert client.get("/api/v1/groups/").status_code == 401


@pytest.mark.parametrize(("scope", "status"), [("message", 403), ("read", 200)])
async def test_streams_need_read(ada: User, lab: Group, scope: str, status: int) -> None:
    run = await database_sync_to_async(make_run)(group=lab, events=2)
    token = await database_sync_to_async(token_of)(ada, scope)
    headers = {"Authorization": f"Bearer {token}"}
    answer: Any = await AsyncClient().get(f"/api/v1/runs/{run.id}/events/stream", headers=headers)
    assert answer.status_code == status
    answer.close()


async def test_the_live_socket_needs_read_and_knows_the_restriction(
    ada: User, lab: Group, port: Group
) -> None:
    make = database_sync_to_async(token_of)
    for token, topic, reason in (
        (await make(ada, "message"), "group:lab", "scope_missing"),
        (await make(ada, "read", only=("lab",)), "group:port", "group_not_found"),
        (await make(ada, "read", only=("lab",)), "group:lab", None),
    ):
        viewer = Viewer((b"authorization", b"Bearer " + token.encode()))
        assert (await viewer.socket.connect())[0]
        assert (await viewer.subscribe(topic)).get("reason") == reason
        await viewer.socket.disconnect()


async def test_the_sync_socket_writes_only_with_state(ada: User, lab: Group) -> None:
    for scope, status in (("read", 403), ("state", 201)):
        token = await database_sync_to_async(token_of)(ada, scope)
        speaker = Speaker((b"authorization", b"Bearer " + token.encode()))
        assert (await speaker.socket.connect())[0]
        await speaker.say("hello", proto=1)
        await speaker.hear("welcome")
        await speaker.say("write", op_id="a", state="plan", create={"data": {"n": 1}})
        assert (await speaker.hear("res"))["status"] == status
        await speaker.socket.disconnect()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "/v1/models", None),
        ("post", "/v1/chat/completions", {"model": "lab", "messages": []}),
        ("post", "/v1/responses", {"model": "lab", "input": "x"}),
        ("post", "/agui/lab/", {"threadId": "t", "runId": "r", "messages": []}),
    ],
)
async def test_doors_need_run(
    ada: User, lab: Group, method: str, path: str, body: dict[str, Any] | None
) -> None:
    token = await database_sync_to_async(token_of)(ada, "read", "message")
    headers = {"Authorization": f"Bearer {token}"}
    ask = getattr(AsyncClient(), method)
    answer = await ask(path, body, content_type="application/json", headers=headers)
    assert answer.status_code == 403 and "'run'" in answer.content.decode()


async def test_doors_know_the_restriction_and_the_level(
    ada: User, vi: User, lab: Group, port: Group
) -> None:
    await database_sync_to_async(groups.grant)(actor=ada, group=lab, user=vi, level=Level.VIEWER)
    make = database_sync_to_async(token_of)
    for user, token in ((ada, await make(ada, only=("port",))), (vi, await make(vi))):
        headers = {"Authorization": f"Bearer {token}"}
        models = (await AsyncClient().get("/v1/models", headers=headers)).json()
        assert [m["id"] for m in models["data"]] == (["port"] if user == ada else [])
        given = {"model": "lab", "messages": [{"role": "user", "content": "x"}]}
        answer = await AsyncClient().post(
            "/v1/chat/completions", given, content_type="application/json", headers=headers
        )
        assert answer.status_code == (404 if user == ada else 403)


async def test_no_session_opens_a_door(ada: User, lab: Group) -> None:
    client = AsyncClient()
    await client.aforce_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    answer = await client.get("/v1/models")
    assert answer.status_code == 401 and answer["WWW-Authenticate"] == "Bearer"
    answer = await client.post("/agui/lab/", {}, content_type="application/json")
    assert answer.status_code == 401


@pytest.mark.parametrize("address", ["/v1/chat/completions", "/v1/responses", "/agui/lab/"])
async def test_a_body_that_is_too_large_is_refused_in_the_doors_own_shape(
    ada: User, lab: Group, settings: Any, address: str
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    headers = {"Authorization": f"Bearer {await database_sync_to_async(token_of)(ada)}"}
    sent = {"model": "lab", "input": "x" * 200}
    answer = await AsyncClient().post(
        address, sent, content_type="application/json", headers=headers
    )
    assert answer.status_code == 413
    told = answer.json()
    assert "larger than allowed" in (
        told["error"]["message"] if "error" in told else told["detail"]
    )
