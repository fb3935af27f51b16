"""The inbox of parked conflicts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.state_api.conftest import ROOT, Client, fine, is_problem


@pytest.fixture
def parked(owner: Client) -> dict[str, Any]:
    """wes wrote /a and /b on top of what wim had written, and the leader is asked."""
    body = {
        "id": "plan",
        "merge_fallback": "park",
        "resolver": "role:leader",
        "data": {"a": 1, "b": 1, "c": 1},
    }
    fine(owner.ask("post", "states/", body), 201)
    ops = "states/plan/ops/"
    fine(owner.ask("post", ops, {"updates": {"a": 2, "b": 2}}, Stars_Agent="wim"))
    late = {"updates": {"a": 3, "b": 3}, "base_version": 1}
    answer = owner.ask("post", ops, late, Stars_Agent="wes")
    written = fine(answer, 202)
    assert written["status"] == "parked" and not written["changed"] and "ETag" not in answer
    assert answer["Location"] == (
        f"http://testserver{ROOT}conflicts/{written['conflict']['conflict_id']}/"
    )
    return dict(fine(owner.ask("get", answer["Location"].removeprefix("http://testserver"))))


def resolve(client: Client, parked: Any, body: Any, **headers: str) -> Any:
    return client.ask("post", f"conflicts/{parked['conflict_id']}/resolve/", body, **headers)


def test_a_parked_conflict_shows_all_sides(owner: Client, viewer: Client, parked: Any) -> None:
    assert parked["base"] == {"a": 1, "b": 1, "c": 1}
    assert (parked["current"]["a"], parked["incoming"]["a"]) == (2, 3)
    assert parked["paths"] == ["/a", "/b"] and parked["resolver"] == "role:leader"
    assert (parked["agent"], parked["status"]) == ("agent:wes", "open")
    assert parked["may_resolve"] is True
    assert fine(owner.ask("get", "states/plan/"))["sync_status"] == "conflict"
    seen = fine(viewer.ask("get", f"conflicts/{parked['conflict_id']}/"))
    assert seen["may_resolve"] is False


def test_the_inbox(owner: Client, parked: Any) -> None:
    [listed] = fine(owner.ask("get", "conflicts/"))["results"]
    assert listed["conflict_id"] == parked["conflict_id"] and "incoming" not in listed
    for query, count in (
        ("status=open", 1),
        ("status=all", 1),
        ("status=resolved", 0),
        ("state=plan", 1),
        ("state=other", 0),
        ("limit=1", 1),
    ):
        assert len(fine(owner.ask("get", f"conflicts/?{query}"))["results"]) == count, query
    for query, field in (("status=x", "status"), ("bogus=1", "bogus"), ("limit=0", "limit")):
        is_problem(owner.ask("get", f"conflicts/?{query}"), 400, "invalid", field)


@pytest.mark.parametrize(
    ("answer", "after"),
    [
        ({"value": {"z": 1}}, {"z": 1}),
        ({"ops": [{"op": "set", "path": "/a", "value": 9}]}, {"a": 9, "b": 2, "c": 1}),
        ({"picks": {"/a": "mine", "/b": "theirs"}}, {"a": 3, "b": 2, "c": 1}),
    ],
)
def test_whoever_is_asked_settles_it(owner: Client, parked: Any, answer: Any, after: Any) -> None:
    body = {**answer, "expected_head": parked["head_version"]}
    written = fine(resolve(owner, parked, body, Stars_Agent="lena"))
    assert written["version"] == 3
    assert fine(owner.ask("get", "states/plan/"))["data"] == after
    record = fine(owner.ask("get", f"conflicts/{parked['conflict_id']}/"))
    assert (record["status"], record["resolved_by"]) == ("resolved", "agent:lena")
    is_problem(resolve(owner, parked, body), 409, "settled")


def test_it_can_be_dismissed(owner: Client, parked: Any) -> None:
    fine(resolve(owner, parked, {"dismiss": True}))
    assert fine(owner.ask("get", "states/plan/"))["data"]["a"] == 2
    record = fine(owner.ask("get", f"conflicts/{parked['conflict_id']}/"))
    assert record["status"] == "rejected"


def test_settling_is_on_condition_of_what_was_seen(owner: Client, parked: Any) -> None:
    fine(owner.ask("post", "states/plan/ops/", {"updates": {"c": 2}}))
    body = {"value": {}, "expected_head": parked["head_version"]}
    problem = is_problem(resolve(owner, parked, body), 409, "conflict")
    assert problem["head_version"] == 3


def test_others_do_not_settle_it(owner: Client, viewer: Client, parked: Any) -> None:
    body = {"dismiss": True}
    is_problem(resolve(owner, parked, body, Stars_Agent="wes"), 403, "not_allowed")
    is_problem(resolve(viewer, parked, body), 403, "not_allowed")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expected_head": 2}, "value"),
        ({"value": {}}, "expected_head"),
        ({"value": {}, "dismiss": True}, "value"),
        ({"picks": {"/a": "ours"}, "expected_head": 2}, "picks"),
        ({"value": [], "expected_head": 2}, "value"),
        ({"bogus": 1}, "bogus"),
        ({"ops": [{"op": "set"}], "expected_head": 2}, "ops[0].path"),
    ],
)
def test_answers_that_settle_nothing(owner: Client, parked: Any, body: Any, field: str) -> None:
    problem = is_problem(resolve(owner, parked, body), 400, "invalid")
    assert any(name.startswith(field) for name in problem["errors"]), problem


def test_conflicts_that_are_not_there(owner: Client, parked: Any) -> None:
    for path in ("conflicts/none/", "conflicts/00000000-0000-0000-0000-000000000000/"):
        is_problem(owner.ask("get", path), 404, "not_found")
        is_problem(owner.ask("post", f"{path}resolve/", {"dismiss": True}), 404, "not_found")


def test_what_stood_before_or_a_value_of_one_s_own(owner: Client, parked: Any) -> None:
    both = {"picks": {"/a": "base"}, "values": {"/b": {"new": True}}, "expected_head": 2}
    assert fine(resolve(owner, parked, both))["version"] == 3
    assert fine(owner.ask("get", "states/plan/"))["data"] == {"a": 1, "b": {"new": True}, "c": 1}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"values": {"/a": 1}}, "/b"),
        ({"picks": {"/a": "base", "/b": "mine"}, "values": {"/b": 1}}, "/b"),
        ({"picks": {"/a": "base", "/b": "mine"}, "values": {"/c": 1}}, "/c"),
        ({"values": {"/a": 1, "/b": 1}, "dismiss": True}, "value"),
        ({"picks": {"/a": "base", "/b": "moon"}}, "picks[...]"),
    ],
)
def test_choices_that_do_not_fit(owner: Client, parked: Any, body: Any, field: str) -> None:
    answer = resolve(owner, parked, {**body, "expected_head": 2})
    is_problem(answer, 400, "invalid", field)
