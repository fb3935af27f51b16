"""agents/ and agents/<agent_id>/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from groups.models import Agent, Group, Run, Spending
from groups.services import agents
from tests.stages import claim

URL = "/api/v1/agents/"
Refused = Callable[..., Any]


def test_list(viewer: APIClient, lab: Group) -> None:
    results = viewer.get(URL).json()["results"]
    assert [agent["agent_id"] for agent in results] == ["counter", "lead", "writer"]
    assert results[1] | {"created_at": ""} == {
        "agent_id": "lead",
        "name": "Lead",
        "description": "",
        "kind": "builtin",
        "config": {},
        "grants": [],
        "secrets": [],
        "ability": {},
        "tested_at": None,
        "max_concurrency": 0,
        "created_by": "ada",
        "created_at": "",
    }


def test_list_takes_the_same_queries_for_one_and_for_many(
    owner: APIClient, ada: User, django_assert_num_queries: Any
) -> None:
    for number in range(7):
        agents.register(actor=ada, agent_id=f"agent-{number}")
    with django_assert_num_queries(1):
        assert len(owner.get(URL).json()["results"]) == 7


def test_health(
    outsider: APIClient, anonymous: APIClient, run: Run, refused: Refused, ada: User
) -> None:
    url = f"{URL}lead/health/"
    plan = run.subtasks.get()
    claim(run)
    told = outsider.get(url).json()
    assert (told["health"], told["working"], told["slots"], told["ended"]) == ("good", 1, None, 0)
    assert told["used"] == {"tokens": 0, "cost_usd": 0.0, "unpriced": 0}
    run.subtasks.filter(pk=plan.pk).update(
        status="failed", finished_at=timezone.now(), lease_token=None, lease_until=None
    )
    Spending.objects.create(
        agent_id="lead", at=timezone.now(), input_tokens=7, output_tokens=5, cost_usd=0.5
    )
    told = outsider.get(url).json()
    assert (told["health"], told["working"], told["ended"], told["failed"]) == ("failing", 0, 1, 1)
    assert told["last_ended_at"] and told["used"]["tokens"] == 12
    assert (told["tested_ok"], told["tested_at"], told["programs"]) == (None, None, 0)
    agents.register(actor=ada, agent_id="dora", kind="connected")
    assert outsider.get(f"{URL}dora/health/").json()["health"] == "away"
    refused(outsider.get(f"{URL}nobody/health/"), 404, "agent_not_found")
    refused(anonymous.get(url), 401, "not_authenticated")


def test_register(outsider: APIClient, cy: User) -> None:
    body = {"agent_id": "scout", "name": "Scout", "description": "Looks", "max_concurrency": 3}
    answer = outsider.post(URL, body, format="json")
    assert answer.status_code == 201
    assert answer["Location"].endswith("/api/v1/agents/scout/")
    assert answer.json()["max_concurrency"] == 3
    agent = Agent.objects.get(agent_id="scout")
    assert (agent.description, agent.created_by) == ("Looks", cy)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "agent_id"),
        ({"agent_id": "no spaces"}, "agent_id"),
        ({"agent_id": "system"}, "agent_id"),
        ({"agent_id": "a\x00"}, "agent_id"),
        ({"agent_id": "a", "kind": "oracle"}, "kind"),
        ({"agent_id": "a", "config": "{}"}, "config"),
        ({"agent_id": "a", "config": {"text": "a\x00b"}}, "config"),
        ({"agent_id": "a", "max_concurrency": -1}, "max_concurrency"),
        ({"agent_id": "a", "nickname": "typo"}, "nickname"),
    ],
)
def test_register_refuses_bad_input(
    owner: APIClient, refused: Refused, body: dict[str, Any], field: str
) -> None:
    refused(owner.post(URL, body, format="json"), 400, "invalid", field)
    assert not Agent.objects.exists()


def test_register_twice(owner: APIClient, refused: Refused) -> None:
    assert owner.post(URL, {"agent_id": "scout"}, format="json").status_code == 201
    refused(owner.post(URL, {"agent_id": "scout"}, format="json"), 409, "agent_exists", "agent_id")


def test_get(outsider: APIClient, lab: Group, refused: Refused) -> None:
    assert outsider.get(f"{URL}counter/").json()["name"] == "Counter"
    refused(outsider.get(f"{URL}nobody/"), 404, "agent_not_found")


def test_change(owner: APIClient, lab: Group) -> None:
    answer = owner.patch(f"{URL}counter/", {"name": "Count Dracula"}, format="json")
    assert answer.status_code == 200
    assert answer.json()["name"] == "Count Dracula"
    assert Agent.objects.get(agent_id="counter").name == "Count Dracula"


def test_change_refuses_bad_input(owner: APIClient, lab: Group, refused: Refused) -> None:
    answer = owner.patch(f"{URL}counter/", {"agent_id": "other"}, format="json")
    refused(answer, 400, "invalid", "agent_id")
    refused(owner.patch(f"{URL}counter/", {"name": "a\x00"}, format="json"), 400, "invalid", "name")


def test_change_and_remove_are_for_whoever_registered_it(
    operator: APIClient, anonymous: APIClient, lab: Group, refused: Refused
) -> None:
    refused(operator.patch(f"{URL}counter/", {"name": "Mine"}, format="json"), 403, "level_too_low")
    refused(operator.delete(f"{URL}counter/"), 403, "level_too_low")
    for answer in (
        anonymous.get(URL),
        anonymous.post(URL, {"agent_id": "x"}, format="json"),
        anonymous.get(f"{URL}counter/"),
        anonymous.patch(f"{URL}counter/", {"name": "x"}, format="json"),
        anonymous.delete(f"{URL}counter/"),
    ):
        refused(answer, 401, "not_authenticated")


def test_remove(owner: APIClient, ada: User, refused: Refused) -> None:
    agents.register(actor=ada, agent_id="scout")
    assert owner.delete(f"{URL}scout/").status_code == 204
    refused(owner.delete(f"{URL}scout/"), 404, "agent_not_found")


def test_remove_refuses_a_member(owner: APIClient, lab: Group, refused: Refused) -> None:
    refused(owner.delete(f"{URL}counter/"), 409, "agent_in_use")
