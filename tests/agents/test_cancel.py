"""A cancelled agent stops within a second, leaves no files behind and frees its thread."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from groups.agents.base import AgentEvent, Answered, ToolStarted
from groups.agents.builtin import BuiltinRuntime, thread
from groups.agents.builtin.database import Database
from groups.agents.builtin.output import Output
from groups.agents.builtin.thread import MAX_THREADS, Stop, Stopped, stream
from tests.agents.kit import attachment, request

ENDLESS = "SELECT count(*) FROM range(10000000000000) AS a(n) WHERE hash(n) = 1"


class Endless:
    """Work that sits in a query until it is stopped; says so when the query is the next thing it does."""

    def __init__(self) -> None:
        self.under_way = threading.Event()

    def __call__(self, output: Output, stop: Stop) -> None:
        with Database(stop) as database, output.tool("endless"):
            self.under_way.set()
            database.rows(ENDLESS)


async def close_in_the_middle(work: Endless) -> float:
    """Seconds that it takes to close the stream of that work while its query runs."""
    async with aclosing(stream(work)) as events:
        assert isinstance(await anext(events), ToolStarted)
        assert await asyncio.to_thread(work.under_way.wait, 10)
        began = time.monotonic()
    return time.monotonic() - began


async def test_closing_the_stream_interrupts_a_query() -> None:
    assert await close_in_the_middle(Endless()) < 1


async def test_cancelling_the_task_interrupts_a_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    work = Endless()

    async def consume() -> None:
        async with aclosing(stream(work)) as events:
            async for _ in events:
                pass

    task = asyncio.create_task(consume())
    assert await asyncio.to_thread(work.under_way.wait, 10)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 1
    assert list(tmp_path.iterdir()) == []


async def test_work_that_waits_for_a_thread_is_dropped() -> None:
    ran: list[int] = []
    busy = [Endless() for _ in range(MAX_THREADS)]
    tasks = [asyncio.create_task(close_in_the_middle(work)) for work in busy]
    await asyncio.sleep(0)

    def queued(output: Output, stop: Stop) -> None:
        ran.append(1)

    async def consume() -> None:
        async for _ in stream(queued):
            pass

    waiting = asyncio.create_task(consume())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, *tasks, return_exceptions=True)
    assert ran == []


async def test_cancelling_a_run_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    path.write_text("a,b,c\n" + "1234.5,some words,2026-01-01\n" * 400_000)
    asked = request(config={"skill": "collector"}, attachments=(attachment(path),))
    for pause in (0.0, 0.1, 0.3):
        began = 0.0
        async with aclosing(BuiltinRuntime().perform(asked)) as events:
            async for _ in events:
                await asyncio.sleep(pause)
                began = time.monotonic()
                break
        assert time.monotonic() - began < 1


async def test_events_arrive_while_the_work_goes_on() -> None:
    seen: list[AgentEvent | Answered] = []

    def slow(output: Output, stop: Stop) -> None:
        output.finding("first")
        while not seen:
            time.sleep(0.001)
        output.finding("second")

    async for event in stream(slow):
        seen.append(event)
    assert seen[-1] == Answered("**Findings**\n\n- first\n- second\n")


async def test_an_error_of_the_work_is_raised() -> None:
    def broken(output: Output, stop: Stop) -> None:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        async for _ in stream(broken):
            pass


def test_the_database_reads_no_other_file(tmp_path: Path) -> None:
    import duckdb

    secret, given = tmp_path / "secret.csv", tmp_path / "given.csv"
    for path in (secret, given):
        path.write_text("a\n1\n")
    with Database(Stop(), [given]) as database:
        assert database.rows(f"SELECT * FROM read_csv('{given}')") == [(1,)]
        for sql in (
            f"SELECT * FROM read_csv('{secret}')",
            f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
            f"ATTACH '{tmp_path / 'other.db'}'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
        ):
            with pytest.raises(duckdb.Error):
                database.rows(sql)
    assert not database.folder.exists()


def test_a_stopped_database_runs_nothing() -> None:
    stop = Stop()
    with Database(stop) as database:
        stop.request()
        with pytest.raises(Stopped):
            database.rows("SELECT 1")


async def test_no_more_threads_work_than_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread, "_threads", MAX_THREADS)
    thread.configure(1)
    inside = 0
    most = 0

    def work(output: Output, stop: Stop) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.02)
        inside -= 1

    async def whole() -> None:
        async for _ in stream(work):
            pass

    await asyncio.gather(*[whole() for _ in range(4)])
    assert most == 1
