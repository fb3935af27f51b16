"""The OpenAPI document about syncing: every address, asynchronous ones too, and what they really answer."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from asgiref.sync import SyncToAsync
from django.contrib.auth.models import User
from django.db import connections
from drf_spectacular.generators import SchemaGenerator

from groups.models import Group
from state.manager import StateManager
from state.sync import changes as syncing
from tests.state_api.asker import Asker, create, write
from tests.state_api.conftest import Client, fine

SPACE = "/api/v1/spaces/{space}/"
ROUTES = {
    "changes": {"get"},
    "changes/stream": {"get"},
    "snapshot": {"get"},
    "connections/": {"get", "post"},
    "connections/{connection_id}/": {"get", "delete"},
    "sync-tasks/": {"get", "post"},
    "sync-tasks/{task_id}/": {"get"},
    "sync-tasks/{task_id}/cancel/": {"post"},
}


@pytest.fixture(scope="module")
def document() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]


def check(document: Any, shape: str, value: Any) -> None:
    """The value is as the document says, and has nothing that it does not say."""
    components = document["components"]
    schema = {"$ref": f"#/components/schemas/{shape}", "components": components}
    jsonschema.Draft202012Validator(schema).validate(value)
    assert value.keys() <= components["schemas"][shape]["properties"].keys()


def test_every_route_is_described_under_its_tag(document: Any) -> None:
    found = {
        path.removeprefix(SPACE): methods
        for path, methods in document["paths"].items()
        if path.removeprefix(SPACE) in ROUTES
    }
    assert {path: set(methods) for path, methods in found.items()} == ROUTES
    for path, methods in found.items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["tags"] == ["syncing"], where
            headers = {each["name"] for each in operation["parameters"] if each["in"] == "header"}
            assert "Stars-Agent" in headers, where
            assert {"401", "404", "503"} <= operation["responses"].keys(), where


def test_what_may_come_of_waiting_is_said(document: Any) -> None:
    poll = document["paths"][f"{SPACE}changes"]["get"]
    assert {"200", "204", "410"} <= poll["responses"].keys()
    assert "Stars-Token" in poll["responses"]["204"]["headers"]
    limits = {each["name"]: each["schema"].get("maximum") for each in poll["parameters"]}
    assert (limits["limit"], limits["wait"]) == (syncing.MAX_LIMIT, syncing.MAX_WAIT)
    stream = document["paths"][f"{SPACE}changes/stream"]["get"]
    assert "text/event-stream" in stream["responses"]["200"]["content"]


def test_examples_are_valid(document: Any) -> None:
    schemas = document["components"]["schemas"]
    for shape in ("ConnectionNewRequest", "SyncTaskNewRequest"):
        check(document, shape, *schemas[shape]["examples"])
    for path in ("changes", "snapshot"):
        content = document["paths"][SPACE + path]["get"]["responses"]["200"]["content"]
        check(document, "ChangesPage", content["application/json"]["example"])


def test_connections_and_tasks_are_as_described(owner: Client, plan: Any, document: Any) -> None:
    hook = {"agent": "wim", "address": "https://example.com/"}
    made = fine(owner.ask("post", "connections/", hook), 201)
    check(document, "ConnectionMade", made)
    check(document, "AgentConnection", fine(owner.ask("get", f"connections/{made['id']}/")))
    task = fine(owner.ask("post", "sync-tasks/", {"type": "broadcast", "state": "plan"}), 202)
    check(document, "SyncTask", fine(owner.ask("get", f"sync-tasks/{task['id']}/")))


@pytest.mark.django_db(transaction=True)
async def test_changes_are_as_described(
    lab: Group, manager: StateManager, ada: User, document: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "LINGER", 0.0)
    await create(manager, "plan", {"n": 0})
    who = Asker(ada)
    first = await who.fine("snapshot")
    check(document, "ChangesPage", first)
    await write(manager, "plan", n=1)
    page = await who.fine("changes", since=first["token"])
    check(document, "ChangesPage", page)
    assert page["entries"]
    SyncToAsync.single_thread_executor.submit(connections.close_all).result(5)
