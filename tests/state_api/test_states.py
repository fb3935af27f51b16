"""Making, reading, replacing and removing states."""

from __future__ import annotations

from typing import Any

import pytest

from tests.state_api.conftest import ROOT, Client, fine, is_problem


def test_a_state_is_made_and_read(owner: Client) -> None:
    answer = owner.ask(
        "post",
        "states/",
        {
            "id": "run/12",
            "name": "Results",
            "type": "resource",
            "owners": ["agent:wim"],
            "data": {"a": {"b": 1}},
            "tags": ["t"],
            "metadata": {"why": "test"},
            "access_policy": {"public": True},
            "resolution": "last_write",
        },
    )
    written = fine(answer, 201)
    assert (written["id"], written["version"], written["revision"]) == ("run/12", 1, 1)
    assert (written["status"], written["changed"], written["merged"]) == ("applied", True, False)
    assert answer["ETag"] == written["etag"] == f'"{written["uid"]}-1"'
    assert answer["Stars-Revision"] == "1"
    assert answer["Location"] == f"http://testserver{ROOT}states/run/12/"
    found = owner.ask("get", answer["Location"].removeprefix("http://testserver"))
    state = fine(found)
    assert found["ETag"] == answer["ETag"] and found["Stars-Revision"] == "1"
    assert state["data"] == {"a": {"b": 1}} and state["name"] == "Results"
    assert state["owners"] == ["human:ada", "agent:wim"]
    assert state["type"] == "resource" and state["resolution"] == "last_write"
    assert state["metadata"] == {"why": "test"} and state["access_policy"]["public"]
    assert state["sync_status"] == "synced" and state["pending_ops"] == []
    assert state["etag"] == answer["ETag"] and "blame" not in state


def test_there_is_one_state_by_an_id(owner: Client, plan: Any) -> None:
    problem = is_problem(owner.ask("post", "states/", {"id": "plan"}), 409, "exists", "id")
    assert problem["etag"] == plan["etag"] and problem["type"] == "/problems/exists"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "id"),
        ({"id": 3}, "id"),
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": "a/history"}, "id"),
        ({"id": "x" * 201}, "id"),
        ({"id": "s", "type": "bogus"}, "type"),
        ({"id": "s", "type": "global"}, "type"),
        ({"id": "s", "data": [1]}, "data"),
        ({"id": "s", "data": None}, "data"),
        ({"id": "s", "dta": {}}, "dta"),
        ({"id": "s", "owners": ["a b"]}, "owners"),
        ({"id": "s", "tags": [""]}, "tags"),
        ({"id": "s", "merge": "bogus"}, "merge"),
        ({"id": "s", "resolution": "bogus"}, "resolution"),
        ({"id": "s", "access_policy": {"publik": True}}, "access_policy.publik"),
        ({"id": "s", "access_policy": {"read_allow": ["x y"]}}, "access_policy.read_allow"),
        ({"id": "s", "op_id": 7}, "op_id"),
        ({"id": "s", "retention": -1}, "retention"),
    ],
)
def test_a_state_cannot_be_made_so(owner: Client, body: Any, field: str) -> None:
    is_problem(owner.ask("post", "states/", body), 400, "invalid", field)
    assert fine(owner.ask("get", "states/"))["results"] == []


@pytest.mark.parametrize("schema", [{"type": "bogus"}, {"properties": 3}])
def test_a_schema_that_is_no_schema(owner: Client, schema: Any) -> None:
    is_problem(owner.ask("post", "states/", {"id": "s", "schema": schema}), 422, "invalid")


def test_data_that_the_schema_forbids(owner: Client) -> None:
    schema = {"properties": {"n": {"type": "integer"}}}
    body = {"id": "s", "schema": schema, "data": {"n": "x"}}
    is_problem(owner.ask("post", "states/", body), 422, "invalid", "data/n")


def test_an_old_version_is_read(owner: Client, plan: Any) -> None:
    fine(owner.ask("put", "states/plan/", {"z": 1}))
    old = owner.ask("get", "states/plan/?version=1")
    assert fine(old)["data"] == {"a": 1, "b": {"c": [1, 2]}} and old["ETag"] == plan["etag"]
    assert fine(owner.ask("get", "states/plan/"))["data"] == {"z": 1}
    is_problem(owner.ask("get", "states/plan/?version=3"), 404)


@pytest.mark.parametrize(
    ("path", "value"),
    [("a", 1), ("/b/c/1", 2), ("/b", {"c": [1, 2]}), ("", {"a": 1, "b": {"c": [1, 2]}})],
)
def test_one_path_is_read(owner: Client, plan: Any, path: str, value: Any) -> None:
    found = owner.ask("get", f"states/plan/?path={path}")
    assert fine(found)["value"] == value and found["ETag"] == plan["etag"]


def test_paths_that_lead_nowhere(owner: Client, plan: Any) -> None:
    is_problem(owner.ask("get", "states/plan/?path=/b/d"), 404, "not_found", "path")
    is_problem(owner.ask("get", "states/plan/?path=/b~2"), 400, "invalid", "path")


def test_who_has_the_version_is_told_so(owner: Client, plan: Any) -> None:
    weak = f'"x-1", W/{plan["etag"]}'
    for tags in (plan["etag"], weak, "*"):
        answer = owner.ask("get", "states/plan/", If_None_Match=tags)
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", plan["etag"])
    assert owner.ask("get", "states/plan/", If_None_Match='"x-1"').status_code == 200
    assert owner.ask("get", "states/plan/", If_Match=plan["etag"]).status_code == 200
    is_problem(owner.ask("get", "states/plan/", If_Match='"x-1"'), 412, "stale")


def test_reading_waits_for_no_revision_that_does_not_come(owner: Client, plan: Any) -> None:
    assert owner.ask("get", "states/plan/?min_revision=1").status_code == 200
    problem = is_problem(owner.ask("get", "states/plan/?min_revision=2"), 409, "future_revision")
    assert problem["head"] == 1


def test_blame_names_the_writer_of_each_leaf(owner: Client, plan: Any) -> None:
    fine(owner.ask("post", "states/plan/ops/", {"updates": {"a": 2}}, Stars_Agent="wim"))
    state = fine(owner.ask("get", "states/plan/?blame=true"))
    assert {path: each["agent"] for path, each in state["blame"].items()} == {
        "/a": "agent:wim",
        "/b/c/0": "human:ada",
        "/b/c/1": "human:ada",
    }
    assert fine(owner.ask("get", "states/plan/blame/"))["blame"] == state["blame"]
    is_problem(owner.ask("get", "states/plan/?blame=true&version=1"), 400, "invalid", "blame")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("version=0", "version"),
        ("version=x", "version"),
        ("version=1&version=2", "version"),
        ("min_revision=-1", "min_revision"),
        ("consistency=bogus", "consistency"),
        ("blame=yes", "blame"),
        ("pth=/a", "pth"),
        ("path=%00", "path"),
    ],
)
def test_questions_that_are_not_understood(
    owner: Client, plan: Any, query: str, field: str
) -> None:
    is_problem(owner.ask("get", f"states/plan/?{query}"), 400, "invalid", field)


def test_every_level_of_consistency_can_be_asked_for(owner: Client, plan: Any) -> None:
    for level in ("strong", "weak", "eventual"):
        assert fine(owner.ask("get", f"states/plan/?consistency={level}"))["version"] == 1


def test_put_replaces_the_whole(owner: Client, plan: Any) -> None:
    answer = owner.ask("put", "states/plan/", {"z": None}, If_Match=plan["etag"])
    assert fine(answer)["version"] == 2 and answer["ETag"] == f'"{plan["uid"]}-2"'
    assert fine(owner.ask("get", "states/plan/"))["data"] == {"z": None}


def test_put_makes_a_state_only_if_there_is_none(owner: Client, plan: Any) -> None:
    answer = owner.ask("put", "states/new/one/", {"z": 1}, If_None_Match="*")
    assert fine(answer, 201)["id"] == "new/one"
    assert answer["Location"].endswith("/states/new/one/")
    problem = is_problem(owner.ask("put", "states/plan/", {}, If_None_Match="*"), 412, "stale")
    assert problem["etag"] == plan["etag"]
    is_problem(owner.ask("put", "states/other/", {"z": 1}), 404, "not_found")


@pytest.mark.parametrize("body", [b"[]", b'"a"', b"null", b"3"])
def test_a_document_is_an_object(owner: Client, plan: Any, body: bytes) -> None:
    is_problem(owner.ask("put", "states/plan/", body), 422, "invalid")
    is_problem(owner.ask("put", "states/other/", body, If_None_Match="*"), 422, "invalid")


def test_nothing_is_not_an_empty_document(owner: Client, plan: Any) -> None:
    is_problem(owner.ask("put", "states/plan/", b""), 400, "malformed")
    assert fine(owner.ask("get", "states/plan/"))["version"] == 1


def test_what_changes_nothing_is_no_version(owner: Client, plan: Any) -> None:
    answer = owner.ask("put", "states/plan/", {"b": {"c": [1, 2.0]}, "a": 1.0})
    written = fine(answer)
    assert (written["changed"], written["status"], written["version"]) == (False, "unchanged", 1)
    assert answer["ETag"] == plan["etag"]


def test_a_removed_state_goes_on_counting(owner: Client, plan: Any) -> None:
    answer = owner.ask("delete", "states/plan/", If_Match=plan["etag"])
    assert fine(answer)["version"] == 2
    is_problem(owner.ask("get", "states/plan/"), 404, "not_found")
    is_problem(owner.ask("delete", "states/plan/"), 404, "not_found")
    tombstones = fine(owner.ask("get", "states/?deleted=true"))["results"]
    assert [(each["id"], each["version"]) for each in tombstones] == [("plan", 2)]
    again = fine(owner.ask("post", "states/", {"id": "plan"}), 201)
    assert again["version"] == 3 and again["uid"] != plan["uid"]
    # What was known of the earlier life is no precondition of this one.
    tag = f'"{plan["uid"]}-3"'
    is_problem(owner.ask("put", "states/plan/", {"x": 1}, If_Match=tag), 412)


def test_head_and_options(owner: Client, plan: Any) -> None:
    answer = owner.ask("head", "states/plan/")
    assert (answer.status_code, answer["ETag"]) == (200, plan["etag"])
    assert "PATCH" in owner.ask("options", "states/plan/")["Allow"]
    is_problem(owner.ask("post", "states/plan/", {}), 405, "method_not_allowed")


def test_reserved_last_words_are_no_states(owner: Client, plan: Any) -> None:
    is_problem(owner.ask("get", "states/history/"), 404)
    is_problem(owner.ask("put", "states/x/ops/", {}, If_None_Match="*"), 405)
