"""How the installation stands: each fault with what to do about it, on the page and in REST."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from kombu import Connection
from pytest_django import Settings

from groups import queue
from groups.models import Group, Process, Run, Subtask
from groups.overview.health import Health, Level, health
from groups.services import runs
from stars_site.celery import app
from tests.dashboard.conftest import Browser


@pytest.fixture(autouse=True)
def _embedded(settings: Settings) -> None:
    settings.REDIS_URL = ""


def ago(seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)


def process(kind: str = "worker", *, heard: float = 1, name: str = "here/1/7", **more: Any) -> None:
    fields = {"slots": 8, "free": 8, "started_at": ago(3600), "swept_at": ago(1), **more}
    Process.objects.create(kind=kind, name=name, heard_at=ago(heard), **fields)


def faults(found: Health) -> list[tuple[str, str]]:
    return [(fault.part, fault.level) for fault in found.faults]


def ready(group: Group, seconds: float, **changes: Any) -> Run:
    """A run whose plan could have been carried out for so long."""
    run = runs.start(actor=None, group=group, task="Go")
    Subtask.objects.filter(run=run).update(ready_at=ago(seconds), **changes)
    return run


def test_all_is_well(harbour: Group) -> None:
    process()
    process("web")
    process("worker", name="here/1/8", free=3)
    found = health()
    assert (found.level, faults(found), found.embedded) == (Level.GOOD, [], True)
    assert (found.web, found.workers.alive, found.workers.slots, found.workers.busy) == (
        1,
        2,
        16,
        5,
    )
    assert (found.ready, found.oldest) == (0, None)
    assert found.doorbells is not None


def test_without_a_worker_runs_wait(harbour: Group, settings: Settings) -> None:
    process("web")
    found = health()
    assert (found.level, faults(found)) == (Level.BROKEN, [("workers", "broken")])
    assert "Restart Stars" in found.faults[0].advice
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert "celery -A stars_site worker" in health().faults[-1].advice


def test_a_worker_that_fell_silent_is_told_of_until_it_is_forgotten(harbour: Group) -> None:
    process()
    process(name="here/1/8", heard=40)
    assert faults(health()) == [("workers", "strained")]
    assert health().workers.slots == 8
    assert "in 3 minutes at most" in health().faults[0].advice
    Process.objects.filter(name="here/1/8").update(heard_at=ago(181))
    assert faults(health()) == []


def test_one_worker_that_is_silent_is_no_worker(harbour: Group) -> None:
    process(heard=40)
    assert faults(health()) == [("workers", "broken"), ("workers", "strained")]


@pytest.mark.parametrize(("late", "level"), [(5, None), (30, "strained"), (90, "broken")])
def test_a_sweep_that_is_late(harbour: Group, late: float, level: str | None) -> None:
    process(swept_at=ago(late))
    assert faults(health()) == ([("sweep", level)] if level else [])


def test_a_young_worker_need_not_have_swept(harbour: Group) -> None:
    process(swept_at=None, started_at=ago(3))
    assert faults(health()) == []
    Process.objects.update(started_at=ago(90))
    assert faults(health()) == [("sweep", "broken")]


def test_work_that_waits_for_long(harbour: Group) -> None:
    process(free=0)
    ready(harbour, 45)
    found = health()
    assert faults(found) == [("queue", "strained")]
    assert "Start another worker" in found.faults[0].advice
    assert found.ready == 1 and found.oldest is not None
    Process.objects.update(free=4)
    assert "slots are free" in health().faults[0].text


def test_work_that_is_held_back_does_not_count(harbour: Group) -> None:
    process(free=0)
    ready(harbour, 45, not_before=timezone.now() + timedelta(seconds=60))
    paused = ready(harbour, 45)
    Run.objects.filter(id=paused.id).update(status="paused")
    assert (health().ready, faults(health())) == (0, [])


def test_when_work_became_ready_is_known(harbour: Group) -> None:
    run = runs.start(actor=None, group=harbour, task="Go")
    found = run.subtasks.get()
    assert found.ready_at is not None and timezone.now() - found.ready_at < timedelta(seconds=5)


def test_a_broker_that_is_away(harbour: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    process()
    monkeypatch.setattr(queue, "depth", lambda: None)
    found = health()
    assert faults(found) == [("broker", "broken")]
    assert found.level_of("broker") is Level.BROKEN
    assert found.level_of("web") is Level.GOOD


def test_a_broker_that_goes_away_while_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(Exception):
        """As Redis says it, and not kombu."""

    def go(channel: Any) -> int:
        raise Gone

    errors = property(lambda connection: (Gone,))
    monkeypatch.setattr(Connection, "connection_errors", errors)
    monkeypatch.setattr(queue, "_waiting", go)
    monkeypatch.setattr(queue, "_away_until", 0.0)
    assert queue.depth() is None


def test_doorbells_that_nobody_answered_are_counted() -> None:
    before = queue.depth()
    assert before is not None
    app.send_task(queue.SWEEP)
    try:
        assert queue.depth() == before + 1
    finally:
        app.control.purge()


def test_the_page_says_it_with_what_to_do(viewer: Browser, harbour: Group) -> None:
    page = viewer.get("/").content.decode()
    assert "No worker is alive: runs wait." in page and "Restart Stars" in page
    assert 'data-level="broken"' in page
    process()
    page = viewer.get("/").content.decode()
    assert "All is well" in page and "1 alive, 0 of 8 slots taken" in page


def test_it_costs_three_queries(
    harbour: Group, ada: User, django_assert_max_num_queries: Any
) -> None:
    for n in range(9):
        process(name=f"here/1/{n}")
        ready(harbour, n)
    with django_assert_max_num_queries(3):
        assert health().ready == 9
