"""Lists of states, histories, differences; that their cost does not grow; going back."""

from __future__ import annotations

from typing import Any

import pytest

from state.policy import Caller
from state.values import Operation, OperationType
from tests.state_api.conftest import Client, fine, is_problem


@pytest.fixture
def stored() -> dict[str, Any]:
    """In the database, whose questions can be counted."""
    return {"type": "database", "retention": {}, "min_entries": 0}


@pytest.fixture
def many(owner: Client) -> Client:
    """Five states of different kinds."""
    for body in (
        {"id": "notes/a", "tags": ["red", "big"], "data": {"n": 1}},
        {"id": "notes/b", "tags": ["blue"], "owners": ["agent:wim"]},
        {"id": "plan", "type": "workflow"},
        {"id": "run/1", "type": "task", "tags": ["red"]},
        {"id": "run/2", "type": "task"},
    ):
        fine(owner.ask("post", "states/", body), 201)
    return owner


def ids(client: Client, query: str = "") -> list[str]:
    return [each["id"] for each in fine(client.ask("get", f"states/?{query}"))["results"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["notes/a", "notes/b", "plan", "run/1", "run/2"]),
        ("type=task", ["run/1", "run/2"]),
        ("prefix=notes/", ["notes/a", "notes/b"]),
        ("text=NOTES+wim", ["notes/b"]),
        ("tag=red", ["notes/a", "run/1"]),
        ("tag=red&tag=blue", ["notes/a", "notes/b", "run/1"]),
        ("tag=red&type=task", ["run/1"]),
        ("owner=agent:wim", ["notes/b"]),
        ("owner=wim", ["notes/b"]),
        ("owner=agent:wim&owner=human:bo", ["notes/b"]),
        ("sync_status=synced&type=workflow", ["plan"]),
        ("sync_status=pending", []),
        ("updated_since=2000-01-01T00:00:00Z", ["notes/a", "notes/b", "plan", "run/1", "run/2"]),
        ("updated_since=2100-01-01T00:00:00%2B02:00", []),
        ("deleted=true", []),
        ("deleted=false&prefix=run/2", ["run/2"]),
    ],
)
def test_filters(many: Client, query: str, found: list[str]) -> None:
    assert ids(many, query) == found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("bogus=1", "bogus"),
        ("type=bogus", "type"),
        ("type=task&type=agent", "type"),
        ("sync_status=bogus", "sync_status"),
        ("updated_since=yesterday", "updated_since"),
        ("updated_since=2026-01-01T00:00:00", "updated_since"),
        ("updated_since=0001-01-01T00:00:00%2B10:00", "updated_since"),
        ("deleted=1", "deleted"),
        ("data=", "data"),
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("continue=%25", "continue"),
        ("continue=AAAA", "continue"),
        ("prefix=%00", "prefix"),
        ("tag=%00", "tag"),
        ("text=" + "a+" * 100 + "a", "text"),
    ],
)
def test_filters_that_are_not_understood(owner: Client, query: str, field: str) -> None:
    is_problem(owner.ask("get", f"states/?{query}"), 400, "invalid", field)


def test_pages(many: Client) -> None:
    first = many.ask("get", "states/?limit=2&type=task")
    assert fine(first)["next"] is None and first["Stars-Revision"] == "5"
    seen, link = [], "/api/v1/spaces/lab/states/?limit=2"
    while link:
        page = fine(many.ask("get", link.removeprefix("http://testserver")))
        assert len(page["results"]) <= 2 and page["revision"] == 5
        seen += [each["id"] for each in page["results"]]
        link = page["next"]
    assert seen == ids(many)


def test_documents_come_when_asked_for(many: Client) -> None:
    plain = fine(many.ask("get", "states/?prefix=notes/a"))["results"][0]
    assert "data" not in plain and plain["etag"].endswith('-1"') and plain["owners"]
    [full] = fine(many.ask("get", "states/?prefix=notes/a&data=true"))["results"]
    assert full["data"] == {"n": 1}


def test_the_space_counts(many: Client) -> None:
    many.ask("delete", "states/notes/a/")
    space = fine(many.ask("get", ""))
    assert (space["id"], space["revision"], space["compact_revision"]) == ("lab", 6, 0)
    assert space["epoch"] and space["counts"] == {
        "total_states": 5,
        "active_states": 4,
        "pending_operations": 0,
        "open_conflicts": 0,
    }


def test_history_newest_first(owner: Client, plan: Any) -> None:
    for value in range(2, 6):
        fine(owner.ask("post", "states/plan/ops/", {"updates": {"a": value}}))
    page = fine(owner.ask("get", "states/plan/history/?limit=2"))
    assert [each["version"] for each in page["results"]] == [5, 4]
    entry = page["results"][0]
    assert (entry["kind"], entry["agent"], entry["revision"]) == ("update", "human:ada", 5)
    assert entry["ops"] == [{"op": "set", "path": "/a", "value": 5}]
    page = fine(owner.ask("get", page["next"].removeprefix("http://testserver")))
    assert [each["version"] for each in page["results"]] == [3, 2]
    page = fine(owner.ask("get", page["next"].removeprefix("http://testserver")))
    assert [each["version"] for each in page["results"]] == [1] and page["next"] is None
    assert page["results"][0]["kind"] == "create"
    is_problem(owner.ask("get", "states/plan/history/?before=x"), 400, "invalid", "before")
    is_problem(owner.ask("get", "states/none/history/"), 404)


def test_differences_of_versions(owner: Client, plan: Any) -> None:
    fine(owner.ask("put", "states/plan/", {"a": True, "z": 1}))
    found = fine(owner.ask("get", "states/plan/diff/?from=1&to=2"))
    assert (found["from"], found["to"]) == (1, 2)
    changes = {each["path"]: (each["kind"], each["old"], each["new"]) for each in found["changes"]}
    assert changes == {
        "/a": ("changed", 1, True),
        "/b": ("removed", {"c": [1, 2]}, None),
        "/z": ("added", None, 1),
    }
    assert fine(owner.ask("get", "states/plan/diff/?from=1"))["changes"] == found["changes"]
    assert fine(owner.ask("get", "states/plan/diff/?from=2&to=2"))["changes"] == []
    is_problem(owner.ask("get", "states/plan/diff/"), 400, "invalid", "from")
    is_problem(owner.ask("get", "states/plan/diff/?from=1&to=0"), 400, "invalid", "to")
    is_problem(owner.ask("get", "states/plan/diff/?from=1&to=9"), 404)


def test_an_old_version_becomes_a_new_one(owner: Client, plan: Any) -> None:
    fine(owner.ask("put", "states/plan/", {"z": 1}))
    answer = owner.ask("post", "states/plan/restore/", {"version": 1, "base_version": 2})
    assert fine(answer)["version"] == 3
    assert fine(owner.ask("get", "states/plan/"))["data"] == {"a": 1, "b": {"c": [1, 2]}}
    is_problem(owner.ask("post", "states/plan/restore/", {"version": 9}), 404)
    stale = {"version": 2, "base_version": 1}
    is_problem(owner.ask("post", "states/plan/restore/", stale), 409, "conflict")
    for body, field in (({}, "version"), ({"version": 0}, "version"), ({"vers": 1}, "vers")):
        is_problem(owner.ask("post", "states/plan/restore/", body), 400, "invalid", field)


def test_settings(owner: Client, plan: Any) -> None:
    found = fine(owner.ask("get", "states/plan/config/"))
    assert found["etag"] == plan["etag"] and found["settings"]["resolution"] == "merge"
    changes = {
        "name": "The plan",
        "access_policy": {"read_allow": ["*"]},
        "schema": {"properties": {"a": {"type": "integer"}}},
        "resolution": "reject",
    }
    answer = owner.ask("patch", "states/plan/config/", changes, If_Match=plan["etag"])
    assert fine(answer)["version"] == 2
    settings = fine(owner.ask("get", "states/plan/config/"))["settings"]
    assert settings["name"] == "The plan" and settings["schema"] == changes["schema"]
    assert settings["access_policy"]["public"] is False
    assert fine(owner.ask("get", "states/plan/"))["data"]["a"] == 1
    [entry, _] = fine(owner.ask("get", "states/plan/history/"))["results"]
    assert entry["kind"] == "config" and entry["config"]["resolution"] == "reject"
    is_problem(owner.ask("put", "states/plan/", {"a": "x"}), 422, "invalid")


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"bogus": 1}, 400, "bogus"),
        ({"owners": []}, 409, "owners"),
        ({"consistency": "bogus"}, 400, "consistency"),
        ({"merge": "bogus"}, 400, "merge"),
        ({"frozen": "yes"}, 400, "frozen"),
        ({"schema": {"type": 3}}, 422, ""),
        ({"schema": {"properties": {"a": {"type": "string"}}}}, 422, "data/a"),
        ({"access_policy": {"everyone": True}}, 400, "access_policy.everyone"),
        ({"base_version": 7, "name": "x"}, 409, ""),
    ],
)
def test_settings_that_cannot_be(
    owner: Client, plan: Any, changes: Any, status: int, field: str
) -> None:
    is_problem(owner.ask("patch", "states/plan/config/", changes), status, field=field)
    assert fine(owner.ask("get", "states/plan/"))["version"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "states/",
        "states/?data=true&tag=red",
        "states/one/",
        "states/one/?path=/n",
        "states/one/history/?limit=5",
        "/api/v1/spaces/",
        "",
    ],
)
def test_what_is_asked_of_the_database_does_not_grow(
    owner: Client, manager: Any, path: str, django_assert_num_queries: Any
) -> None:
    def grow(versions: int, states: int) -> None:
        caller = Caller(space="lab", name="human:ada", admin=True)
        for n in range(states):
            manager.create_state(caller, f"s{states}/{n}", data={"n": n}, tags=["red"])
        for n in range(versions):
            manager.update_state(caller, "one", [Operation(OperationType.SET, "/n", n + versions)])

    fine(owner.ask("post", "states/", {"id": "one", "data": {"n": 0}}), 201)
    grow(2, 2)
    with django_assert_num_queries(100, exact=False) as few:
        fine(owner.ask("get", path))
    grow(20, 20)
    with django_assert_num_queries(len(few), exact=True):
        fine(owner.ask("get", path))
    assert 0 < len(few) < 12
