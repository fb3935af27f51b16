"""What is not there for somebody is named by the store's word, and by the feed's where the store is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from state.bus import InMemoryEventBus
from state.errors import Unavailable
from state.manager import StateManager
from state.sync import naming
from state.sync.filters import filter_of
from state.sync.selecting import Reader
from state.values import StateManagerConfig
from tests.bus.build import memory_store
from tests.sync.followed import ADMIN, OPEN, SHUT, WIM, Room, room_of

NAMES = ("later", "gone", "open", "secret", "never", "notes/*")


@pytest.fixture
def manager() -> Iterator[StateManager]:
    found = StateManager(StateManagerConfig(), InMemoryEventBus(), memory_store())
    for name in ("open", "gone"):
        found.create_state(ADMIN, name, access_policy=OPEN)
    found.create_state(ADMIN, "secret", access_policy=SHUT)
    found.delete_state(ADMIN, "gone")
    yield found
    found.close()


async def missing(room: Room) -> tuple[str, ...]:
    return await naming.missing(room.feed, Reader(WIM, filter_of(NAMES)), asyncio.Semaphore())


async def test_what_is_deleted_hidden_or_unknown_is_missing(manager: StateManager) -> None:
    async with room_of(manager) as room:
        assert await missing(room) == ("gone", "later", "never", "secret")
    assert naming.absent(manager.store, WIM, filter_of(NAMES).ids) == (
        "gone",
        "later",
        "never",
        "secret",
    )
    assert naming.absent(manager.store, ADMIN, filter_of(NAMES).ids) == ("gone", "later", "never")


async def test_what_the_feed_does_not_know_yet_is_not_missing(manager: StateManager) -> None:
    async with room_of(manager) as room:
        manager.create_state(ADMIN, "later", access_policy=OPEN)  # this manager pokes nobody
        assert not room.feed.policies.shows(WIM, "later")
        assert await missing(room) == ("gone", "never", "secret")


async def test_without_the_store_what_the_feed_knows_has_to_do(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any) -> Any:
        raise Unavailable

    async with room_of(manager) as room:
        with monkeypatch.context() as patched:
            patched.setattr(manager.store, "load_states", away)
            assert await missing(room) == ("gone", "later", "never", "secret")


async def test_the_store_is_not_asked_for_what_the_feed_shows(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    async with room_of(manager) as room:
        with monkeypatch.context() as patched:
            patched.setattr(manager.store, "load_states", lambda *args: asked.append(args))
            reader = Reader(WIM, filter_of(["open", "notes/*"]))
            assert await naming.missing(room.feed, reader, asyncio.Semaphore()) == ()
    assert asked == []
