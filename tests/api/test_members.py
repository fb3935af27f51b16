"""groups/<id>/members/ and members/<agent_id>/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from groups.models import Group, Level, Run
from groups.services import agents, membership

URL = "/api/v1/groups/lab/members/"
Refused = Callable[..., Any]


@pytest.fixture
def scout(ada: User) -> None:
    agents.register(actor=ada, agent_id="scout", name="Scout")


def test_list(viewer: APIClient, lab: Group, guarded: Any) -> None:
    guarded(lambda client: client.get(URL), Level.VIEWER)
    members = viewer.get(URL).json()["results"]
    assert [(m["agent_id"], m["role"], m["tags"]) for m in members] == [
        ("lead", "leader", []),
        ("counter", "worker", ["figures"]),
        ("writer", "worker", ["words"]),
    ]
    assert members[1]["name"] == "Counter"


def test_list_takes_the_same_queries_for_one_and_for_many(
    viewer: APIClient, lab: Group, ada: User, django_assert_num_queries: Any
) -> None:
    for number in range(9):
        agents.register(actor=ada, agent_id=f"agent-{number}")
        membership.join(actor=ada, group=lab, agent_id=f"agent-{number}")
    with django_assert_num_queries(3):
        assert len(viewer.get(URL).json()["results"]) == 12


def test_join(owner: APIClient, lab: Group, scout: None, guarded: Any, refused: Refused) -> None:
    body = {"agent_id": "scout", "tags": ["far", "sight"]}
    guarded(lambda client: client.post(URL, body, format="json"), Level.OWNER)
    answer = owner.post(URL, body, format="json")
    assert answer.status_code == 201
    assert answer.json() | {"joined_at": ""} == {
        "agent_id": "scout",
        "role": "worker",
        "tags": ["far", "sight"],
        "name": "Scout",
        "description": "",
        "kind": "builtin",
        "place": 3,
        "joined_at": "",
    }
    assert answer["Location"].endswith(f"{URL}scout/")
    refused(owner.post(URL, body, format="json"), 409, "already_a_member", "agent_id")
    assert lab.members.count() == 4


@pytest.mark.parametrize(
    ("body", "status", "reason", "field"),
    [
        ({}, 400, "invalid", "agent_id"),
        ({"agent_id": "nobody"}, 404, "agent_not_found", "agent_id"),
        ({"agent_id": "a\x00"}, 400, "invalid", "agent_id"),
        ({"agent_id": "scout", "role": "king"}, 400, "invalid", "role"),
        ({"agent_id": "scout", "tags": "far"}, 400, "invalid", "tags"),
        ({"agent_id": "scout", "tags": [["far"]]}, 400, "invalid", "tags[0]"),
        ({"agent_id": "scout", "rank": 1}, 400, "invalid", "rank"),
        ({"agent_id": "scout", "role": "leader"}, 409, "leader_exists", "role"),
    ],
)
def test_join_refuses(
    owner: APIClient,
    lab: Group,
    scout: None,
    refused: Refused,
    body: dict[str, Any],
    status: int,
    reason: str,
    field: str,
) -> None:
    refused(owner.post(URL, body, format="json"), status, reason, field)
    assert lab.members.count() == 3


def test_get(viewer: APIClient, lab: Group, guarded: Any, refused: Refused) -> None:
    guarded(lambda client: client.get(f"{URL}writer/"), Level.VIEWER)
    assert viewer.get(f"{URL}writer/").json()["tags"] == ["words"]
    refused(viewer.get(f"{URL}nobody/"), 404, "not_found")


def test_change(owner: APIClient, lab: Group, guarded: Any, refused: Refused) -> None:
    url = f"{URL}writer/"
    guarded(lambda client: client.patch(url, {"tags": []}, format="json"), Level.OWNER)
    assert owner.patch(url, {"tags": ["verse"]}, format="json").json()["tags"] == ["verse"]
    assert lab.members.get(agent__agent_id="writer").tags == ["verse"]
    refused(owner.patch(url, {"role": "leader"}, format="json"), 409, "leader_exists", "role")
    refused(owner.patch(url, {"role": "king"}, format="json"), 400, "invalid", "role")
    refused(owner.patch(url, {"agent_id": "x"}, format="json"), 400, "invalid", "agent_id")
    refused(owner.patch(f"{URL}nobody/", {"tags": []}, format="json"), 404, "not_found")


def test_leave(owner: APIClient, lab: Group, guarded: Any, refused: Refused) -> None:
    guarded(lambda client: client.delete(f"{URL}writer/"), Level.OWNER)
    assert owner.delete(f"{URL}writer/").status_code == 204
    assert not lab.members.filter(agent__agent_id="writer").exists()
    refused(owner.delete(f"{URL}writer/"), 404, "not_found")


def test_the_leader_stays_during_a_run(owner: APIClient, run: Run, refused: Refused) -> None:
    refused(owner.delete(f"{URL}lead/"), 409, "leader_busy")
    refused(owner.patch(f"{URL}lead/", {"role": "worker"}, format="json"), 409, "leader_busy")


def test_lead_and_place(owner: APIClient, lab: Group, guarded: Any, refused: Refused) -> None:
    lead, place = f"{URL}writer/lead/", f"{URL}writer/place/"
    guarded(lambda client: client.post(lead), Level.OWNER)
    guarded(lambda client: client.put(place, {"place": 0}, format="json"), Level.OWNER)
    assert owner.post(lead).json()["role"] == "leader"
    assert owner.get(f"{URL}lead/").json()["role"] == "worker"
    assert owner.put(place, {"place": 0}, format="json").json()["place"] == 0
    assert owner.get(f"{URL}counter/").json()["place"] == 2
    refused(owner.put(place, {"place": -1}, format="json"), 400, field="place")
    for gone in ("lead/", "place/"):
        call = owner.post if gone == "lead/" else owner.put
        refused(call(f"{URL}ghost/{gone}", {"place": 1}, format="json"), 404)
