"""Who may see spaces and states, and do what there; acting in the name of an agent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from knox.models import AuthToken
from rest_framework.test import APIClient

from tests.factories import make_user
from tests.state_api.conftest import ROOT, Client, client_for, fine, is_problem

Send = Callable[[Client], Any]

READS: list[Send] = [
    lambda client: client.ask("get", ""),
    lambda client: client.ask("get", "states/"),
    lambda client: client.ask("get", "states/plan/"),
    lambda client: client.ask("get", "states/plan/config/"),
    lambda client: client.ask("get", "states/plan/history/"),
    lambda client: client.ask("get", "states/plan/diff/?from=1"),
    lambda client: client.ask("get", "states/plan/blame/"),
    lambda client: client.ask("get", "conflicts/"),
]
WRITES: list[Send] = [
    lambda client: client.ask("post", "states/", {"id": "x"}),
    lambda client: client.ask("put", "states/plan/", {"a": 2}),
    lambda client: client.ask(
        "patch", "states/plan/", {"a": 2}, Content_Type="application/merge-patch+json"
    ),
    lambda client: client.ask("delete", "states/plan/"),
    lambda client: client.ask("post", "states/plan/ops/", {"updates": {"a": 2}}),
    lambda client: client.ask("patch", "states/plan/config/", {"name": "x"}),
    lambda client: client.ask("post", "states/plan/freeze/", {}),
    lambda client: client.ask("post", "states/plan/unfreeze/", {}),
    lambda client: client.ask("post", "states/plan/restore/", {"version": 1}),
    lambda client: client.ask(
        "post", "txn/", {"ops": [{"state": "plan", "op": "set", "path": "/a", "value": 2}]}
    ),
]


@pytest.mark.parametrize("send", [*READS, *WRITES])
def test_strangers_learn_nothing(
    anonymous: Client, outsider: Client, plan: Any, send: Send
) -> None:
    answer = send(anonymous)
    is_problem(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "Token"
    is_problem(send(outsider), 404, "not_found")


@pytest.mark.parametrize("send", READS)
def test_viewers_read(viewer: Client, plan: Any, send: Send) -> None:
    fine(send(viewer))


@pytest.mark.parametrize("send", WRITES)
def test_viewers_do_not_write(viewer: Client, plan: Any, send: Send) -> None:
    problem = is_problem(send(viewer), 403, "not_allowed")
    assert problem["required"] in ("write", "admin", "delete")


def test_members_write_what_is_public_and_no_more(operator: Client, plan: Any) -> None:
    fine(operator.ask("post", "states/plan/ops/", {"updates": {"a": 2}}))
    problem = is_problem(operator.ask("delete", "states/plan/"), 403, "not_allowed")
    assert problem["required"] == "delete" and problem["type"] == "/problems/not_allowed"
    answer = operator.ask("patch", "states/plan/config/", {"name": "mine"})
    assert is_problem(answer, 403)["required"] == "admin"


def test_what_one_may_not_read_is_not_there(owner: Client, operator: Client) -> None:
    body = {"id": "secret", "access_policy": {"read_allow": ["wim"], "write_allow": ["wes"]}}
    fine(owner.ask("post", "states/", body), 201)
    for path in ("", "config/", "history/", "blame/", "diff/?from=1"):
        is_problem(operator.ask("get", f"states/secret/{path}"), 404)
    is_problem(operator.ask("put", "states/secret/", {}), 404)
    assert fine(operator.ask("get", "states/"))["results"] == []
    for name in ("secret", "nothing"):  # and compares like what is not there
        compare = {"compare": [{"state": name, "version": 7}]}
        refusal = is_problem(operator.ask("post", "txn/", compare), 409, "compare_failed")
        assert refusal["failed"] == [{"state": name, "expected": 7, "version": 0}]
    # That an id is taken cannot be hidden, what is behind it can.
    problem = is_problem(operator.ask("post", "states/", {"id": "secret"}), 409, "exists")
    assert "etag" not in problem and "version" not in problem
    # Reading only: 403. Writing implies reading.
    fine(operator.ask("get", "states/secret/", Stars_Agent="wim"))
    refusal = operator.ask("put", "states/secret/", {}, Stars_Agent="wim")
    assert is_problem(refusal, 403)["required"] == "write"
    fine(operator.ask("put", "states/secret/", {"x": 1}, Stars_Agent="wes"))


def test_an_operator_acts_for_a_member(operator: Client, plan: Any) -> None:
    fine(operator.ask("post", "states/plan/ops/", {"updates": {"a": 2}}, Stars_Agent="wim"))
    [entry, first] = fine(operator.ask("get", "states/plan/history/"))["results"]
    assert (entry["agent"], first["agent"]) == ("agent:wim", "human:ada")


def test_nobody_acts_for_whom_it_may_not(operator: Client, viewer: Client, plan: Any) -> None:
    is_problem(viewer.ask("get", "states/plan/", Stars_Agent="wim"), 403, "level_too_low")
    for name in ("nobody", "", "a\tb"):
        answer = operator.ask("get", "states/plan/", Stars_Agent=name)
        is_problem(answer, 400, field="Stars-Agent")


def test_an_agent_s_own_state_is_written_by_that_agent(operator: Client) -> None:
    body = {"id": "wim", "type": "agent", "data": {"mood": "good"}}
    fine(operator.ask("post", "states/", body, Stars_Agent="wim"), 201)
    fine(operator.ask("get", "states/wim/", Stars_Agent="wes"))
    answer = operator.ask("put", "states/wim/", {}, Stars_Agent="wes")
    assert is_problem(answer, 403)["required"] == "write"


def test_roles_are_principals(operator: Client) -> None:
    body = {"id": "s", "access_policy": {"write_allow": ["role:leader"]}}
    fine(operator.ask("post", "states/", body, Stars_Agent="wim"), 201)
    fine(operator.ask("put", "states/s/", {"x": 1}, Stars_Agent="lena"))
    is_problem(operator.ask("get", "states/s/", Stars_Agent="wes"), 404)


def test_a_token_opens_the_door(ada: User, plan: Any) -> None:
    _, text = AuthToken.objects.create(user=ada)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {text}")
    assert client.get(f"{ROOT}states/plan/").status_code == 200
    client.credentials(HTTP_AUTHORIZATION="Token wrong")
    is_problem(client.get(f"{ROOT}states/plan/"), 401, "not_authenticated")


def test_a_session_needs_the_csrf_token_to_write(ada: User, plan: Any) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.get(f"{ROOT}states/plan/").status_code == 200
    is_problem(client.put(f"{ROOT}states/plan/", {}, format="json"), 403)


def test_the_spaces_that_one_sees(
    owner: Client, outsider: Client, plan: Any, anonymous: Client
) -> None:
    seen = fine(owner.ask("get", "/api/v1/spaces/"))
    assert [space["id"] for space in seen["results"]] == ["_global", "lab"]
    assert [space["revision"] for space in seen["results"]] == [0, 1]
    assert seen["results"][0]["epoch"] is None and seen["results"][1]["epoch"]
    assert seen["next"] is None
    page = fine(owner.ask("get", "/api/v1/spaces/?limit=1"))
    assert [space["id"] for space in page["results"]] == ["_global"]
    page = fine(owner.ask("get", page["next"].removeprefix("http://testserver")))
    assert [space["id"] for space in page["results"]] == ["lab"] and page["next"] is None
    others = fine(outsider.ask("get", "/api/v1/spaces/"))["results"]
    assert [space["id"] for space in others] == ["_global"]
    is_problem(anonymous.ask("get", "/api/v1/spaces/"), 401)


def test_global_states_are_written_by_grant_only(owner: Client, db: None) -> None:
    root = "/api/v1/spaces/_global/states/"
    is_problem(owner.ask("post", root, {"id": "site"}), 403)
    admin = client_for(make_user(username="root", is_superuser=True))
    body = {"id": "site", "data": {"a": 1}}
    etag = fine(admin.ask("post", root, body), 201)["etag"]
    state = fine(owner.ask("get", f"{root}site/"))
    assert (state["type"], state["consistency"]) == ("global", "strong")
    is_problem(owner.ask("put", f"{root}site/", {}, If_Match=etag), 403)
    fine(admin.ask("put", f"{root}site/", {"a": 2}, If_Match=etag))


@pytest.mark.parametrize("space", ["none", "a%00b", "%20", "lab%2Fx", "..%2F"])
def test_spaces_that_are_not(owner: Client, space: str) -> None:
    is_problem(owner.ask("get", f"/api/v1/spaces/{space}/"), 404)
    is_problem(owner.ask("get", f"/api/v1/spaces/{space}/states/a/"), 404)


def test_states_with_a_nul(owner: Client) -> None:
    is_problem(owner.ask("get", "states/a%00b/"), 404)
    is_problem(owner.ask("put", "states/a%00b/", {}, If_None_Match="*"), 404)
