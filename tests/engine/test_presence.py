"""A worker says that it is there, how many of its slots are free, when it swept, and that it goes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from celery.concurrency import prefork
from pytest_django import Settings

from groups import tasks
from groups.engine import engine as engines
from groups.models import Group, Process
from groups.services import processes, runs
from tests.engine.conftest import Doorbell
from tests.engine.scripted import Gate, Scripted, wait_for


def test_from_its_first_word_to_its_leave(
    crew: Group,
    doorbell: Doorbell,
    script: Scripted,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.STARS_WORKER_SLOTS = 5
    monkeypatch.setattr(processes, "EVERY", 0.05)
    engine = doorbell.engine()
    wait_for(Process.objects.exists, "its first word")
    row = Process.objects.get()
    assert (row.kind, row.name, row.slots, row.free) == ("worker", engines.owner_name(), 5, 5)
    assert row.swept_at is None
    swept = engine.swept_at = datetime.now(UTC)
    wait_for(lambda: Process.objects.get().swept_at == swept, "that it swept")
    gate = script.acts["A"] = Gate()
    runs.start(actor=None, group=crew, task="Go")
    wait_for(lambda: Process.objects.get().free == 4, "that a slot is taken")
    gate.is_open = True
    wait_for(lambda: Process.objects.get().free == 5, "that it is free again")
    doorbell.engines.remove(engine)
    engine.shutdown(1.0)
    assert not Process.objects.exists()


def test_it_begins_with_its_worker_and_not_in_the_parent_of_a_pool(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    began: list[str] = []
    monkeypatch.setattr(engines, "get", lambda: began.append("begun"))

    class Consumer:
        pool: object = None

    consumer = Consumer()
    tasks._start_engine(consumer)
    tasks._start_engine()  # a child of a pool
    assert began == ["begun", "begun"]
    consumer.pool = prefork.TaskPool.__new__(prefork.TaskPool)
    tasks._start_engine(consumer)
    assert began == ["begun", "begun"]
