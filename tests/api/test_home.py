"""Health, what was put aside, and the example run, by REST."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from groups.models import Group, Process, Run, Seen
from tests.api.conftest import client_for


def test_health(lab: Group, vi: User) -> None:
    now = timezone.now()
    Process.objects.create(
        kind="worker",
        name="here/1/7",
        slots=8,
        free=6,
        started_at=now - timedelta(hours=1),
        heard_at=now,
        swept_at=now,
    )
    told = client_for(vi).get("/api/v1/health/")
    assert told.status_code == 200
    found = told.json()
    assert (found["standing"], found["faults"]) == ("good", [])
    assert found["workers"] == {"alive": 1, "silent": 0, "slots": 8, "busy": 2, "free": 6}
    assert [each["name"] for each in found["processes"]] == ["here/1/7"]
    Process.objects.all().delete()
    found = client_for(vi).get("/api/v1/health/").json()
    assert found["standing"] == "broken"
    assert found["faults"][0]["part"] == "workers" and found["faults"][0]["advice"]
    assert client_for(None).get("/api/v1/health/").status_code == 401


def test_what_was_put_aside(lab: Group, bo: User) -> None:
    client = client_for(bo)
    assert client.get("/api/v1/home/").json() == {"failures_at": None, "welcome_at": None}
    put = client.patch("/api/v1/home/", {"failures": True}, format="json").json()
    assert put["failures_at"] and put["welcome_at"] is None
    put = client.patch("/api/v1/home/", {"welcome": True, "failures": False}, format="json").json()
    assert put["welcome_at"] and put["failures_at"] is None
    refused = client.patch("/api/v1/home/", {"welcome": "soon", "x": 1}, format="json")
    assert refused.status_code == 400
    assert Seen.objects.get().user == bo


def test_the_example_run(cy: User) -> None:
    made = client_for(cy).post("/api/v1/demo/")
    assert made.status_code == 201
    assert made.json()["group"] == Run.objects.get().group_id
    assert client_for(None).post("/api/v1/demo/").status_code == 401
