"""Making, listing and revoking API tokens, by REST and on the page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from knox.models import AuthToken
from rest_framework.test import APIClient

from groups.models import Group, TokenGrant
from groups.services import tokens
from state import pace

URL = "/api/v1/auth/tokens/"


@pytest.fixture
def api(ada: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(ada)
    return client


@pytest.fixture
def browser(ada: User) -> Client:
    client = Client()
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_token_is_made_shown_once_listed_and_revoked(api: APIClient, harbour: Group) -> None:
    given = {"name": "laptop", "scopes": ["run"], "groups": ["Harbour"], "days": 7}
    made = api.post(URL, given, format="json")
    assert made.status_code == 201 and made["Cache-Control"] == "no-store"
    body = made.json()
    holder = APIClient()
    holder.credentials(HTTP_AUTHORIZATION=f"Bearer {body.pop('token')}")
    assert [g["id"] for g in holder.get("/api/v1/groups/").json()["results"]] == ["Harbour"]
    assert api.get(URL).json()["results"] == [body]
    assert (body["scopes"], body["groups"], body["name"]) == (["run"], ["Harbour"], "laptop")
    assert api.delete(f"{URL}{body['id']}/").status_code == 204
    assert holder.get("/api/v1/groups/").status_code == 401
    assert not AuthToken.objects.exists() and not TokenGrant.objects.exists()


def test_what_a_password_brings_is_listed_without_limits(api: APIClient, ada: User) -> None:
    tokens.issue(actor=ada)
    (listed,) = api.get(URL).json()["results"]
    assert listed["scopes"] is None and listed["groups"] is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["fly"]}, "scopes"),
        ({"name": "x", "groups": ["Elsewhere"]}, "groups"),
        ({"name": "x", "groups": ["a\x00b"]}, "groups"),
        ({"name": "x", "days": -1}, "days"),
        ({"name": "x", "days": 9999}, "days"),
        ({"name": "x", "colour": "red"}, "colour"),
    ],
)
def test_bad_input_stands_beside_its_field(
    api: APIClient, given: dict[str, Any], field: str
) -> None:
    answer = api.post(URL, given, format="json")
    assert answer.status_code == 400
    assert any(name.startswith(field) for name in answer.json()["errors"])
    assert not AuthToken.objects.exists()


def test_nobody_revokes_tokens_of_others(api: APIClient, bo: User) -> None:
    token, _ = tokens.make(actor=bo, name="his")
    for id in (tokens.id_of(token), "0", "x" * 16, token.digest):
        assert api.delete(f"{URL}{id}/").status_code == 404
    assert AuthToken.objects.count() == 1


def test_tokens_are_not_made_without_end(
    api: APIClient, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS", 1)
    assert api.post(URL, {"name": "one"}, format="json").status_code == 201
    assert api.post(URL, {"name": "two"}, format="json").status_code == 400
    monkeypatch.setattr(pace.buckets, "take", lambda *a, **k: 3.0)
    answer = api.post(URL, {"name": "two"}, format="json")
    assert answer.status_code == 429 and answer["Retry-After"]


def test_the_page_shows_a_new_token_once(browser: Client, harbour: Group) -> None:
    given = {"name": "phone", "scopes": ["read"], "groups": ["Harbour"], "days": "30"}
    made = browser.post("/tokens/", given)
    assert made.status_code == 200 and "no-store" in made["Cache-Control"]
    found = re.search(r'id="token-text">([0-9a-f]+)<', made.content.decode())
    assert found
    holder = APIClient()
    holder.credentials(HTTP_AUTHORIZATION=f"Bearer {found[1]}")
    assert holder.get("/api/v1/groups/Harbour/").status_code == 200
    again = browser.get("/tokens/").content.decode()
    assert found[1] not in again and "phone" in again and "Harbour" in again
    (token,) = AuthToken.objects.all()
    assert browser.post(f"/tokens/{tokens.id_of(token)}/revoke/").status_code == 303
    assert holder.get("/api/v1/groups/Harbour/").status_code == 401


def test_the_page_says_what_is_wrong_and_only_to_who_is_signed_in(
    browser: Client, client: Client
) -> None:
    refused = browser.post("/tokens/", {"name": "", "scopes": ["read"], "days": "30"})
    assert refused.status_code == 400 and b"id_name_error" in refused.content
    assert client.get("/tokens/").status_code == 302
    assert client.post("/tokens/x/revoke/").status_code == 302


def test_a_groups_page_tells_operators_its_addresses(browser: Client, harbour: Group) -> None:
    page = browser.get("/groups/Harbour/").content.decode()
    assert "http://testserver/v1" in page and "http://testserver/agui/Harbour/" in page
    assert "http://testserver/a2a/Harbour/" in page and "http://testserver/mcp" in page
