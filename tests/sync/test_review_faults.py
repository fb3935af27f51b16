"""Faults of the server: each is that of one socket, and none is final for its client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from state.bus import InMemoryEventBus
from state.manager import StateManager
from state.refusals import Damaged
from state.sync import pool as pools
from state.sync import protocol, tokens
from state.sync.client.refusals import from_close
from state.sync.filters import filter_of
from state.sync.heart import Heart
from state.sync.pool import Pool
from state.sync.sessions import Note, Opened
from state.values import ConnectionType, StateManagerConfig, SyncConfig
from tests.bus.build import memory_store
from tests.sync.opened import ADMIN, WIM, Directory, Socket


@pytest.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pool]:
    """Without a database; its clock is quick."""
    manager = StateManager(StateManagerConfig(), InMemoryEventBus(), memory_store())
    monkeypatch.setattr(pools, "TICK", 0.02)
    found = Pool(manager, SyncConfig(), Directory(), flush=0.05)
    sessions: Any = found.sessions
    monkeypatch.setattr(sessions, "note", lambda notes: ())
    monkeypatch.setattr(sessions, "leave", lambda *a, **k: None)
    yield found
    found.close()
    await asyncio.sleep(0.01)
    manager.close()


async def test_a_subscription_that_cannot_be_read_ends_its_socket_for_a_while(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        pool.manager.create_state(ADMIN, name)
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed)

    def broken(*args: Any, **more: Any) -> None:
        raise Damaged("one row")

    monkeypatch.setattr(pool.manager.store, "read_log", broken)
    prefix = tokens.prefix(feed.epoch, tokens.filter_hash(filter_of(["*"]), WIM))
    feed.ring.clear()
    await socket.say("sub", sub=1, states=["*"], **{"from": f"{prefix}.0"})
    await asyncio.sleep(0.1)
    assert socket.codes == [protocol.AWAY]
    assert from_close(socket.codes[0], socket.taken()[-1]["reason"]) is None
    socket.live.close()
    feed.leave()


async def test_whoever_said_hello_is_not_told_that_it_did_not(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HELLO_S", 0.1)
    monkeypatch.setattr(protocol, "WELCOME_S", 0.2)

    def slow(*args: Any, **more: Any) -> Opened:
        time.sleep(0.6)
        return Opened(id="s", generation=1)

    monkeypatch.setattr(pool.sessions, "open", slow)
    silent, greeted = Socket(pool), Socket(pool)
    await greeted.say("hello", proto=1)
    assert (silent.codes, greeted.codes) == ([protocol.BROKEN], [protocol.AWAY])
    for each in (silent, greeted):
        each.live.close()


async def test_a_fault_of_one_socket_stops_no_other_ones_clock(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = await pool.feeds.enter("lab")
    bad, good = Socket(pool, feed, name="bad"), Socket(pool, feed, name="good")
    good.live._heart = Heart(0.1, time.monotonic())

    def fails(now: float) -> None:
        raise RuntimeError("any fault")

    monkeypatch.setattr(bad.live, "tick", fails)
    await asyncio.sleep(0.4)
    assert [each["t"] for each in good.taken()].count("hb") >= 2
    for each in (bad, good):
        each.live.close()
    feed.leave()


async def test_conflicts_are_counted_once_though_the_rows_could_not_be_written(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = list[int]()
    tries = iter([True, True])

    def note(notes: list[Note]) -> tuple[str, ...]:
        if next(tries, False):
            raise OSError("the database is down")
        kept.extend(each.conflicts for each in notes)
        return ()

    monkeypatch.setattr(pool.sessions, "note", note)
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed)
    socket.live.conflicts = 3
    await asyncio.sleep(0.4)
    assert sum(kept) == 3
    socket.live.close()
    feed.leave()


@pytest.mark.parametrize("mode", ["bidirectional", "pull"])
async def test_whatever_is_done_for_a_subscription_may_fail_without_being_final(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed, mode=ConnectionType(mode))

    def broken(*args: Any, **more: Any) -> None:
        raise Damaged("one row")

    monkeypatch.setattr(pool.manager.store, "load_states", broken)
    await socket.say("sub", sub=1, states=["absent"])
    await socket.say("pull", sub=1)
    await asyncio.sleep(0.1)
    assert socket.codes == [protocol.AWAY]
    socket.live.close()
    feed.leave()
