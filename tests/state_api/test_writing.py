"""Operations: what they change, what becomes of those that wait or collide."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.state_api.conftest import ROOT, Client, fine, is_problem

OPS = "states/plan/ops/"


def make(client: Client, **body: Any) -> Any:
    return fine(client.ask("post", "states/", {"id": "plan", **body}), 201)


def data(client: Client) -> Any:
    return fine(client.ask("get", "states/plan/"))["data"]


def test_operations_are_carried_out_in_order_all_or_none(owner: Client, plan: Any) -> None:
    ops = [
        {"op": "set", "path": "/x", "value": {"y": 1}},
        {"op": "merge", "path": "/x", "value": {"z": 2}},
        {"op": "cas", "path": "/a", "value": 2, "expect": 1},
        {"op": "cas", "path": "/new", "value": None, "expect_absent": True},
        {"op": "cas", "path": "/v", "value": 1, "expect_version": 1},
        {"op": "delete", "path": "/b"},
    ]
    answer = owner.ask("post", OPS, {"ops": ops, "metadata": {"why": "because"}})
    written = fine(answer)
    assert (written["version"], written["status"], written["changed"]) == (2, "applied", True)
    assert answer["ETag"] == written["etag"] and answer["Stars-Revision"] == "2"
    after = {"a": 2, "x": {"y": 1, "z": 2}, "new": None, "v": 1}
    assert data(owner) == after
    [entry, _] = fine(owner.ask("get", "states/plan/history/"))["results"]
    assert entry["metadata"] == {"why": "because"} and entry["agent"] == "human:ada"
    # The last of these does not fit, so nothing of it is written.
    misfit = [{"op": "set", "path": "/n", "value": 1}, {"op": "set", "path": "/a/b", "value": 1}]
    is_problem(owner.ask("post", OPS, {"ops": misfit}), 422, "invalid", "ops[1].path")
    assert data(owner) == after


def test_a_flat_dictionary_is_one_set_per_key(owner: Client, plan: Any) -> None:
    fine(owner.ask("post", OPS, {"updates": {"a": 5, "/b/c": [], "x/y": 1}}))
    assert data(owner) == {"a": 5, "b": {"c": []}, "x/y": 1}


def test_deleting_the_whole_deletes_the_state(owner: Client, plan: Any) -> None:
    whole = {"ops": [{"op": "delete", "path": ""}]}
    assert fine(owner.ask("post", OPS, whole))["version"] == 2
    is_problem(owner.ask("get", "states/plan/"), 404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "ops"),
        ({"ops": [], "updates": {}}, "ops"),
        ({"ops": {"op": "set"}}, "ops"),
        ({"ops": [3]}, "ops[0]"),
        ({"ops": [{"op": "set", "value": {}}]}, "ops[0].path"),
        ({"ops": [{"path": "/a", "value": 1}]}, "ops[0].op"),
        ({"ops": [{"op": "bogus", "path": "/a"}]}, "ops[0].op"),
        ({"ops": [{"op": "set", "path": "/a"}]}, "ops[0].value"),
        ({"ops": [{"op": "set", "path": "a", "value": 1}]}, "ops[0].path"),
        ({"ops": [{"op": "set", "pth": "/a", "path": "/a", "value": 1}]}, "ops[0].pth"),
        ({"ops": [{"op": "set", "path": "", "value": 1}]}, "ops[0].value"),
        ({"ops": [{"op": "cas", "path": "/a", "value": 1}]}, "ops[0].expect"),
        ({"ops": [{"op": "set", "path": "/a", "value": 1, "expect": 1}]}, "ops[0].expect"),
        ({"ops": [{"op": "delete", "path": "/a", "value": 1}]}, "ops[0].value"),
        ({"updates": {"a": 1}, "base_version": 0}, "base_version"),
        ({"updates": {"a": 1}, "base_version": "1"}, "base_version"),
        ({"updates": {"a": 1}, "reads": "all"}, "reads"),
        ({"updates": {"a": 1}, "read_mode": "x"}, "read_mode"),
        ({"updates": {"a": 1}, "resolution": "x"}, "resolution"),
        ({"updates": {"a": 1}, "after": "x"}, "after"),
        ({"updates": {"a": 1}, "bogus": 1, "base_version": 0}, "bogus"),
    ],
)
def test_operations_that_are_not_well_formed(
    owner: Client, plan: Any, body: Any, field: str
) -> None:
    is_problem(owner.ask("post", OPS, body), 400, "invalid", field)
    assert fine(owner.ask("get", "states/plan/"))["version"] == 1


def test_too_many_operations(owner: Client, plan: Any) -> None:
    ops = [{"op": "set", "path": f"/{n}", "value": n} for n in range(101)]
    is_problem(owner.ask("post", OPS, {"ops": ops}), 413, "too_large", "ops")


def test_a_conflict_names_the_path_and_carries_the_document(owner: Client, plan: Any) -> None:
    fine(owner.ask("post", OPS, {"updates": {"/b/c": [3]}}, Stars_Agent="wim"))
    late = {"updates": {"/b/c": [4]}, "base_version": 1}
    problem = is_problem(owner.ask("post", OPS, late, Stars_Agent="wes"), 409, "conflict")
    assert problem["type"] == "/problems/conflict" and problem["conflict_type"] == "write_write"
    [cause] = problem["causes"]
    assert (cause["path"], cause["kind"]) == ("/b/c", "both_changed")
    assert (cause["base"], cause["theirs"], cause["mine"]) == ([1, 2], [3], [4])
    assert (cause["by"], cause["version"]) == ("agent:wim", 2)
    assert problem["current"] == {"a": 1, "b": {"c": [3]}} and problem["retryable"]
    assert (problem["base_version"], problem["head_version"]) == (1, 2)
    assert problem["etag"] == f'"{plan["uid"]}-2"' and problem["state"] == "plan"


def test_a_large_document_is_linked_to(owner: Client) -> None:
    make(owner, data={"a": 1, "big": "x" * 300_000})
    fine(owner.ask("post", OPS, {"updates": {"a": 2}}))
    late = {"updates": {"a": 3}, "base_version": 1}
    problem = is_problem(owner.ask("post", OPS, late), 409, "conflict")
    assert "current" not in problem
    assert problem["current_link"] == f"http://testserver{ROOT}states/plan/"


def test_others_changes_elsewhere_are_no_conflict(owner: Client, plan: Any) -> None:
    fine(owner.ask("post", OPS, {"updates": {"a": 2}}))
    late = {"updates": {"/b/c": []}, "base_version": 1}
    assert fine(owner.ask("post", OPS, late))["version"] == 3
    assert data(owner) == {"a": 2, "b": {"c": []}}


def test_what_is_merged_is_shown(owner: Client) -> None:
    schema = {"properties": {"tags": {"type": "array", "x-stars-merge": "set"}}}
    make(owner, schema=schema, data={"tags": ["a"]})
    fine(owner.ask("post", OPS, {"updates": {"tags": ["a", "b"]}, "base_version": 1}))
    late = {"updates": {"tags": ["a", "c"]}, "base_version": 1}
    written = fine(owner.ask("post", OPS, late))
    assert written["merged"] and written["status"] == "merged"
    assert sorted(written["data"]["tags"]) == ["a", "b", "c"]


def test_what_is_overwritten_is_told(owner: Client) -> None:
    make(owner, resolution="last_write", data={"a": 1})
    fine(owner.ask("post", OPS, {"updates": {"a": 2}}, Stars_Agent="wim"))
    late = {"updates": {"a": 3}, "base_version": 1}
    conflict = fine(owner.ask("post", OPS, late))["conflict"]
    assert conflict["resolution"] == "last_write"
    assert conflict["overwrote"] == [{"path": "/a", "value": 2, "by": "agent:wim", "version": 2}]
    stricter = {"updates": {"a": 4}, "base_version": 1, "resolution": "reject"}
    is_problem(owner.ask("post", OPS, stricter), 409, "conflict")


def test_a_looser_resolution_than_allowed(owner: Client, plan: Any) -> None:
    body = {"updates": {"a": 2}, "resolution": "last_write"}
    is_problem(owner.ask("post", OPS, body), 422, "invalid", "resolution")


def test_what_was_read_must_still_hold(owner: Client, plan: Any) -> None:
    fine(owner.ask("post", OPS, {"updates": {"a": 2}}))
    late = {"updates": {"/x": 1}, "base_version": 1, "reads": ["/a"]}
    problem = is_problem(owner.ask("post", OPS, late), 409, "conflict")
    assert problem["conflict_type"] == "read_write"
    fine(owner.ask("post", OPS, {**late, "reads": ["/b"]}))


def test_a_failing_cas_is_a_conflict(owner: Client, plan: Any) -> None:
    ops = [{"op": "cas", "path": "/a", "value": 3, "expect": 7}]
    problem = is_problem(owner.ask("post", OPS, {"ops": ops}), 409, "conflict")
    [cause] = problem["causes"]
    assert (problem["conflict_type"], cause["kind"]) == ("write_write", "cas_value")
    assert (cause["expected"], cause["theirs"]) == (7, 1)


def test_a_strong_state_wants_to_know_the_base(owner: Client) -> None:
    written = make(owner, consistency="strong", data={"a": 1})
    for answer in (
        owner.ask("post", OPS, {"updates": {"a": 2}}),
        owner.ask("put", "states/plan/", {"a": 2}),
        owner.ask("delete", "states/plan/"),
        owner.ask("put", "states/plan/", {"a": 2}, If_Match="*"),
    ):
        is_problem(answer, 428, "base_required")
    fine(owner.ask("put", "states/plan/", {"a": 2}, If_Match=written["etag"]))
    fine(owner.ask("post", OPS, {"updates": {"a": 3}, "base_version": 2}))


def test_a_frozen_state_is_only_read(owner: Client, plan: Any) -> None:
    assert fine(owner.ask("post", "states/plan/freeze/", {}))["version"] == 2
    for answer in (
        owner.ask("post", OPS, {"updates": {"a": 2}}),
        owner.ask("put", "states/plan/", {}),
        owner.ask("delete", "states/plan/"),
        owner.ask("post", "states/plan/restore/", {"version": 1}),
    ):
        is_problem(answer, 423, "frozen")
    assert fine(owner.ask("get", "states/plan/"))["frozen"]
    assert fine(owner.ask("post", "states/plan/unfreeze/"))["version"] == 3
    fine(owner.ask("post", OPS, {"updates": {"a": 2}}))


def test_an_eventual_write_is_answered_before_it_is_applied(owner: Client) -> None:
    make(owner, consistency="eventual", data={"a": 1})
    answer = owner.ask("post", OPS, {"updates": {"a": 2}, "op_id": "op 1"})
    queued = fine(answer, 202)
    assert (queued["status"], queued["op_id"], queued["changed"]) == ("queued", "op 1", False)
    assert answer["Location"] == f"http://testserver{ROOT}ops/op%201/"
    assert "ETag" not in answer
    until = time.monotonic() + 5
    while (found := fine(owner.ask("get", "ops/op%201/")))["status"] in ("queued", "applying"):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert found["status"] == "applied" and found["state_id"] == "plan"
    assert found["outcome"]["version"] == 2 and data(owner) == {"a": 2}
    is_problem(owner.ask("get", "ops/other/"), 404, "not_found")
    is_problem(owner.ask("get", "ops/op%201/", Stars_Agent="wim"), 404, "not_found")


def test_a_document_that_would_become_too_large(owner: Client, plan: Any) -> None:
    half = "x" * 600_000
    fine(owner.ask("post", OPS, {"updates": {"x": half}}))
    is_problem(owner.ask("post", OPS, {"updates": {"y": half}}), 413, "too_large")


def test_history_that_is_gone_is_410(owner: Client, plan: Any, manager: Any) -> None:
    for value in range(2, 6):
        fine(owner.ask("post", OPS, {"updates": {"a": value}}))
    manager.store.compact("lab", 3)
    problem = is_problem(owner.ask("get", "states/plan/?version=1"), 410, "compacted")
    late = {"updates": {"a": 9}, "base_version": 1}
    problem = is_problem(owner.ask("post", OPS, late), 410, "compacted")
    assert problem["snapshot"] == f"http://testserver{ROOT}states/plan/"
    assert problem["compacted_version"] == 3
