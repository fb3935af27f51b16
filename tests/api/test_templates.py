"""groups/<id>/templates/ and one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from groups.models import Group, Level, RunTemplate
from groups.services import templates

URL = "/api/v1/groups/lab/templates/"
Refused = Callable[..., Any]
BODY = {"name": "Tide", "task": "Measure the tide", "max_tokens": 900, "approve_plan": True}


def test_keep(operator: APIClient, lab: Group, guarded: Any, refused: Refused) -> None:
    guarded(lambda client: client.post(URL, BODY, format="json"), Level.OPERATOR)
    answer = operator.post(URL, BODY, format="json")
    assert answer.status_code == 201
    kept = answer.json()
    assert kept["created_by"] == "bo"
    assert {name: kept[name] for name in BODY} == BODY
    assert (kept["mode"], kept["time_limit"]) == ("leader_worker", None)
    assert answer["Location"].endswith(f"{URL}{kept['id']}/")
    refused(operator.post(URL, BODY, format="json"), 409, "template_exists", "name")


@pytest.mark.parametrize(
    ("given", "status", "field"),
    [
        ({"name": ""}, 400, "name"),
        ({"task": " "}, 400, "task"),
        ({"mode": "chaos"}, 400, "mode"),
        ({"attachments": []}, 400, "attachments"),
        ({"task": "x" * 100_001}, 413, "task"),
        ({"time_limit": "soon"}, 400, "time_limit"),
    ],
)
def test_bad_input(
    given: dict[str, Any],
    status: int,
    field: str,
    operator: APIClient,
    lab: Group,
    refused: Refused,
) -> None:
    refused(operator.post(URL, {**BODY, **given}, format="json"), status, field=field)
    assert not RunTemplate.objects.exists()


def test_list(
    operator: APIClient, lab: Group, ada: User, guarded: Any, django_assert_num_queries: Any
) -> None:
    guarded(lambda client: client.get(URL), Level.OPERATOR)
    for name in ("b", "a", "c"):
        templates.create(actor=ada, group=lab, name=name, task="Count")
    with django_assert_num_queries(3):
        found = operator.get(URL).json()["results"]
    assert sorted(each["name"] for each in found) == ["a", "b", "c"]
    assert {each["created_by"] for each in found} == {"ada"}


def test_one(operator: APIClient, lab: Group, ada: User, guarded: Any, refused: Refused) -> None:
    one = f"{URL}{templates.create(actor=ada, group=lab, name='Tide', task='Measure').pk}/"
    guarded(lambda client: client.get(one), Level.OPERATOR)
    assert operator.get(one).json()["task"] == "Measure"
    guarded(lambda client: client.patch(one, {"task": "Weigh"}, format="json"), Level.OPERATOR)
    changed = operator.patch(one, {"task": "Weigh", "mode": "swarm"}, format="json").json()
    assert (changed["name"], changed["task"], changed["mode"]) == ("Tide", "Weigh", "swarm")
    refused(operator.patch(one, {"mode": "chaos"}, format="json"), 400, "unknown_mode", "mode")
    guarded(lambda client: client.delete(one), Level.OPERATOR)
    assert operator.delete(one).status_code == 204
    for gone in (one, f"{URL}nonsense/"):
        refused(operator.get(gone), 404, "template_not_found")
