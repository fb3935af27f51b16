"""runs/<id>/{approve,pause,resume,cancel,retry}/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from groups.models import Level, Run, RunEvent

Refused = Callable[..., Any]


def url(run: Run, action: str) -> str:
    return f"/api/v1/runs/{run.id}/{action}/"


def status_of(run: Run) -> str:
    return Run.objects.values_list("status", flat=True).get(id=run.id)


@pytest.mark.parametrize("action", ["approve", "pause", "resume", "cancel", "retry"])
def test_who_may(run: Run, guarded: Any, action: str) -> None:
    guarded(lambda client: client.post(url(run, action)), Level.OPERATOR)
    assert status_of(run) == "queued"


@pytest.mark.parametrize("action", ["approve", "pause", "resume", "cancel", "retry"])
def test_bad_input(operator: APIClient, run: Run, refused: Refused, action: str) -> None:
    refused(operator.post(url(run, action), {"now": 1}, format="json"), 400, "invalid", "now")
    refused(operator.post(url(run, action), [1], format="json"), 400, "invalid")
    refused(operator.post(f"/api/v1/runs/{'0' * 32}/{action}/"), 404, "run_not_found")
    refused(operator.get(url(run, action)), 405, "method_not_allowed")
    assert status_of(run) == "queued"


def test_pause_and_resume(operator: APIClient, working: Run, refused: Refused) -> None:
    answer = operator.post(url(working, "pause"))
    assert (answer.status_code, answer.json()["status"]) == (200, "paused")
    refused(operator.post(url(working, "pause")), 409, "wrong_status")
    answer = operator.post(url(working, "resume"))
    assert (answer.status_code, answer.json()["status"]) == (200, "running")
    refused(operator.post(url(working, "resume")), 409, "wrong_status")


def test_cancel(operator: APIClient, working: Run, refused: Refused) -> None:
    answer = operator.post(url(working, "cancel"), {"reason": "Wrong file"}, format="json")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    statuses = {s["key"]: s["status"] for s in answer.json()["subtasks"]}
    assert statuses == {"plan": "completed", "count": "cancelled", "tell": "cancelled"}
    last = RunEvent.objects.filter(run=working).latest("seq")
    assert (last.type, last.data) == ("run.cancelled", {"by": "bo", "reason": "Wrong file"})
    refused(operator.post(url(working, "cancel")), 409, "run_finished")


def test_retry(operator: APIClient, failed: Run, run: Run, refused: Refused) -> None:
    refused(operator.post(url(run, "retry")), 409, "wrong_status")
    answer = operator.post(url(failed, "retry"))
    assert (answer.status_code, answer.json()["status"]) == (200, "running")
    statuses = {s["key"]: s["status"] for s in answer.json()["subtasks"]}
    assert statuses == {"plan": "completed", "count": "ready", "tell": "blocked"}
    refused(operator.post(url(failed, "retry")), 409, "wrong_status")


def test_approve(operator: APIClient, proposed: Run, refused: Refused) -> None:
    answer = operator.post(url(proposed, "approve"))
    assert (answer.status_code, answer.json()["status"]) == (200, "running")
    assert [s["key"] for s in answer.json()["subtasks"]] == ["plan", "count", "tell"]
    refused(operator.post(url(proposed, "approve")), 409, "wrong_status")


def test_approve_another_plan(operator: APIClient, proposed: Run, refused: Refused) -> None:
    plan = {"subtasks": [{"key": "sing", "title": "Sing", "assignee": "writer"}]}
    broken = {"plan": {"subtasks": [{"key": "sing", "title": "Sing", "assignee": "nobody"}]}}
    answer = operator.post(url(proposed, "approve"), broken, format="json")
    refused(answer, 400, "plan_invalid", "subtasks[0].assignee")
    assert status_of(proposed) == "awaiting_approval"
    answer = operator.post(url(proposed, "approve"), {"plan": plan}, format="json")
    assert [s["key"] for s in answer.json()["subtasks"]] == ["plan", "sing"]
