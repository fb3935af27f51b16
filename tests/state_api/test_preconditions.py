"""If-Match, If-None-Match and base_version; Idempotency-Key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.state_api.conftest import Client, fine, is_problem

OPS = "states/plan/ops/"


def test_a_precondition_in_the_header_is_412_and_in_the_body_409(owner: Client, plan: Any) -> None:
    fine(owner.ask("put", "states/plan/", {"a": 2}))
    body = {"updates": {"a": 3}}
    problem = is_problem(owner.ask("post", OPS, body, If_Match=plan["etag"]), 412, "stale")
    assert problem["current"] == {"a": 2} and problem["head_version"] == 2
    assert problem["type"] == "/problems/stale"
    problem = is_problem(owner.ask("post", OPS, {**body, "base_version": 1}), 409, "conflict")
    assert problem["current"] == {"a": 2}


def test_if_match_is_exact_even_where_paths_are_disjoint(owner: Client, plan: Any) -> None:
    fine(owner.ask("post", OPS, {"updates": {"a": 2}}))
    is_problem(owner.ask("post", OPS, {"updates": {"z": 1}}, If_Match=plan["etag"]), 412, "stale")


@pytest.mark.parametrize(
    ("method", "path", "body", "kind"),
    [
        ("put", "", {"a": 9}, "application/json"),
        ("patch", "", {"a": 9}, "application/merge-patch+json"),
        ("patch", "", [{"op": "remove", "path": "/a"}], "application/json-patch+json"),
        ("delete", "", None, ""),
        ("post", "ops/", {"updates": {"a": 9}}, "application/json"),
        ("patch", "config/", {"name": "x"}, "application/json"),
        ("post", "freeze/", {}, "application/json"),
        ("post", "restore/", {"version": 1}, "application/json"),
    ],
)
def test_every_write_heeds_if_match(
    owner: Client, plan: Any, method: str, path: str, body: Any, kind: str
) -> None:
    def send(tag: str) -> Any:
        given = {"If_Match": tag, **({"Content_Type": kind} if kind else {})}
        return owner.ask(method, f"states/plan/{path}", body, **given)

    fine(owner.ask("post", OPS, {"updates": {"b": 1}}))
    present = fine(owner.ask("get", "states/plan/"))["etag"]
    is_problem(send(plan["etag"]), 412, "stale")
    is_problem(send('"elsewhere-2"'), 412, "stale")
    is_problem(send(f"W/{present}"), 412, "stale")
    is_problem(send("nonsense"), 400, "invalid", "If-Match")
    assert fine(send(f'"x-1", {present}'))["version"] == 3


@pytest.mark.parametrize("text", ["", "5f2a-9", '"a" "b"', '"a', "W/*", "*, *", '"a",*'])
def test_malformed_tags(owner: Client, plan: Any, text: str) -> None:
    is_problem(owner.ask("put", "states/plan/", {}, If_Match=text), 400, "invalid", "If-Match")
    answer = owner.ask("get", "states/plan/", If_None_Match=text)
    is_problem(answer, 400, "invalid", "If-None-Match")


def test_any_version_will_do(owner: Client, plan: Any) -> None:
    assert fine(owner.ask("put", "states/plan/", {"a": 2}, If_Match="*"))["version"] == 2
    is_problem(owner.ask("put", "states/none/", {}, If_Match="*"), 404)
    is_problem(owner.ask("put", "states/none/", {}, If_Match='"a", "b"'), 404)


def test_header_and_body_must_agree(owner: Client, plan: Any) -> None:
    body = {"updates": {"a": 2}, "base_version": 2}
    answer = owner.ask("post", OPS, body, If_Match=plan["etag"])
    is_problem(answer, 400, "invalid", "base_version")
    body["base_version"] = 1
    fine(owner.ask("post", OPS, body, If_Match=plan["etag"]))


def test_if_none_match_means_nothing_else(owner: Client, plan: Any) -> None:
    def refuse(**headers: str) -> None:
        answer = owner.ask("put", "states/plan/", {}, **headers)
        is_problem(answer, 400, "invalid", "If-None-Match")

    refuse(If_None_Match=plan["etag"])
    refuse(If_None_Match="*", If_Match=plan["etag"])
    answer = owner.ask("post", OPS, {"updates": {"a": 2}}, If_None_Match="*")
    is_problem(answer, 400, "invalid", "If-None-Match")


def test_preconditions_that_mean_nothing_are_refused(owner: Client, plan: Any) -> None:
    for path, body in (
        ("states/", {"id": "x"}),
        ("txn/", {"compare": [{"state": "plan", "version": 1}]}),
        ("conflicts/x/resolve/", {"dismiss": True}),
    ):
        is_problem(owner.ask("post", path, body, If_Match=plan["etag"]), 400, "invalid", "If-Match")
    fine(owner.ask("post", "states/", {"id": "x"}, If_None_Match="*"), 201)
    answer = owner.ask("post", "states/", {"id": "y"}, If_None_Match=plan["etag"])
    is_problem(answer, 400, "invalid", "If-None-Match")


# -- op ids -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "kind", "status"),
    [
        ("post", "states/", {"id": "new"}, "application/json", 201),
        ("put", "states/plan/", {"a": 9}, "application/json", 200),
        ("patch", "states/plan/", {"a": 9}, "application/merge-patch+json", 200),
        ("delete", "states/plan/", None, "", 200),
        ("post", OPS, {"updates": {"a": 9}}, "application/json", 200),
        ("patch", "states/plan/config/", {"name": "x"}, "application/json", 200),
        ("post", "states/plan/freeze/", {}, "application/json", 200),
        (
            "post",
            "txn/",
            {"ops": [{"state": "plan", "op": "delete", "path": "/a"}]},
            "application/json",
            200,
        ),
        (
            "patch",
            "states/plan/",
            [{"op": "test", "path": "/a", "value": 1}, {"op": "remove", "path": "/b/c/0"}],
            "application/json-patch+json",
            200,
        ),
    ],
)
def test_a_repeated_request_is_answered_as_the_first_time(
    owner: Client, plan: Any, method: str, path: str, body: Any, kind: str, status: int
) -> None:
    def send() -> Any:
        given = {"Idempotency_Key": "once", **({"Content_Type": kind} if kind else {})}
        return owner.ask(method, path, body, **given)

    first = send()
    before = fine(first, status)
    assert "Idempotency-Replayed" not in first and before["op_id"] == "once"
    head = fine(owner.ask("get", "/api/v1/spaces/lab/"))["revision"]
    again = send()
    after = fine(again, status)
    assert again["Idempotency-Replayed"] == "true" and after["replayed"]
    assert after["revision"] == before["revision"] == head
    if "version" in before:
        assert (after["version"], after["etag"]) == (before["version"], before["etag"])
        assert again["ETag"] == first["ETag"] and again.get("Location") == first.get("Location")
    assert fine(owner.ask("get", "/api/v1/spaces/lab/"))["revision"] == head


def test_a_refusal_is_repeated_too(owner: Client, plan: Any) -> None:
    fine(owner.ask("put", "states/plan/", {"a": 2}))
    patch = [{"op": "test", "path": "/a", "value": 1}, {"op": "remove", "path": "/a"}]
    kind = "application/json-patch+json"

    def send() -> Any:
        return owner.ask("patch", "states/plan/", patch, Content_Type=kind, Idempotency_Key="k")

    first = is_problem(send(), 409, "conflict")
    fine(owner.ask("put", "states/plan/", {"a": 1}))
    answer = send()
    again = is_problem(answer, 409, "conflict")
    assert answer["Idempotency-Replayed"] == "true" and again.pop("replayed")
    assert again == first


def test_making_a_state_is_repeated_as_it_was(owner: Client, plan: Any) -> None:
    def put(state_id: str) -> Any:
        return owner.ask(
            "put", f"states/{state_id}/", {"z": 1}, If_None_Match="*", Idempotency_Key=state_id
        )

    assert [fine(put("new"), 201)["replayed"] for _ in range(2)] == [False, True]
    assert is_problem(put("plan"), 412, "stale") | {"replayed": True} == is_problem(
        put("plan"), 412, "stale"
    )


def test_an_op_id_names_one_request(owner: Client, plan: Any) -> None:
    fine(owner.ask("put", "states/plan/", {"a": 2}, Idempotency_Key="k"))
    answer = owner.ask("put", "states/plan/", {"a": 3}, Idempotency_Key="k")
    is_problem(answer, 422, "op_id_reuse")
    # Of one agent: another may call its own request so.
    fine(owner.ask("put", "states/plan/", {"a": 3}, Idempotency_Key="k", Stars_Agent="wim"))


def test_header_and_body_name_the_request_alike(owner: Client, plan: Any) -> None:
    body = {"updates": {"a": 2}, "op_id": "k"}
    is_problem(owner.ask("post", OPS, body, Idempotency_Key="other"), 400, "invalid", "op_id")
    fine(owner.ask("post", OPS, body, Idempotency_Key="k"))
    answer = owner.ask("post", OPS, {"updates": {"a": 2}}, Idempotency_Key='"k"')
    assert fine(answer)["replayed"] and answer["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("key", ["", '""' + "x" * 99, "a\tb"])
def test_op_ids_that_are_none(owner: Client, plan: Any, key: str) -> None:
    answer = owner.ask("put", "states/plan/", {}, Idempotency_Key=key)
    is_problem(answer, 400, "invalid", "Idempotency-Key")
    if key:
        is_problem(owner.ask("post", OPS, {"updates": {}, "op_id": key}), 400, "invalid", "op_id")
