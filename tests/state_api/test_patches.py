"""PATCH by JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.state_api.conftest import Client, fine, is_problem

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"


def patch(client: Client, body: Any, kind: str = JSON_PATCH, **headers: str) -> Any:
    return client.ask("patch", "states/plan/", body, Content_Type=kind, **headers)


def data(client: Client) -> Any:
    return fine(client.ask("get", "states/plan/"))["data"]


def test_a_json_patch(owner: Client, plan: Any) -> None:
    ops = [
        {"op": "test", "path": "/a", "value": 1},
        {"op": "add", "path": "/b/c/1", "value": 9},
        {"op": "copy", "from": "/b/c/0", "path": "/first"},
        {"op": "move", "from": "/a", "path": "/b/a"},
        {"op": "replace", "path": "/b/a", "value": 5},
        {"op": "add", "path": "/b/c/-", "value": 3},
        {"op": "remove", "path": "/b/c/0"},
    ]
    answer = patch(owner, ops, If_Match=plan["etag"])
    assert fine(answer)["version"] == 2 and answer["ETag"] == f'"{plan["uid"]}-2"'
    assert data(owner) == {"b": {"a": 5, "c": [9, 2, 3]}, "first": 1}


def test_a_failing_test_is_a_conflict(owner: Client, plan: Any) -> None:
    ops = [{"op": "test", "path": "/a", "value": 2}, {"op": "remove", "path": "/b"}]
    problem = is_problem(patch(owner, ops), 409, "conflict")
    [cause] = problem["causes"]
    assert (problem["conflict_type"], cause["kind"], cause["path"]) == (
        "write_write",
        "cas_value",
        "/a",
    )
    assert "b" in data(owner)


def test_a_test_alone_writes_nothing(owner: Client, plan: Any) -> None:
    written = fine(patch(owner, [{"op": "test", "path": "/a", "value": 1.0}]))
    assert (written["status"], written["version"]) == ("unchanged", 1)


def test_who_tests_is_not_blamed(owner: Client, plan: Any) -> None:
    ops = [{"op": "test", "path": "/a", "value": 1}, {"op": "add", "path": "/z", "value": 1}]
    fine(patch(owner, ops, Stars_Agent="wim"))
    blame = fine(owner.ask("get", "states/plan/blame/"))["blame"]
    assert (blame["/a"]["agent"], blame["/z"]["agent"]) == ("human:ada", "agent:wim")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"op": "add"}, ""),
        ([{"op": "bogus", "path": "/a"}], "[0].op"),
        ([{"op": "remove", "path": "/nothing"}], "[0].path"),
        ([{"op": "replace", "path": "a", "value": 1}], "[0].path"),
        ([{"op": "add", "path": "/a"}], "[0].value"),
        ([{"op": "move", "path": "/a"}], "[0].from"),
        (
            [{"op": "add", "path": "/x", "value": 1}, {"op": "add", "path": "", "value": 1}],
            "[1].path",
        ),
        ([3], "[0].op"),
    ],
)
def test_patches_that_do_not_fit(owner: Client, plan: Any, body: Any, field: str) -> None:
    is_problem(patch(owner, body), 422, "invalid", field)
    assert fine(owner.ask("get", "states/plan/"))["version"] == 1


def test_a_strong_state_is_not_patched_blindly(owner: Client) -> None:
    body = {"id": "plan", "consistency": "strong", "data": {"a": [1]}}
    etag = fine(owner.ask("post", "states/", body), 201)["etag"]
    ops = [{"op": "add", "path": "/a/0", "value": 0}]
    is_problem(patch(owner, ops), 428, "base_required")
    is_problem(patch(owner, {"a": 1}, MERGE_PATCH), 428, "base_required")
    fine(patch(owner, ops, If_Match=etag))
    assert data(owner) == {"a": [0, 1]}


def test_a_merge_patch(owner: Client, plan: Any) -> None:
    fine(patch(owner, {"a": None, "b": {"d": [None]}, "x": {"y": 1}}, MERGE_PATCH))
    assert data(owner) == {"b": {"c": [1, 2], "d": [None]}, "x": {"y": 1}}
    is_problem(patch(owner, [], MERGE_PATCH), 422, "invalid")


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/json; a=b"])
def test_other_media_types_are_told_the_right_ones(owner: Client, plan: Any, kind: str) -> None:
    problem = is_problem(patch(owner, {}, kind), 415, "unsupported_media_type")
    assert JSON_PATCH in problem["detail"] and MERGE_PATCH in problem["detail"]
    accepted = owner.ask("options", "states/plan/")["Accept-Patch"]
    assert accepted == f"{JSON_PATCH}, {MERGE_PATCH}"
    answer = owner.ask("put", "states/plan/", {}, Content_Type=MERGE_PATCH)
    assert "application/json" in is_problem(answer, 415)["detail"]
    answer = owner.ask("post", "states/plan/ops/", b"a=1", Content_Type="text/plain")
    is_problem(answer, 415)


def test_a_charset_is_no_other_media_type(owner: Client, plan: Any) -> None:
    fine(patch(owner, {"a": 2}, f"{MERGE_PATCH}; charset=utf-8"))


def test_a_state_that_is_not_there(owner: Client) -> None:
    is_problem(patch(owner, [{"op": "add", "path": "/a", "value": 1}]), 404)
    is_problem(patch(owner, {"a": 1}, MERGE_PATCH), 404)
