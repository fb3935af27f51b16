"""Bodies that are no JSON of ours, writers that are too fast, stores that are away: told precisely, nothing written."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from groups.api import errors
from state.pace import WRITERS, Buckets, buckets
from state.refusals import OutcomeUnknown, StoreDown
from state.values import Limits
from tests.state_api.conftest import Client, fine, is_problem

OPS = "states/plan/ops/"


@pytest.mark.parametrize(
    ("body", "status", "reason", "field"),
    [
        (b"{", 400, "malformed", ""),
        (b"nonsense", 400, "malformed", ""),
        (b"\xff\xfe", 400, "malformed", ""),
        (b'{"a": NaN}', 400, "malformed", ""),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', 400, "malformed", "/b/c"),
        (b'{"a": "x\\u0000"}', 422, "json_domain", "/a"),
        (b'{"a": {"b": "\\ud800"}}', 422, "json_domain", "/a/b"),
        (b'{"a\\u0000": 1}', 422, "json_domain", ""),
        (b'{"a": 9223372036854775808}', 422, "json_domain", "/a"),
        (b'{"a": 1e999}', 422, "json_domain", "/a"),
        (b'{"a": ' + b"9" * 6000 + b"}", 422, "json_domain", ""),
        (b'{"a":' * 70 + b"1" + b"}" * 70, 422, "json_domain", ""),
        (b"[" * 100_000, 422, "json_domain", ""),
        (b'{"a": "' + b"x" * 1024 * 1024 + b'"}', 413, "too_large", ""),
    ],
    ids=lambda value: str(value[:24]) if isinstance(value, bytes) else None,
)
def test_bodies_that_are_refused(
    owner: Client, plan: Any, body: bytes, status: int, reason: str, field: str
) -> None:
    is_problem(owner.ask("put", "states/plan/", body), status, reason, field)
    is_problem(owner.ask("put", "states/new/", body, If_None_Match="*"), status, reason)
    assert fine(owner.ask("get", "states/plan/"))["version"] == 1
    is_problem(owner.ask("get", "states/new/"), 404)


@pytest.mark.parametrize("body", [b"[]", b'"a"', b"3", b"null"])
def test_bodies_that_are_no_objects(owner: Client, plan: Any, body: bytes) -> None:
    for path in ("states/", OPS, "states/plan/freeze/", "txn/", "conflicts/x/resolve/"):
        is_problem(owner.ask("post", path, body), 400, "invalid")


def test_a_document_deeper_than_allowed_within_its_envelope(owner: Client, plan: Any) -> None:
    deep: Any = 1
    for _ in range(64):
        deep = {"a": deep}
    body = {"updates": {"x": deep}}
    is_problem(owner.ask("post", OPS, body), 422, "json_domain", "ops[0].value" + "/a" * 63)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("post", "states/", {"id": "x"}),
        ("put", "states/plan/", {}),
        ("delete", "states/plan/", None),
        ("post", OPS, {"updates": {}}),
        ("patch", "states/plan/config/", {}),
        ("post", "states/plan/freeze/", {}),
        ("post", "states/plan/restore/", {"version": 1}),
        ("post", "txn/", {"ops": []}),
        ("post", "conflicts/x/resolve/", {"dismiss": True}),
        ("get", "states/plan/config/", None),
        ("get", "states/plan/blame/", None),
        ("get", "ops/x/", None),
        ("get", "conflicts/x/", None),
        ("get", "", None),
        ("get", "/api/v1/metrics/", None),
    ],
)
def test_unknown_parameters_are_named(
    owner: Client, plan: Any, method: str, path: str, body: Any
) -> None:
    is_problem(owner.ask(method, f"{path}?dryrun=1", body), 400, "invalid", "dryrun")
    assert fine(owner.ask("get", "states/plan/"))["version"] == 1


def test_metrics_by_the_seed_s_names(owner: Client, anonymous: Client, plan: Any) -> None:
    fine(owner.ask("delete", "states/plan/"))
    found = fine(owner.ask("get", "/api/v1/metrics/"))
    assert set(found) >= {
        "total_states",
        "active_states",
        "pending_operations",
        "sync_errors",
        "conflicts",
        "read_ops",
        "write_ops",
        "delete_ops",
        "average_sync_time",
        "last_sync_time",
    }
    assert (found["total_states"], found["active_states"], found["delete_ops"]) == (1, 0, 1)
    is_problem(anonymous.ask("get", "/api/v1/metrics/"), 401)


# -- too fast ---------------------------------------------------------------------------------------------------------


def test_who_writes_too_fast_is_told_when_to_come_back(
    owner: Client, plan: Any, manager: Any
) -> None:
    buckets.__init__()  # type: ignore[misc]  # what the fixture wrote counts, too
    manager.limits = Limits(writes_per_second=1, writes_burst=2)
    for value in (2, 3):
        fine(owner.ask("post", OPS, {"updates": {"a": value}}))
    answer = owner.ask("post", OPS, {"updates": {"a": 4}})
    problem = is_problem(answer, 429, "rate")
    assert 1 <= int(answer["Retry-After"]) <= 3 and problem["retry_after"] == 1
    # Reading is free, and each agent has its own measure.
    assert fine(owner.ask("get", "states/plan/"))["data"]["a"] == 3
    fine(owner.ask("post", OPS, {"updates": {"a": 5}}, Stars_Agent="wim"))


def test_a_bucket_fills_again() -> None:
    now = [0.0]
    kept = Buckets(lambda: now[0])
    assert [kept.take("a", rate=2, burst=2) for _ in range(3)] == [0, 0, 0.5]
    now[0] = 0.5
    assert [kept.take("a", rate=2, burst=2) for _ in range(2)] == [0, 0.5]
    now[0] = 100
    assert [kept.take("a", rate=2, burst=2) for _ in range(3)] == [0, 0, 0.5]
    assert kept.take("b", rate=2, burst=2) == 0


def test_buckets_are_not_kept_for_ever() -> None:
    kept = Buckets(lambda: 0.0)
    for n in range(WRITERS + 5):
        kept.take(n, rate=1, burst=1)
    assert len(kept._kept) == WRITERS and 0 not in kept._kept


# -- stores that are away ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "reason", "unknown"),
    [(StoreDown(), "store_down", None), (OutcomeUnknown(), "outcome_unknown", True)],
)
def test_a_store_that_is_away(
    owner: Client, plan: Any, manager: Any, monkeypatch: Any, error: Any, reason: str, unknown: Any
) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(manager.store, "commit", away)
    answer = owner.ask("put", "states/plan/", {"a": 2}, Idempotency_Key="k")
    problem = is_problem(answer, 503, reason)
    assert problem.get("outcome_unknown") is unknown
    assert 1 <= int(answer["Retry-After"]) <= 3
    monkeypatch.undo()
    # Certain or not: the same request again settles it.
    fine(owner.ask("put", "states/plan/", {"a": 2}, Idempotency_Key="k"))


def test_refusals_outside_of_views_say_the_same(rf: RequestFactory) -> None:
    answer = errors.refusal(rf.get("/api/v1/x/"), OutcomeUnknown(extra={"status": 1, "a": "b"}))
    assert answer.status_code == 503 and answer["Retry-After"]
    body = answer.content.decode()
    assert '"type": "/problems/outcome_unknown"' in body and '"a": "b"' in body
    assert '"status": 503' in body and '"outcome_unknown": true' in body
