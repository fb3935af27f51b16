"""Modes, options and roles by every door: the API, the page, the service of memberships."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from groups.errors import CoordinatorExists
from groups.execution.modes import MODES
from groups.models import Group, Member, Run
from groups.services import membership, runs
from tests.factories import make_agent

RUNS = "/api/v1/groups/Crew/runs/"
MEMBERS = "/api/v1/groups/Crew/members/"


@pytest.fixture
def api(ada: User) -> APIClient:
    """Signed in as the owner."""
    client = APIClient()
    client.force_authenticate(ada)
    return client


@pytest.fixture
def page(ada: User) -> Client:
    """The owner's browser."""
    client = Client(headers={"Accept": "text/html"})
    client.force_login(ada)
    return client


def test_the_api_takes_options_and_tells_what_was_settled(crew: Group, api: APIClient) -> None:
    body = {"task": "x", "mode": "democratic", "options": {"rule": "ranked"}}
    answer = api.post(RUNS, body, format="json")
    assert answer.status_code == 201, answer.content
    assert answer.json()["options"] == {"rule": "ranked", "max_handovers": 5}
    as_text = {"task": "x", "mode": "swarm", "options": json.dumps({"max_items": 7})}
    answer = api.post(RUNS, as_text, format="multipart")
    assert answer.json()["options"] == {"board": "plan", "max_items": 7, "max_handovers": 5}
    plain = api.post(RUNS, {"task": "x"}, format="json").json()
    assert plain["options"] == {"replans": None, "max_handovers": 5}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"rule": "loud"}, "options.rule"),
        ({"tempo": 1}, "options.tempo"),
        ([], "options"),
        ("{", "options"),
        (7, "options"),
    ],
)
def test_the_api_refuses_wrong_options_by_field(
    crew: Group, api: APIClient, options: Any, field: str
) -> None:
    body = {"task": "x", "mode": "democratic", "options": options}
    answer = api.post(RUNS, body, format="json")
    assert answer.status_code == 400 and list(answer.json()["errors"]) == [field], answer.json()
    assert not Run.objects.exists()


def test_what_a_door_keeps_beside_the_options_is_not_shown(crew: Group, api: APIClient) -> None:
    run = runs.start(actor=None, group=crew, task="x", kept={"context": "secret"})
    assert "secret" not in json.dumps(api.get(f"/api/v1/runs/{run.id}/").json()["options"])
    # A mode reads its own, whatever stands beside them.
    assert run.options["door"] and run.options["max_handovers"] == 5


def test_roles_by_the_api_and_one_coordinator_only(crew: Group, api: APIClient) -> None:
    make_agent(agent_id="cato")
    answer = api.post(MEMBERS, {"agent_id": "cato", "role": "coordinator"}, format="json")
    assert answer.status_code == 409 and answer.json()["reason"] == "coordinator_exists"
    answer = api.post(MEMBERS, {"agent_id": "cato", "role": "observer"}, format="json")
    assert (answer.status_code, answer.json()["role"]) == (201, "observer")
    with pytest.raises(CoordinatorExists):
        membership.change(actor=None, group=crew, agent_id="cato", role="coordinator")
    membership.leave(actor=None, group=crew, agent_id="cora")
    assert membership.change(actor=None, group=crew, agent_id="cato", role="coordinator").pk
    listed = [row["role"] for row in api.get(MEMBERS).json()["results"]]
    assert listed[0] == "leader" and set(listed) >= {"coordinator", "specialist", "observer"}


def test_the_page_offers_each_mode_with_what_it_does_and_its_options(
    crew: Group, page: Client
) -> None:
    text = page.get("/groups/Crew/").content.decode()
    for name, mode in MODES.items():
        assert f'value="{name}"' in text and f'data-modes="{name}"' in text
        assert mode.about.replace("'", "&#x27;") in text
    assert 'data-modes="leader_worker pipeline democratic swarm"' in text  # handovers
    for word in ("specialist", "coordinator", "observer"):
        assert f'data-role="{word}"' in text


def test_the_pages_form_gives_the_options_of_the_chosen_mode(crew: Group, page: Client) -> None:
    given = {"task": "x", "failure_policy": "continue", "rule": "approval", "max_items": "9"}
    page.post("/groups/Crew/runs/", given | {"mode": "swarm", "board": "task"})
    page.post(
        "/groups/Crew/runs/",
        given | {"mode": "pipeline", "order": "members", "members": "wes, cora"},
    )
    swarm, pipeline = Run.objects.order_by("created_at")
    assert swarm.options == {"board": "task", "max_items": 9, "max_handovers": 5}
    assert pipeline.options["members"] == ["wes", "cora"]
    again = page.get(f"/groups/Crew/?again={pipeline.id}").content.decode()
    assert 'value="wes, cora"' in again


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mode": "swarm", "max_items": "900"}, "a number from 1 to 500"),
        ({"mode": "pipeline", "order": "members", "members": "otto"}, "no member of this group"),
        ({"mode": "democratic", "approve_plan": "on"}, "no plan to approve"),
        ({"mode": "democratic", "max_handovers": "many"}, "whole number"),
    ],
)
def test_the_page_shows_a_refusal_beside_its_field(
    crew: Group, page: Client, given: dict[str, str], words: str
) -> None:
    answer = page.post("/groups/Crew/runs/", {"task": "x", "failure_policy": "continue"} | given)
    text = answer.content.decode()
    assert answer.status_code in (400, 422) and words in text, text
    before = text[: text.index(words)]
    assert before.rindex('class="field-error"') > before.rindex("<label")
    assert not Run.objects.exists()


def test_the_run_page_offers_everybody_who_can_be_given_work(crew: Group, page: Client) -> None:
    run = runs.start(actor=None, group=crew, task="x")
    text = page.get(f"/runs/{run.id}/").content.decode()
    data = text.split('id="run-data" type="application/json">')[1].split("</script>")[0]
    offered = [each["value"] for each in json.loads(data)["assignees"]]
    assert {"lena", "wim", "wes", "cora", "spec", "*", "law", "steady"} == set(offered)
    assert Member.objects.filter(agent__agent_id="otto", role="observer").exists()
