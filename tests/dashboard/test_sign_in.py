"""Signing in with a password, with a one-time link, and out again."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from sesame.utils import get_query_string

from groups.services.guesses import ATTEMPTS
from tests.dashboard.conftest import Browser


@pytest.fixture(autouse=True)
def _no_counts() -> None:
    cache.clear()


def test_with_a_password(ada: User, nobody: Browser) -> None:
    assert "Sign in" in nobody.get("/login/").content.decode()
    given = {"username": "ada", "password": "secret-ada", "next": "/agents/"}
    answer = nobody.post("/login/", given)
    assert (answer.status_code, answer["Location"]) == (302, "/agents/")
    assert nobody.get("/agents/").status_code == 200


def test_a_wrong_password_is_said_in_the_form(ada: User, nobody: Browser) -> None:
    answer = nobody.post("/login/", {"username": "ada", "password": "wrong"})
    assert answer.status_code == 200
    assert 'class="form-error"' in answer.content.decode()


def test_too_many_wrong_passwords_make_it_wait(ada: User, bo: User, nobody: Browser) -> None:
    for _ in range(ATTEMPTS):
        nobody.post("/login/", {"username": "ada", "password": "wrong"})
    right = {"username": " ADA ", "password": "secret-ada"}
    refused = nobody.post("/login/", right)
    assert (refused.status_code, refused["Retry-After"]) == (429, "300")
    assert "Too many wrong passwords" in refused.content.decode()
    # Somebody else at the same address still comes in.
    assert nobody.post("/login/", {"username": "bo", "password": "secret-bo"}).status_code == 302


def test_it_never_leads_to_another_site(ada: User, nobody: Browser) -> None:
    given = {"username": "ada", "password": "secret-ada", "next": "https://evil.example/"}
    assert nobody.post("/login/", given)["Location"] == "/"


def test_the_link_signs_in_once(ada: User, nobody: Browser) -> None:
    link = "/login/link/" + get_query_string(ada)
    assert nobody.get(link).status_code == 302
    assert nobody.get("/").status_code == 200
    again = Browser().get(link)
    assert again.status_code == 403
    assert "This link is spent" in again.content.decode()


@pytest.mark.parametrize("query", ["", "?sesame=", "?sesame=rubbish", "?sesame=%00"])
def test_a_wrong_link_is_spent_too(query: str, nobody: Browser) -> None:
    assert nobody.get("/login/link/" + query).status_code == 403


def test_out_again(owner: Browser) -> None:
    assert owner.get("/logout/").status_code == 405
    assert owner.post("/logout/").status_code == 302
    assert owner.get("/").status_code == 302
