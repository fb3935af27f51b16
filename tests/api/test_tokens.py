"""auth/token/: getting a token, using it, giving it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from knox.models import AuthToken
from rest_framework.test import APIClient
from sesame.utils import get_query_string

URL = "/api/v1/auth/token/"


@pytest.fixture(autouse=True)
def forget_throttling() -> None:
    cache.clear()


@pytest.fixture
def eve(db: None) -> User:
    return User.objects.create_user("eve", password="apple-and-snake")


def test_works(anonymous: APIClient, eve: User) -> None:
    answer = anonymous.post(URL, {"username": "eve", "password": "apple-and-snake"}, format="json")
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert set(body) == {"token", "expiry"}
    assert body["expiry"] > "2000"
    assert not AuthToken.objects.filter(digest__contains=body["token"]).exists()
    anonymous.credentials(HTTP_AUTHORIZATION=f"Token {body['token']}")
    assert anonymous.get("/api/v1/groups/").status_code == 200


def test_a_token_spends_no_one_time_link(anonymous: APIClient, eve: User) -> None:
    link = "/login/link/" + get_query_string(eve)
    given = {"username": "eve", "password": "apple-and-snake"}
    assert anonymous.post(URL, given, format="json").status_code == 200
    assert anonymous.get(link).status_code == 302


@pytest.mark.parametrize(
    "credentials",
    [
        {"username": "eve", "password": "wrong"},
        {"username": "nobody", "password": "apple-and-snake"},
    ],
)
def test_wrong_credentials_are_refused_alike(
    anonymous: APIClient, eve: User, refused: Callable[..., Any], credentials: dict[str, str]
) -> None:
    answer = anonymous.post(URL, credentials, format="json")
    problem = refused(answer, 401, "wrong_credentials")
    assert problem["detail"] == "There is no such user with that password."
    assert answer["WWW-Authenticate"] == "Token"
    assert not AuthToken.objects.exists()


def test_an_inactive_user_gets_none(
    anonymous: APIClient, eve: User, refused: Callable[..., Any]
) -> None:
    User.objects.filter(pk=eve.pk).update(is_active=False)
    answer = anonymous.post(URL, {"username": "eve", "password": "apple-and-snake"}, format="json")
    refused(answer, 401, "wrong_credentials")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"username": "eve"}, "password"),
        ({"username": "eve", "password": ""}, "password"),
        ({"username": "e\x00ve", "password": "x"}, "username"),
        ({"username": "eve", "password": "x", "scope": "all"}, "scope"),
    ],
)
def test_bad_input(
    anonymous: APIClient, refused: Callable[..., Any], body: dict[str, str], field: str
) -> None:
    refused(anonymous.post(URL, body, format="json"), 400, "invalid", field)


def test_guessing_is_slowed_down(
    anonymous: APIClient, eve: User, refused: Callable[..., Any]
) -> None:
    wrong = {"username": "eve", "password": "wrong"}
    answers = [
        anonymous.post(URL, wrong, format="json", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
        for number in range(11)
    ]
    assert [answer.status_code for answer in answers[:10]] == [401] * 10
    refused(answers[10], 429, "throttled")
    assert int(answers[10]["Retry-After"]) > 0


def test_behind_a_proxy_each_address_has_its_own_tries(
    anonymous: APIClient, eve: User, settings: Any
) -> None:
    settings.STARS_HTTPS = True
    wrong = {"username": "eve", "password": "wrong"}
    for number in range(11):
        answer = anonymous.post(
            URL,
            wrong,
            format="json",
            HTTP_X_FORWARDED_FOR=f"203.0.113.7, 198.51.100.{number}",
        )
        assert answer.status_code == 401


def test_a_revoked_token_is_worthless(
    anonymous: APIClient, eve: User, refused: Callable[..., Any]
) -> None:
    _, kept = AuthToken.objects.create(user=eve)
    _, given_back = AuthToken.objects.create(user=eve)
    anonymous.credentials(HTTP_AUTHORIZATION=f"Token {given_back}")
    assert anonymous.delete(URL).status_code == 204
    refused(anonymous.delete(URL), 401, "not_authenticated")
    anonymous.credentials(HTTP_AUTHORIZATION=f"Token {kept}")
    assert anonymous.get("/api/v1/agents/").status_code == 200


@pytest.mark.parametrize("header", ["Token", "Token a b", "Token nonsense", "Token \xff\xfe"])
def test_a_header_that_is_no_token(
    anonymous: APIClient, refused: Callable[..., Any], header: str
) -> None:
    anonymous.credentials(HTTP_AUTHORIZATION=header)
    answer = anonymous.get("/api/v1/agents/")
    refused(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "Token"


def test_a_session_may_look_but_needs_the_csrf_token_to_write(
    eve: User, refused: Callable[..., Any]
) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(eve)
    assert client.get("/api/v1/groups/").status_code == 200
    answer = client.post("/api/v1/groups/", {"name": "Garden"}, format="json")
    assert "CSRF" in refused(answer, 403, "not_allowed")["detail"]
