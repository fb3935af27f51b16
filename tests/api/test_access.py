"""groups/<id>/access/: who of the users may see or steer a group."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from groups.models import Group, Level

URL = "/api/v1/groups/lab/access/"
Refused = Callable[..., Any]


def test_list(viewer: APIClient, lab: Group, guarded: Any, django_assert_num_queries: Any) -> None:
    guarded(lambda client: client.get(URL), Level.VIEWER)
    with django_assert_num_queries(3):
        assert viewer.get(URL).json()["results"] == [
            {"username": "ada", "level": "owner"},
            {"username": "bo", "level": "operator"},
            {"username": "vi", "level": "viewer"},
        ]


def test_grant(owner: APIClient, outsider: APIClient, lab: Group, cy: User, guarded: Any) -> None:
    body = {"username": "cy", "level": "viewer"}
    guarded(lambda client: client.post(URL, body, format="json"), Level.OWNER)
    for level in ("viewer", "operator", "operator"):
        answer = owner.post(URL, {"username": "cy", "level": level}, format="json")
        assert (answer.status_code, answer.json()) == (200, {"username": "cy", "level": level})
    assert lab.access.get(user=cy).level == Level.OPERATOR
    assert outsider.get("/api/v1/groups/lab/").status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"level": "viewer"}, "username"),
        ({"username": "nobody", "level": "viewer"}, "username"),
        ({"username": "bo", "level": "king"}, "level"),
        ({"username": "bo", "level": 2}, "level"),
        ({"username": "bo", "level": "viewer", "until": "x"}, "until"),
    ],
)
def test_grant_refuses_bad_input(
    owner: APIClient, lab: Group, refused: Refused, body: dict[str, Any], field: str
) -> None:
    refused(owner.post(URL, body, format="json"), 400, "invalid", field)


def test_revoke(
    owner: APIClient, viewer: APIClient, lab: Group, guarded: Any, refused: Refused
) -> None:
    guarded(lambda client: client.delete(f"{URL}vi/"), Level.OWNER)
    assert owner.delete(f"{URL}vi/").status_code == 204
    refused(viewer.get("/api/v1/groups/lab/"), 404, "group_not_found")
    refused(owner.delete(f"{URL}vi/"), 404, "not_found")
    refused(owner.delete(f"{URL}nobody/"), 404, "not_found")


def test_the_last_owner_stays(owner: APIClient, lab: Group, refused: Refused) -> None:
    refused(owner.delete(f"{URL}ada/"), 409, "last_owner")
    demotion = {"username": "ada", "level": "viewer"}
    refused(owner.post(URL, demotion, format="json"), 409, "last_owner")
    assert lab.access.get(user__username="ada").level == Level.OWNER
