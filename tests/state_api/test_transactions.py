"""Several states at one revision."""

from __future__ import annotations

from typing import Any

import pytest

from tests.state_api.conftest import Client, fine, is_problem


def transfer(amount: int) -> list[dict[str, Any]]:
    return [
        {"state": "from", "op": "set", "path": "/n", "value": 10 - amount},
        {"state": "to", "op": "set", "path": "/n", "value": amount},
    ]


@pytest.fixture
def accounts(owner: Client) -> Client:
    for name, n in (("from", 10), ("to", 0)):
        fine(owner.ask("post", "states/", {"id": name, "data": {"n": n}}), 201)
    return owner


def test_all_at_one_revision(accounts: Client) -> None:
    compare = [
        {"state": "from", "version": 1},
        {"state": "to", "version": 1},
        {"state": "log", "absent": True},
    ]
    ops = [*transfer(4), {"state": "log", "op": "set", "path": "", "value": {"done": 1}}]
    body = {"compare": compare, "ops": ops, "metadata": {"why": "test"}}
    answer = accounts.ask("post", "txn/", body)
    done = fine(answer)
    assert done["revision"] == 3 and answer["Stars-Revision"] == "3"
    assert [(each["id"], each["version"], each["revision"]) for each in done["results"]] == [
        ("from", 2, 3),
        ("to", 2, 3),
        ("log", 1, 3),
    ]
    assert fine(accounts.ask("get", "states/from/"))["data"] == {"n": 6}
    assert fine(accounts.ask("get", "states/log/"))["data"] == {"done": 1}
    [entry, _] = fine(accounts.ask("get", "states/to/history/"))["results"]
    assert entry["metadata"] == {"why": "test"} and entry["revision"] == 3


def test_all_failing_comparisons_are_named(accounts: Client) -> None:
    fine(accounts.ask("put", "states/to/", {"n": 1}))
    compare = [
        {"state": "from", "absent": True},
        {"state": "to", "version": 1},
        {"state": "none", "version": 3},
        {"state": "other", "absent": True},
    ]
    body = {"compare": compare, "ops": transfer(4)}
    problem = is_problem(accounts.ask("post", "txn/", body), 409, "compare_failed")
    assert problem["failed"] == [
        {"state": "from", "expected": 0, "version": 1},
        {"state": "to", "expected": 1, "version": 2},
        {"state": "none", "expected": 3, "version": 0},
    ]
    assert fine(accounts.ask("get", "states/from/"))["version"] == 1


def test_one_that_does_not_fit_stops_all(accounts: Client) -> None:
    ops = [*transfer(4), {"state": "to", "op": "set", "path": "/n/x", "value": 1}]
    is_problem(accounts.ask("post", "txn/", {"ops": ops}), 422, "invalid")
    assert fine(accounts.ask("get", "states/from/"))["version"] == 1
    is_problem(
        accounts.ask("post", "txn/", {"ops": [{"state": "no", "op": "delete", "path": "/a"}]}), 404
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "ops"),
        ({"ops": [{"op": "set", "path": "/a", "value": 1}]}, "ops[0].state"),
        ({"ops": [{"state": "to", "op": "set", "value": 1}]}, "ops[0].path"),
        ({"compare": [{"state": "to"}]}, "compare[0]"),
        ({"compare": [{"state": "to", "version": 1, "absent": True}]}, "compare[0]"),
        ({"compare": [{"state": "to", "version": 0}]}, "compare[0].version"),
        (
            {"compare": [{"state": "to", "version": 1}, {"state": "to", "version": 2}]},
            "compare[1].state",
        ),
        ({"compare": [{"state": f"s{n}", "absent": True} for n in range(33)]}, "ops"),
        ({"ops": transfer(1), "base_version": 1}, "base_version"),
    ],
)
def test_transactions_that_are_not_well_formed(accounts: Client, body: Any, field: str) -> None:
    is_problem(accounts.ask("post", "txn/", body), 400, "invalid", field)


def test_comparing_alone_is_allowed(accounts: Client) -> None:
    body = {"compare": [{"state": "to", "version": 1}]}
    assert fine(accounts.ask("post", "txn/", body))["results"] == []
