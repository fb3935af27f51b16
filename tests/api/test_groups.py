"""groups/ and groups/<id>/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from groups.models import Group, GroupAccess, Level, Run
from groups.services import groups

URL = "/api/v1/groups/"
LAB = f"{URL}lab/"
Refused = Callable[..., Any]


def test_list_shows_only_what_one_may_see(
    viewer: APIClient, outsider: APIClient, anonymous: APIClient, lab: Group, refused: Refused
) -> None:
    [shown] = viewer.get(URL).json()["results"]
    assert (shown["id"], shown["name"], shown["size"], shown["leader"]) == (
        "lab",
        "The Lab",
        3,
        "lead",
    )
    assert (shown["runs_under_way"], shown["last_run_at"], shown["created_by"]) == (0, None, "ada")
    assert outsider.get(URL).json()["results"] == []
    refused(anonymous.get(URL), 401, "not_authenticated")


def test_it_tells_what_one_is_in_it(
    viewer: APIClient, operator: APIClient, owner: APIClient, admin_user: User, lab: Group
) -> None:
    admin = APIClient()
    admin.force_authenticate(admin_user)
    levels = [client.get(LAB).json()["level"] for client in (viewer, operator, owner, admin)]
    assert levels == ["viewer", "operator", "owner", "owner"]


def test_list_takes_the_same_queries_for_one_and_for_many(
    owner: APIClient, ada: User, lab: Group, run: Run, django_assert_num_queries: Any
) -> None:
    for number in range(6):
        groups.create(actor=ada, name=f"Group {number}")
    with django_assert_num_queries(2):
        assert len(owner.get(URL).json()["results"]) == 7


def test_create(outsider: APIClient, cy: User) -> None:
    body = {"name": "Night Watch", "description": "Looks up"}
    answer = outsider.post(URL, body, format="json")
    assert answer.status_code == 201
    made = answer.json()
    assert (made["id"], made["size"], made["leader"]) == ("night-watch", 0, None)
    assert answer["Location"].endswith(f"{URL}night-watch/")
    assert GroupAccess.objects.get(group_id="night-watch").level == Level.OWNER
    assert outsider.get(f"{URL}night-watch/").json() == made


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "n" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "A", "id": "a b"}, "id"),
        ({"name": "A", "title": "B"}, "title"),
    ],
)
def test_create_refuses_bad_input(
    owner: APIClient, refused: Refused, body: dict[str, Any], field: str
) -> None:
    refused(owner.post(URL, body, format="json"), 400, "invalid", field)
    assert not Group.objects.exists()


def test_create_twice(owner: APIClient, lab: Group, refused: Refused) -> None:
    refused(owner.post(URL, {"name": "X", "id": "lab"}, format="json"), 409, "group_exists", "id")
    assert owner.post(URL, {"name": "lab"}, format="json").json()["id"] == "lab-2"


def test_create_needs_somebody(anonymous: APIClient, refused: Refused) -> None:
    refused(anonymous.post(URL, {"name": "X"}, format="json"), 401, "not_authenticated")


def test_get(viewer: APIClient, lab: Group, guarded: Any, refused: Refused) -> None:
    assert viewer.get(LAB).json()["name"] == "The Lab"
    guarded(lambda client: client.get(LAB), Level.VIEWER)
    refused(viewer.get(f"{URL}nowhere/"), 404, "group_not_found")


def test_change(owner: APIClient, lab: Group, guarded: Any, refused: Refused) -> None:
    guarded(lambda client: client.patch(LAB, {"name": "X"}, format="json"), Level.OWNER)
    answer = owner.patch(LAB, {"description": "Stars only"}, format="json")
    assert (answer.json()["name"], answer.json()["description"]) == ("The Lab", "Stars only")
    lab.refresh_from_db()
    assert lab.description == "Stars only"
    refused(owner.patch(LAB, {"name": ""}, format="json"), 400, "invalid", "name")
    refused(owner.patch(LAB, {"id": "other"}, format="json"), 400, "invalid", "id")


def test_remove(owner: APIClient, lab: Group, guarded: Any, refused: Refused) -> None:
    guarded(lambda client: client.delete(LAB), Level.OWNER)
    assert owner.delete(LAB).status_code == 204
    refused(owner.delete(LAB), 404, "group_not_found")


def test_remove_waits_for_runs(owner: APIClient, run: Run, refused: Refused) -> None:
    refused(owner.delete(LAB), 409, "group_busy")
