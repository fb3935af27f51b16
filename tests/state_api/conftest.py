"""A space of states in memory: the group `lab`, owned by ada, steered by bo, watched by vi, unknown to cy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from groups.models import Group
from state import conf
from state.manager import StateManager
from tests.factories import make_group

ROOT = "/api/v1/spaces/lab/"
STATES = f"{ROOT}states/"


class Client(APIClient):
    """Sends JSON, and headers by their names."""

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """`path` below the space unless it begins with a slash; `If_Match="…"` is the header If-Match."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = given.pop("Content-Type", "application/json")
        url = path if path.startswith("/") else ROOT + path
        content: Any = {}
        if body is not None:
            raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
            content = {"data": raw, "content_type": kind}
        return getattr(self, method)(url, headers=given, **content)


def client_for(user: User | None) -> Client:
    """A client of that user; None: of nobody."""
    client = Client()
    if user is not None:
        client.force_authenticate(user)
    return client


@pytest.fixture
def stored() -> dict[str, Any]:
    """Where this module's states are kept."""
    return {"type": "memory", "retention": {}, "min_entries": 0}


@pytest.fixture(autouse=True)
def manager(db: None, settings: Any, stored: dict[str, Any]) -> Iterator[StateManager]:
    """This test's StateManager."""
    settings.STARS_STATES = stored
    conf.close_manager()
    yield conf.manager()
    conf.close_manager()


@pytest.fixture
def lab(ada: User, bo: User, vi: User) -> Group:
    """A leader and two workers."""
    return make_group(
        group_id="lab", owner=ada, operator=bo, viewer=vi, leader="lena", workers=("wim", "wes")
    )


@pytest.fixture
def owner(lab: Group, ada: User) -> Client:
    return client_for(ada)


@pytest.fixture
def operator(lab: Group, bo: User) -> Client:
    return client_for(bo)


@pytest.fixture
def viewer(lab: Group, vi: User) -> Client:
    return client_for(vi)


@pytest.fixture
def outsider(lab: Group, cy: User) -> Client:
    return client_for(cy)


@pytest.fixture
def anonymous(lab: Group) -> Client:
    return client_for(None)


def is_problem(response: Any, status: int, reason: str = "", field: str = "") -> dict[str, Any]:
    """The problem that the response is; asserts its status and, if given, its reason and a faulty field."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["title"] and problem["detail"] and problem["instance"]
    assert problem["type"] in ("about:blank", f"/problems/{problem['reason']}")
    if reason:
        assert problem["reason"] == reason, problem
    if field:
        assert field in problem["errors"], problem
    return problem


@pytest.fixture
def refused() -> Callable[..., dict[str, Any]]:
    """`is_problem`."""
    return is_problem


def fine(response: Any, status: int = 200) -> Any:
    """The body of an answer that is no refusal."""
    assert response.status_code == status, response.content
    return response.json()


@pytest.fixture
def plan(owner: Client) -> dict[str, Any]:
    """A state `plan` with two paths, at version 1."""
    body = {"id": "plan", "type": "session", "data": {"a": 1, "b": {"c": [1, 2]}}}
    return dict(fine(owner.ask("post", "states/", body), 201))
