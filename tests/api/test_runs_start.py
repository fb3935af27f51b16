"""POST groups/<id>/runs/: giving a group a task, with or without attachments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from groups.models import Attachment, Group, Level, Run
from groups.services import membership

URL = "/api/v1/groups/lab/runs/"
Refused = Callable[..., Any]


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def upload(name: str, content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_json(operator: APIClient, lab: Group, guarded: Any) -> None:
    guarded(lambda client: client.post(URL, {"task": "x"}, format="json"), Level.OPERATOR)
    body = {
        "task": "  Count the stars\n",
        "approve_plan": True,
        "failure_policy": "stop",
        "time_limit": 90.5,
        "subtask_time_limit": None,
        "max_attempts": 7,
        "max_parallel": 2,
    }
    answer = operator.post(URL, body, format="json")
    assert answer.status_code == 201
    made = answer.json()
    assert answer["Location"].endswith(f"/api/v1/runs/{made['id']}/")
    assert (made["status"], made["group"], made["mode"]) == ("queued", "lab", "leader_worker")
    assert (made["task"], made["created_by"]) == ("  Count the stars\n", "bo")
    assert (made["plan"], made["result"], made["error"], made["usage"]) == (None, "", "", {})
    assert [s["kind"] for s in made["subtasks"]] == ["plan"]
    assert made["last_seq"] >= 1
    run = Run.objects.get(id=made["id"])
    assert (run.approve_plan, run.failure_policy) == (True, "stop")
    assert (run.time_limit, run.subtask_time_limit) == (90.5, 600.0)
    assert (run.max_attempts, run.max_parallel) == (7, 2)
    assert operator.get(answer["Location"]).json() == made


def test_multipart(operator: APIClient, lab: Group, media: Path) -> None:
    body = {
        "task": "Sum up",
        "approve_plan": "true",
        "max_attempts": "",
        "attachments": [upload("sales.csv", b"a,b\n1,2\n"), upload("notes.txt", b"Hello")],
    }
    answer = operator.post(URL, body, format="multipart")
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert made["approve_plan"] is True
    assert made["max_attempts"] == 3
    listed = {a["name"]: a for a in made["attachments"]}
    assert set(listed) == {"sales.csv", "notes.txt"}
    assert (listed["sales.csv"]["size"], listed["sales.csv"]["media_type"]) == (8, "text/csv")
    assert operator.get(listed["sales.csv"]["url"]).getvalue() == b"a,b\n1,2\n"


@pytest.mark.parametrize(
    ("body", "status", "reason", "field"),
    [
        ({}, 400, "invalid", "task"),
        ({"task": ""}, 400, "task_empty", "task"),
        ({"task": " \n"}, 400, "task_empty", "task"),
        ({"task": None}, 400, "invalid", "task"),
        ({"task": "a\x00b"}, 400, "invalid", "task"),
        ({"task": "é" * 50_001}, 413, "task_too_large", "task"),
        ({"task": "x", "mode": "anarchy"}, 400, "unknown_mode", "mode"),
        ({"task": "x", "failure_policy": "panic"}, 400, "invalid", "failure_policy"),
        ({"task": "x", "approve_plan": "perhaps"}, 400, "invalid", "approve_plan"),
        ({"task": "x", "time_limit": 0}, 400, "invalid", "time_limit"),
        ({"task": "x", "time_limit": "nan"}, 400, "invalid", "time_limit"),
        ({"task": "x", "max_attempts": 21}, 400, "invalid", "max_attempts"),
        ({"task": "x", "max_parallel": 501}, 400, "invalid", "max_parallel"),
        ({"task": "x", "attachments": ["a.csv"]}, 400, "invalid", "attachments[0]"),
        ({"task": "x", "approve_the_plan": True}, 400, "invalid", "approve_the_plan"),
    ],
)
def test_bad_input(
    operator: APIClient,
    lab: Group,
    refused: Refused,
    body: dict[str, Any],
    status: int,
    reason: str,
    field: str,
) -> None:
    refused(operator.post(URL, body, format="json"), status, reason, field)
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("name", "content", "status", "reason"),
    [
        ("huge.csv", b"x" * (1024 * 1024 + 1), 413, "attachment_too_large"),
        ("virus.exe", b"MZ", 400, "attachment_refused"),
        ("empty.csv", b"", 400, "attachment_refused"),
        ("image.csv", b"\x89PNG\r\n\x1a\n\x00\x00", 400, "attachment_refused"),
        ("table.parquet", b"a,b\n", 400, "attachment_refused"),
    ],
)
def test_refused_attachments_leave_nothing_behind(
    operator: APIClient,
    lab: Group,
    refused: Refused,
    settings: Any,
    media: Path,
    name: str,
    content: bytes,
    status: int,
    reason: str,
) -> None:
    settings.STARS_ATTACHMENT_MAX_MB = 1
    files = [upload("good.csv", b"a\n1\n"), upload(name, content)]
    answer = operator.post(URL, {"task": "x", "attachments": files}, format="multipart")
    problem = refused(answer, status, reason, "attachments")
    assert name in problem["errors"]["attachments"][0]
    assert not Run.objects.exists()
    assert not Attachment.objects.exists()
    assert [path for path in media.rglob("*") if path.is_file()] == []


def test_a_file_under_another_name(operator: APIClient, lab: Group, refused: Refused) -> None:
    body = {"task": "x", "file": upload("a.csv", b"a\n")}
    refused(operator.post(URL, body, format="multipart"), 400, "invalid", "file")


def test_without_a_leader(owner: APIClient, lab: Group, ada: Any, refused: Refused) -> None:
    membership.leave(actor=ada, group=lab, agent_id="lead")
    refused(owner.post(URL, {"task": "x"}, format="json"), 409, "leader_required")
    assert not Run.objects.exists()


def test_the_same_task_twice_is_two_runs(operator: APIClient, lab: Group) -> None:
    first, second = (operator.post(URL, {"task": "x"}, format="json").json() for _ in range(2))
    assert first["id"] != second["id"]
    assert Run.objects.count() == 2
