"""runs/<id>/plan/: reading and editing the plan while it awaits approval."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from groups.models import Level, Run

Refused = Callable[..., Any]


def url(run: Run) -> str:
    return f"/api/v1/runs/{run.id}/plan/"


def item(key: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "title": key.title(), "assignee": "counter", **fields}


def test_get(viewer: APIClient, proposed: Run, run: Run, guarded: Any, refused: Refused) -> None:
    guarded(lambda client: client.get(url(proposed)), Level.VIEWER)
    plan = viewer.get(url(proposed)).json()
    assert [s["key"] for s in plan["subtasks"]] == ["count", "tell"]
    assert plan["subtasks"][1]["depends_on"] == ["count"]
    assert all(s["id"] for s in plan["subtasks"])
    refused(viewer.get(url(run)), 404, "not_found")


def test_put_what_was_got(operator: APIClient, proposed: Run) -> None:
    plan = operator.get(url(proposed)).json()
    plan["subtasks"][0]["title"] = "Count twice"
    for _ in range(2):
        answer = operator.put(url(proposed), plan, format="json")
        assert answer.status_code == 200
        assert answer.json()["subtasks"][0]["title"] == "Count twice"
    proposed.refresh_from_db()
    assert proposed.status == "awaiting_approval"
    assert proposed.plan == operator.get(url(proposed)).json()


def test_patch(operator: APIClient, proposed: Run) -> None:
    answer = operator.patch(url(proposed), {"note": "Hurry"}, format="json")
    assert answer.status_code == 200
    assert answer.json()["note"] == "Hurry"
    assert [s["key"] for s in answer.json()["subtasks"]] == ["count", "tell"]
    answer = operator.patch(url(proposed), {"subtasks": [item("one")]}, format="json")
    assert (answer.json()["note"], len(answer.json()["subtasks"])) == ("Hurry", 1)


def test_who_may_edit(proposed: Run, guarded: Any) -> None:
    body = {"subtasks": [item("one")]}
    guarded(lambda client: client.put(url(proposed), body, format="json"), Level.OPERATOR)
    guarded(lambda client: client.patch(url(proposed), body, format="json"), Level.OPERATOR)


@pytest.mark.parametrize(
    ("plan", "reason", "field"),
    [
        ({}, "invalid", "subtasks"),
        ({"subtasks": []}, "plan_invalid", "subtasks"),
        ({"subtasks": "all of them"}, "invalid", "subtasks"),
        ({"subtasks": [item("n")] * 501}, "invalid", "subtasks"),
        ({"subtasks": [item("a"), item("a")]}, "plan_invalid", "subtasks[1].key"),
        ({"subtasks": [item("plan")]}, "plan_invalid", "subtasks[0].key"),
        ({"subtasks": [item("a"), {"key": "b", "title": "B"}]}, "invalid", "subtasks[1].assignee"),
        ({"subtasks": [item("a", assignee="nobody")]}, "plan_invalid", "subtasks[0].assignee"),
        ({"subtasks": [item("a", depends_on=["z"])]}, "plan_invalid", "subtasks[0].depends_on"),
        ({"subtasks": [item("a", headline="A")]}, "invalid", "subtasks[0].headline"),
        ({"subtasks": [item("a", title="A\x00")]}, "invalid", "subtasks[0].title"),
        ({"subtasks": [item("a")], "note": "\x00"}, "invalid", "note"),
        (
            {"subtasks": [item("a", depends_on=["b"]), item("b", depends_on=["a"])]},
            "plan_invalid",
            "subtasks",
        ),
    ],
)
def test_bad_input(
    operator: APIClient,
    proposed: Run,
    refused: Refused,
    plan: dict[str, Any],
    reason: str,
    field: str,
) -> None:
    refused(operator.put(url(proposed), plan, format="json"), 400, reason, field)
    kept = Run.objects.get(id=proposed.id)
    assert (kept.plan, kept.last_seq) == (proposed.plan, proposed.last_seq)


def test_too_late(operator: APIClient, working: Run, run: Run, refused: Refused) -> None:
    body = {"subtasks": [item("one")]}
    refused(operator.put(url(working), body, format="json"), 409, "wrong_status")


def test_who_read_it_before_somebody_changed_it_is_refused(
    operator: APIClient, proposed: Run, refused: Refused
) -> None:
    plan = operator.get(url(proposed)).json()
    seen = operator.get(f"/api/v1/runs/{proposed.id}/").json()["last_seq"]
    known = f"{url(proposed)}?seen={seen}"
    assert operator.put(known, plan, format="json").status_code == 200
    refused(operator.put(known, plan, format="json"), 409, "plan_changed")
    refused(operator.patch(known, {"note": "Hurry"}, format="json"), 409, "plan_changed")
    approve = f"/api/v1/runs/{proposed.id}/approve/"
    refused(operator.post(f"{approve}?seen={seen}", {}, format="json"), 409, "plan_changed")
    refused(operator.post(f"{approve}?seen=x", {}, format="json"), 400, "invalid")
    assert operator.get(url(proposed)).json() == plan
    proposed.refresh_from_db()
    assert proposed.status == "awaiting_approval"
    known = f"{approve}?seen={proposed.last_seq}"
    assert operator.post(known, {}, format="json").json()["status"] == "running"
