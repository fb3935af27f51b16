"""What the watchers are told, and what they are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings

from stars_site import health
from state import conf


@pytest.fixture(autouse=True)
def _just_started() -> Iterator[None]:
    health._migrated.clear()
    yield
    health._migrated.clear()


def test_healthz_asks_nobody(client: Client) -> None:
    # No `db` fixture: a query would fail the test.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


def test_ready(client: Client, db: None, settings: Settings) -> None:
    settings.REDIS_URL = ""
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "checks": {"database": "ok", "migrations": "ok", "broker": "ok", "states": "ok"},
    }


def test_a_store_of_states_that_is_away_is_not_ready(
    client: Client, db: None, settings: Settings
) -> None:
    settings.REDIS_URL = ""
    settings.STARS_STATES = {"type": "redis", "connection_string": "redis://127.0.0.1:1/0"}
    conf.close_manager()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["states"] == "unreachable"


def test_unready_names_what_and_not_where(
    client: Client, db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> str:
        raise OperationalError("password of stars@db.internal refused")

    monkeypatch.setitem(health.CHECKS, "database", broken)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert answer.json()["checks"] == {
        "database": "unreachable",
        "migrations": "ok",
        "broker": "unreachable",
        "states": "ok",
    }
    assert b"internal" not in answer.content


@pytest.mark.django_db
def test_pending_migrations_are_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "django.db.migrations.executor.MigrationExecutor.migration_plan", lambda *_: [("x", False)]
    )
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["migrations"] == "pending"
    monkeypatch.undo()
    assert client.get("/readyz").json()["checks"]["migrations"] == "ok"


@pytest.mark.django_db
def test_migrations_are_looked_at_until_they_are_applied(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    client.get("/readyz")
    with django_assert_max_num_queries(1):
        assert client.get("/readyz").json()["checks"]["migrations"] == "ok"


def test_only_reading(client: Client) -> None:
    assert client.post("/healthz").status_code == 405
