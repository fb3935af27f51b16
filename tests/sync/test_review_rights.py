"""Rights that are read while they change: nothing older overtakes, and nothing is missed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from state.bus import InMemoryEventBus
from state.fanout import Outgoing, hub
from state.manager import StateManager
from state.policy import Caller
from state.refusals import SpaceNotFound
from state.sync import pool as pools
from state.sync import protocol
from state.sync.pool import Pool
from state.sync.sessions import Note, Opened
from state.values import AccessPolicy, StateManagerConfig, SyncConfig
from tests.bus.build import memory_store
from tests.sync.opened import ADMIN, TOPIC, WIM, Directory, Socket, Who

LEADER = Caller(space="lab", name="agent:wim", principals=frozenset({"role:leader"}))


@pytest.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pool]:
    """Without a database: sessions are opened and left without a word."""
    manager = StateManager(StateManagerConfig(), InMemoryEventBus(), memory_store())
    found = Pool(manager, SyncConfig(), Directory(), flush=0.05)
    sessions: Any = found.sessions
    monkeypatch.setattr(sessions, "open", lambda *a, **k: Opened(id="s", generation=1))
    monkeypatch.setattr(sessions, "note", lambda notes: ())
    monkeypatch.setattr(sessions, "leave", lambda *a, **k: None)
    monkeypatch.setattr(pools, "TICK", 0.05)
    yield found
    found.close()
    await asyncio.sleep(0.01)
    manager.close()


def directory_of(pool: Pool) -> Directory:
    assert isinstance(pool.directory, Directory)
    return pool.directory


async def test_a_slow_look_at_rights_does_not_bring_back_what_a_later_one_took(pool: Pool) -> None:
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed, caller=LEADER)
    go, answers = threading.Event(), [LEADER, WIM]

    def look() -> Caller:
        answer = answers.pop(0)
        if answer is LEADER:
            go.wait(5)  # read before the change, and told after it
        return answer

    directory_of(pool).look = look  # type: ignore[method-assign]
    reviews = [asyncio.create_task(socket.live.review())]
    await asyncio.sleep(0.02)
    reviews.append(asyncio.create_task(socket.live.review()))
    await asyncio.sleep(0.02)
    go.set()
    await asyncio.gather(*reviews)
    assert socket.live.caller == WIM
    socket.live.close()
    feed.leave()


async def test_many_changes_of_rights_in_a_row_are_few_looks(pool: Pool) -> None:
    feed = await pool.feeds.enter("lab")
    sockets = [Socket(pool, feed, name=f"s{n}") for n in range(50)]
    for _ in range(20):
        hub().publish([Outgoing(TOPIC, b"{}")])
    await asyncio.sleep(0.02)
    while any(each.live.rights.is_awaited for each in sockets) or pool._tasks:
        await asyncio.sleep(0.01)
    assert 50 <= directory_of(pool).looks <= 150
    for each in sockets:
        each.live.close()
    feed.leave()


async def test_rights_that_are_lost_while_hello_is_answered_are_noticed(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.manager.create_state(ADMIN, "plan", access_policy=AccessPolicy(public=True))
    removed = threading.Event()

    def look() -> Caller:
        if removed.is_set():
            raise SpaceNotFound
        return WIM

    def opened(*args: Any, **more: Any) -> Opened:
        removed.set()
        hub().publish([Outgoing(TOPIC, b"{}")])
        time.sleep(0.1)
        return Opened(id="s", generation=1)

    directory_of(pool).look = look  # type: ignore[method-assign]
    monkeypatch.setattr(pool.sessions, "open", opened)
    socket = Socket(pool)
    await socket.say("hello", proto=1)
    await socket.say("sub", sub=1, states=["*"])
    await asyncio.sleep(0.1)
    assert socket.codes == [protocol.DENIED]
    assert "snap" not in [each["t"] for each in socket.taken()]
    socket.live.close()
    assert not pool._watches


async def test_what_the_row_says_of_an_earlier_socket_does_not_end_the_one_that_took_over(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go = threading.Event(), threading.Event()

    def note(notes: list[Note]) -> tuple[str, ...]:
        if notes[0].generation != 1:
            return ()
        began.set()
        go.wait(5)
        return ("s",)  # another has the row by now

    monkeypatch.setattr(pool.sessions, "note", note)
    feed = await pool.feeds.enter("lab")
    old = Socket(pool, feed, generation=1)
    await asyncio.to_thread(began.wait, 5)
    new = Socket(pool, feed, generation=2)
    go.set()
    await asyncio.sleep(0.1)
    assert (old.codes, new.codes) == ([protocol.SUPERSEDED], [])
    # The same the other way round: it was slower to be let in, and is the older.
    late = Socket(pool, feed, generation=1)
    assert (late.codes, new.codes) == ([protocol.SUPERSEDED], [])
    for each in (old, late, new):
        each.live.close()
    feed.leave()


async def test_a_token_that_has_ended_ends_its_socket_though_nobody_can_look_it_up(
    pool: Pool,
) -> None:
    class Forgotten(Who):
        async def renewed(self) -> Who:
            raise OSError("the database is down")

    feed = await pool.feeds.enter("lab")
    ended = datetime.now(UTC) - timedelta(seconds=30)
    socket = Socket(pool, feed, who=Forgotten(expires_at=ended))
    await asyncio.sleep(0.2)
    assert socket.codes == [protocol.AWAY]  # it may come back: perhaps the token was prolonged
    socket.live.close()
    feed.leave()
