"""runs/<id>/subtasks/, one of them, and its answer/."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from groups.models import Level, Run, Subtask

Refused = Callable[..., Any]


def url(run: Run, rest: str = "") -> str:
    return f"/api/v1/runs/{run.id}/subtasks/{rest}"


def test_list(
    viewer: APIClient, working: Run, guarded: Any, django_assert_num_queries: Any
) -> None:
    guarded(lambda client: client.get(url(working)), Level.VIEWER)
    with django_assert_num_queries(3):
        listed = viewer.get(url(working)).json()["results"]
    assert [(s["key"], s["kind"]) for s in listed] == [
        ("plan", "plan"),
        ("count", "work"),
        ("tell", "work"),
    ]


def test_get_by_id_and_by_key(
    viewer: APIClient, working: Run, guarded: Any, refused: Refused
) -> None:
    guarded(lambda client: client.get(url(working, "tell/")), Level.VIEWER)
    by_key = viewer.get(url(working, "tell/")).json()
    assert (by_key["depends_on"], by_key["status"]) == (["count"], "blocked")
    assert viewer.get(url(working, f"{by_key['id']}/")).json() == by_key
    refused(viewer.get(url(working, "nothing/")), 404, "subtask_not_found")


def test_answer(operator: APIClient, waiting: Run, guarded: Any, refused: Refused) -> None:
    where = url(waiting, "count/answer/")
    guarded(lambda client: client.post(where, {"text": "b"}, format="json"), Level.OPERATOR)
    assert operator.get(url(waiting, "count/")).json()["question"] == "Which column?"
    answer = operator.post(where, {"text": "The second"}, format="json")
    assert (answer.status_code, answer.json()["status"]) == (200, "ready")
    assert answer.json()["answers"] == ["The second"]
    assert Subtask.objects.get(run=waiting, key="count").answers == ["The second"]
    refused(operator.post(where, {"text": "Again"}, format="json"), 409, "wrong_status")


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({}, 400, "invalid"),
        ({"text": " "}, 400, "invalid"),
        ({"text": "a\x00"}, 400, "invalid"),
        ({"text": "é" * 50_001}, 413, "message_too_large"),
    ],
)
def test_answer_refuses_bad_input(
    operator: APIClient,
    waiting: Run,
    refused: Refused,
    body: dict[str, str],
    status: int,
    reason: str,
) -> None:
    answer = operator.post(url(waiting, "count/answer/"), body, format="json")
    refused(answer, status, reason, "text")


def test_answer_to_nobody(operator: APIClient, waiting: Run, refused: Refused) -> None:
    answer = operator.post(url(waiting, "tell/answer/"), {"text": "b"}, format="json")
    refused(answer, 409, "wrong_status")
    answer = operator.post(url(waiting, "nothing/answer/"), {"text": "b"}, format="json")
    refused(answer, 404, "subtask_not_found")
