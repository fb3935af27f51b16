"""Spending is stored with the log, exactly once, whatever dies in between; what is under way counts before it is."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from groups.agents.base import Answered, Request, Usage
from groups.engine import purse
from groups.events import Event, TextDelta, UsageRecorded
from groups.execution.budget import Spent
from groups.models import Group, RunEvent, Spending
from groups.services import budgets, recovery, runs, spending
from groups.services.ledger import Ledger, opened
from state.threads import in_thread
from tests.engine.conftest import Doorbell
from tests.engine.scripted import Gate, Said, Scripted, ended, start, sub, wait_for
from tests.money.spenders import Spender
from tests.stages import claim
from tests.unit.world import item, plan


def queries_of(run_id: object, item: object, events: list[Event]) -> int:
    with CaptureQueriesContext(connection) as captured, opened(run_id) as machine:  # type: ignore[arg-type]
        assert machine.append(item.id, item.lease_token, events)  # type: ignore[attr-defined]
    return len(captured)


def test_a_step_without_usage_costs_no_statement_more(harbour: Group, ada: User) -> None:
    run = runs.start(actor=ada, group=harbour, task="Count")
    [leader] = claim(run)
    usage = UsageRecorded(input_tokens=1, output_tokens=1, requests=1, cost_usd=None, model="m")
    text: list[Event] = [TextDelta(text="hm")]
    queries_of(run.id, leader, [usage])
    without = queries_of(run.id, leader, text)
    # PostgreSQL takes events and spending in one statement.
    assert queries_of(run.id, leader, [*text, usage, usage]) <= without + 1
    assert queries_of(run.id, leader, text) == without
    assert Spending.objects.count() == 3


def test_asking_takes_one_query_for_each_cap_that_stands(harbour: Group, ada: User) -> None:
    run = runs.start(actor=ada, group=harbour, task="Count", max_tokens=5)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            spending.standing(run_id=run.id, agent_id="lena", group_id=harbour.id)
        return len(captured)

    assert queries() == 3
    budgets.put(actor=None, max_tokens=5)
    budgets.put(actor=None, group=harbour, max_cost_usd=5)
    assert queries() == 5


def test_what_could_not_be_stored_at_first_is_stored_once(
    crew: Group, script: Scripted, doorbell: Doorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [OperationalError("the database is away")] * 2
    store = Ledger.store

    def broken(self: Ledger) -> None:
        if failing and any(machine.used for machine in self.machines.values()):
            store(self)  # the crash comes after the writing and before the commit
            raise failing.pop()
        store(self)

    monkeypatch.setattr(Ledger, "store", broken)
    spender = script.acts["A"] = Spender(calls=3, tokens=10, takes=0.05)
    doorbell.engine()
    run = ended(start(crew, max_tokens=100))
    assert not failing
    assert Spending.objects.count() == 3
    assert RunEvent.objects.filter(run=run, type="usage.recorded").count() == 3
    # What was said but not stored had counted all the same, and counted once.
    assert [allowance.tokens for allowance in spender.allowed] == [100, 90, 80]


def test_another_process_counts_what_the_first_has_stored(
    crew: Group, script: Scripted, doorbell: Doorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, seen = Gate(), []

    async def act(request: Request) -> AsyncIterator[Said]:
        assert request.purse is not None
        seen.append((await request.purse.ask()).tokens)
        yield Usage(input_tokens=30)
        async for said in gate(request):
            yield said

    script.acts["A"] = act
    first = doorbell.engine()
    run = start(crew, max_tokens=100)
    wait_for(Spending.objects.exists, "the first call is stored")
    doorbell.engines.remove(first)
    first.shutdown(0)
    # A process of its own knows nothing of what was said in another.
    monkeypatch.setattr(purse, "_accounts", [])
    gate.is_open = True
    doorbell.engine().drive([run.id])
    ended(run)
    assert seen == [100, 70]
    assert spending.of_run(run.id).tokens == 60


def test_what_is_stored_while_its_agent_works_counts_once(
    crew: Group, script: Scripted, doorbell: Doorbell
) -> None:
    seen: list[int | None] = []

    async def act(request: Request) -> AsyncIterator[Said]:
        assert request.purse is not None
        yield Usage(input_tokens=60)
        while not await in_thread(Spending.objects.exists)():
            await asyncio.sleep(0.01)
        seen.append((await request.purse.ask()).tokens)
        yield Answered("asked")

    script.acts["A"] = act
    doorbell.engine()
    ended(start(crew, max_tokens=100))
    assert seen == [40]


def test_who_comes_in_while_caps_are_read_is_counted(
    crew: Group, script: Scripted, doorbell: Doorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first reads the caps slowly; the second asks, and is granted, within that time."""
    script.plan = plan(item("a"), item("b", assignee="wes"))
    standing, reading = spending.standing, threading.Event()

    def slow(*, agent_id: str, **others: Any) -> Any:
        found = standing(agent_id=agent_id, **others)
        if agent_id == "wim" and not reading.is_set():
            reading.set()
            time.sleep(0.3)
        return found

    monkeypatch.setattr(spending, "standing", slow)
    granted: dict[str, int | None] = {}

    async def act(request: Request) -> AsyncIterator[Said]:
        assert request.purse is not None
        while request.agent_id == "wes" and not reading.is_set():
            await asyncio.sleep(0.01)
        granted[request.agent_id] = (await request.purse.ask()).tokens
        await asyncio.sleep(0.5)
        yield Answered("called")

    script.acts |= dict.fromkeys("AB", act)
    doorbell.engine()
    ended(start(crew, max_tokens=100))
    assert granted == {"wim": 50, "wes": 50}


def test_when_time_is_up_the_sweep_has_the_run_wrapped_up(
    crew: Group, script: Scripted, doorbell: Doorbell
) -> None:
    script.plan = plan(item("a"), item("b", "a"))
    gate = script.acts["B"] = Gate()
    doorbell.engine()
    run = start(crew, time_limit=1.0)
    wait_for(lambda: gate.inside, "b at work")

    def swept() -> bool:
        return recovery.sweep(owner="here/1/1").timed_out == 1

    wait_for(swept, "the sweep sees that time is up")
    run = ended(run)
    assert (run.status, run.stop_reason) == ("completed", "The run's time limit of 1 s has passed.")
    assert sub(run, "b").status == "skipped" and "a: A by wim" in run.result
    wait_for(lambda: gate.cancelled == 1, "b is broken off")


def test_what_is_said_counts_at_once_for_another_worker(
    crew: Group, script: Scripted, doorbell: Doorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even though nothing of it can be seen in the database yet."""
    seen: list[int | None] = []

    async def act(request: Request) -> AsyncIterator[Said]:
        assert request.purse is not None
        monkeypatch.setattr(spending, "_sum", lambda rows: Spent())
        yield Usage(input_tokens=60)
        seen.append((await request.purse.ask()).tokens)
        yield Answered("asked")

    script.acts["A"] = act
    doorbell.engine()
    ended(start(crew, max_tokens=100))
    assert seen == [40]


def test_a_month_s_sums_look_at_that_month_only(harbour: Group) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SET LOCAL enable_seqscan = off"
            )  # which is quicker while there is little
    month = spending._this_month().order_by().exclude(attempt__in=[uuid4()])
    assert "spending_by_time" in month.explain()
    assert "spending_by_agent" in month.filter(agent_id="wim").explain()
    assert "groups_spending_run_id" in Spending.objects.filter(run_id=uuid4()).order_by().explain()
