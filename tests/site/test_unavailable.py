"""The database does not answer: every door says 503 and when to come back, in the form that whoever asked can show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.test import AsyncClient, Client
from rest_framework.test import APIClient

from groups.api import stream
from groups.models import Group
from tests.factories import make_token

#: A run that nobody can look for.
RUN = "01a20659-5c57-70af-93e1-d19fe82e79a3"
SECRET = "could not connect to db.internal as stars"


@contextmanager
def queries_raise(error: Exception) -> Iterator[None]:
    """While it lasts no query is answered."""

    def fail(*args: Any) -> NoReturn:
        raise error

    with connection.execute_wrapper(fail):
        yield


@pytest.fixture(params=[OperationalError, InterfaceError])
def away(request: pytest.FixtureRequest, browser: Client) -> Iterator[None]:
    """The browser is signed in; then the database goes away."""
    with queries_raise(request.param(SECRET)):
        yield


@pytest.fixture
def browser(ada: User) -> Client:
    client = Client(headers={"Accept": "text/html"})
    client.force_login(ada)
    return client


def is_unavailable(answer: Any) -> str:
    """Its text; asserts status and headers."""
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    text: str = answer.content.decode()
    assert SECRET not in text
    return text


@pytest.mark.parametrize("path", ["/", "/runs/", f"/runs/{RUN}/", "/agents/", "/admin/"])
def test_pages(browser: Client, away: None, path: str) -> None:
    page = is_unavailable(browser.get(path))
    assert "<html" in page and "A service that Stars needs did not answer" in page


def test_pages_in_chinese(browser: Client, away: None) -> None:
    page = is_unavailable(browser.get("/", headers={"Accept-Language": "zh-hans"}))
    assert "没有响应" in page and "That did not work" not in page


def test_signing_in(away: None) -> None:
    given = {"username": "ada", "password": "secret-ada"}
    assert "<html" in is_unavailable(Client().post("/login/", given))


def test_choosing_a_language(browser: Client, away: None) -> None:
    """What is asked of the database after the view is refused likewise."""
    browser.raise_request_exception = False
    assert "<html" in is_unavailable(browser.post("/i18n/setlang/", {"language": "zh-hans"}))


def test_fragments(browser: Client, away: None) -> None:
    notice = is_unavailable(browser.get("/agents/", headers={"HX-Request": "true"}))
    assert 'role="alert"' in notice and "<html" not in notice


def test_scripts_of_pages(browser: Client, away: None) -> None:
    answer = browser.post(
        f"/runs/{RUN}/pause/",
        "{}",
        "application/json",
        headers={"Accept": "application/json"},
    )
    is_unavailable(answer)
    assert answer.json()["reason"] == "unavailable"


def is_problem(answer: Any, path: str) -> None:
    is_unavailable(answer)
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["reason"], problem["instance"]) == (503, "unavailable", path)


def test_the_api(harbour: Group, ada: User) -> None:
    client = APIClient(HTTP_AUTHORIZATION=f"Token {make_token(user=ada)}")
    path = "/api/v1/groups/Harbour/runs/"
    assert client.get(path).status_code == 200
    with queries_raise(OperationalError(SECRET)):
        is_problem(client.get(path), path)
        is_problem(client.post(path, {"task": "Count"}, format="json"), path)


async def test_the_event_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*args: Any) -> NoReturn:
        raise OperationalError(SECRET)

    monkeypatch.setattr(stream, "known", fail)
    path = f"/api/v1/runs/{RUN}/events/stream"
    is_problem(await AsyncClient().get(path), path)


def test_other_errors_are_errors(browser: Client) -> None:
    browser.raise_request_exception = False
    with queries_raise(ProgrammingError("no such column")):
        answer = browser.get("/")
    assert answer.status_code == 500
    assert "Something broke" in answer.content.decode()
