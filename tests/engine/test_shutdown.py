"""A worker that is told to stop: it takes no more, lets finish what can, gives the rest back and rings."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

from django.db import connection

from groups.agents.base import Answered, Request
from groups.engine.engine import Engine
from groups.models import Group
from groups.services import recovery
from tests.engine.conftest import Doorbell
from tests.engine.scripted import (
    Gate,
    Said,
    Scripted,
    at_work,
    ended,
    events,
    start,
    statuses,
    sub,
    wait_for,
)
from tests.unit.world import item, plan


def test_what_does_not_finish_in_time_is_released_and_counts_as_no_try(
    crew: Group, script: Scripted, doorbell: Doorbell, engine: Engine
) -> None:
    script.plan = plan(item("a"), item("b"))
    gate = Gate()
    script.acts = {"A": gate, "B": gate}
    run = start(crew, max_attempts=1)
    at_work(run, "a", "b")
    doorbell.rung.clear()
    doorbell.engines = []
    engine.shutdown(0)
    assert gate.cancelled == 2
    assert statuses(run) | {"plan": ""} == {"plan": "", "a": "ready", "b": "ready"}
    assert sub(run, "a").attempt == 0
    assert [e.data["cause"] for e in events(run, "subtask.retrying")] == ["released"] * 2
    assert run.id in doorbell.rung
    gate.is_open = True
    other = doorbell.engine()
    other.drive([run.id])
    assert ended(run).status == "completed" and sub(run, "a").attempt == 1


def test_what_finishes_within_the_grace_is_kept_and_its_followers_are_rung_for(
    crew: Group, script: Scripted, doorbell: Doorbell, engine: Engine
) -> None:
    script.plan = plan(item("a"), item("b", "a"))
    gate = Gate()
    script.acts["A"] = gate
    run = start(crew)
    at_work(run, "a")
    doorbell.rung.clear()
    doorbell.engines = []

    def stop() -> None:
        engine.shutdown(10)
        connection.close()  # this thread's own, opened to ring

    stopping = threading.Thread(target=stop)
    stopping.start()
    wait_for(lambda: engine._stopping)
    gate.is_open = True
    stopping.join(10)
    assert not stopping.is_alive() and gate.cancelled == 0
    assert statuses(run) == {"plan": "completed", "a": "completed", "b": "ready"}
    assert run.id in doorbell.rung, "another worker learns of it now, not at the next sweep"


def test_a_stopped_engine_hears_no_bell(
    crew: Group, script: Scripted, doorbell: Doorbell, engine: Engine
) -> None:
    engine.shutdown(0)
    run = start(crew)
    assert statuses(run) == {"plan": "ready"}
    doorbell.engines = []


def test_an_agent_that_will_not_stop_holds_up_nobody_for_long(
    crew: Group, script: Scripted, doorbell: Doorbell, engine: Engine
) -> None:
    let_go = asyncio.Event()

    async def stubborn(request: Request) -> AsyncIterator[Said]:
        while not let_go.is_set():
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                continue
        yield Answered("at last")

    script.acts["A"] = stubborn
    run = start(crew, max_attempts=2)
    at_work(run, "a")
    began = time.monotonic()
    doorbell.engines = []
    threading.Timer(1.0, let_go.set).start()
    engine.shutdown(0)
    assert time.monotonic() - began < 10
    wait_for(lambda: not engine._held)
    other = doorbell.engine()

    def swept() -> bool:
        recovery.sweep(owner=other.owner)
        return statuses(run)["a"] == "completed"

    wait_for(swept)
    assert ended(run).status == "completed"


def test_stopping_an_idle_engine_is_quick(doorbell: Doorbell, engine: Engine) -> None:
    began = time.monotonic()
    engine.shutdown(30)
    assert time.monotonic() - began < 2
    assert not engine._thread.is_alive() and not engine._writer.is_alive()
    doorbell.engines = []
