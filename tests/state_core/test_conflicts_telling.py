"""What is written of a judged write, and how a conflict is told (shared-state 1.8)."""

from __future__ import annotations

import copy

from msgspec import UNSET

from state import conflicts
from state.conflicts import Unchanged
from tests.state_core.conflict_cases import (
    BASE,
    MERGE,
    UID,
    Case,
    applied,
    drop,
    patch,
    put,
    refused,
    replays,
    write,
)

# -- what is written ------------------------------------------------------------------------------------------------


def test_a_write_that_changes_nothing_is_unchanged() -> None:
    case = Case({"a": 1, "b": {}})
    for op in (put("/a", 1.0), drop("/c"), patch("", {"a": 1}), put("", {"b": {}, "a": 1})):
        assert case.decide(op) == Unchanged()
    assert applied(case.decide(put("/a", True))).data["a"] is True


def test_the_log_gets_what_really_happened() -> None:
    case = Case({"a": 1, "b": {"x": 1, "y": 1}, "l": [1, 1]})
    done = applied(case.decide(put("/a", 1), put("/c", 2), drop("/none"), drop("/l/0")))
    assert done.ops == (put("/c", 2), drop("/l/0"))
    whole = applied(case.decide(put("", {"a": 1, "b": {"x": 2}, "l": [1, 1]})))
    assert whole.ops == (put("/b/x", 2), drop("/b/y"))
    assert replays(case, whole)


def test_neither_the_head_nor_the_request_is_changed_by_judging() -> None:
    case = Case({"a": {"l": [1]}, "n": 1}, write(put("/a", {"l": [1], "t": 1})), resolution=MERGE)
    before = copy.deepcopy((case.head, case.since, case.base))
    applied(case.decide(put("/a/l", [2]), put("/a/m", {}), patch("/a", {"x": 1}), drop("/n")))
    assert (case.head, case.since, case.base) == before


# -- how it is told -------------------------------------------------------------------------------------------------


def test_the_problem_has_all_members_and_tells_missing_from_null() -> None:
    case = Case({"a": None}, write(drop("/a")))
    found = refused(case.decide(put("/a", 3))).conflict
    told_ = conflicts.problem(found, head=case.head)
    assert told_ == {
        "conflict_id": found.conflict_id,
        "conflict_type": "write_write",
        "state": "plan",
        "base_version": BASE,
        "head_version": BASE + 1,
        "etag": f'"{UID}-{BASE + 1}"',
        "resolution": "reject",
        "causes": [
            {
                "type": "write_write",
                "kind": "delete_modify",
                "path": "/a",
                "base": None,
                "mine": 3,
                "by": "agent:w2",
                "version": BASE + 1,
            }
        ],
        "current": {},
        "retryable": True,
    }
    assert found.causes[0].theirs is UNSET


def test_a_large_document_is_linked_and_a_hidden_one_says_nothing() -> None:
    case = Case({"a": 1, "big": "x" * 300_000}, write(put("/a", 2)))
    found = refused(case.decide(put("/a", 3))).conflict
    large = conflicts.problem(found, head=case.head)
    assert "current" not in large
    assert large["current_link"] is None
    hidden = conflicts.problem(found, head=case.head, visible=False)
    assert hidden["causes"] == []
    assert not {"current", "current_link"} & set(hidden)
    gone = Case({}, write(put("/a", 2)), deleted=True)
    problem = conflicts.problem(gone.detect(put("/a", 3)), head=gone.head)
    assert (problem["retryable"], "current" in problem) == (False, False)
    assert problem["causes"][0]["path"] == ""
