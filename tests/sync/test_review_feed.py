"""What may happen between two reads of the engine: commits, other rights, another history. Nobody is told more than it
may know, or that it has all when it has not."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from state.bus import InMemoryEventBus
from state.manager import Base, StateManager
from state.policy import Caller
from state.refusals import Conflicting
from state.sync import catchup
from state.sync.selecting import coalesced, whole
from state.values import (
    AccessPolicy,
    EventType,
    Operation,
    OperationType,
    StateManagerConfig,
)
from tests.bus.build import memory_store
from tests.sync.followed import ADMIN, OPEN, SHUT, SPACE, WIM, Sink, room_of

LEAD = Caller(space=SPACE, name="agent:wim", principals=frozenset({"role:leader"}))


@pytest.fixture
def manager() -> Iterator[StateManager]:
    found = StateManager(StateManagerConfig(), InMemoryEventBus(), memory_store())
    yield found
    found.close()


def set_n(value: int) -> list[Operation]:
    return [Operation(OperationType.SET, "/n", value)]


def wait_for(holds: Callable[[], bool]) -> None:
    """In a thread: until the event loop has got so far, at most 2 seconds."""
    end = time.monotonic() + 2
    while not holds() and time.monotonic() < end:
        time.sleep(0.002)


# -- loads that others overtake ---------------------------------------------------------------------------------------


async def test_what_changes_while_a_granted_state_is_read_comes_after_it(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.create_state(ADMIN, "x", data={"n": 1}, access_policy=SHUT)
    async with room_of(manager) as room:
        wim = room.follow()
        await room.settled()
        real, loop, reads = manager.store.load_states, asyncio.get_running_loop(), [0]

        def load(space: str, ids: Any) -> Any:
            found = real(space, ids)
            if "x" in ids and threading.current_thread() is not threading.main_thread():
                reads[0] += 1
            if reads[0] == 2:  # the first one was the feed's, for its policies
                reads[0] += 1
                revision = manager.update_state(ADMIN, "x", {"n": 2}).revision
                loop.call_soon_threadsafe(room.feed.wake)
                wait_for(lambda: room.feed.head >= revision)
            return found

        monkeypatch.setattr(manager.store, "load_states", load)
        manager.configure(ADMIN, "x", {"access_policy": OPEN})
        await room.settled()
        assert reads[0] >= 3
        assert wim.data == {"x": {"n": 2}} and wim.seen.synced


async def test_rights_that_are_taken_while_a_feed_begins_are_taken(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.create_state(ADMIN, "x", data={"secret": 1}, access_policy=OPEN)
    manager.create_state(ADMIN, "y")
    real, turns = manager.store.list_states, [0]

    def listing(*args: Any, **options: Any) -> Any:
        page = real(*args, **options)
        turns[0] += 1
        if turns[0] == 1:
            manager.configure(ADMIN, "x", {"access_policy": SHUT})
            manager.delete_state(ADMIN, "y")  # is on a later page, and newer than what x was there
        return page

    monkeypatch.setattr(manager.store, "list_states", listing)
    async with room_of(manager) as room:
        wim, ada = room.follow(), room.follow(ADMIN)
        await room.settled()
        manager.update_state(ADMIN, "x", {"secret": 2})
        await room.settled()
        assert wim.data == {} and wim.versions == []
        assert ada.data == {"x": {"secret": 2}}


async def test_a_page_of_another_history_is_no_continuation(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        manager.create_state(ADMIN, name, access_policy=OPEN)
    async with room_of(manager) as room:
        real, loop, old = manager.store.read_log, asyncio.get_running_loop(), room.feed.epoch
        restored = [False]

        def read_log(space: str, *, after: int, limit: int) -> Any:
            if after == 1 and not restored[0]:  # a backup is restored while this waits for its turn
                restored[0] = True
                manager.store.drop_space(SPACE)
                for name in ("d", "e", "f"):
                    manager.create_state(ADMIN, name, access_policy=OPEN)
                loop.call_soon_threadsafe(room.feed.wake)
                wait_for(lambda: room.feed.epoch != old)
            return real(space, after=after, limit=limit)

        monkeypatch.setattr(manager.store, "read_log", read_log)
        wim = room.follow(token=1)
        await room.settled()
        assert restored[0]
        assert (wim.kinds[0], wim.seen.resets) == ("reset", ["epoch"])
        assert set(wim.data) == {"d", "e", "f"}


async def test_latest_is_not_current_before_the_feed_has_reached_what_was_sent(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catchup, "FUTURE", 0.02)
    for name in ("a", "b"):
        manager.create_state(ADMIN, name, data={"n": 0}, access_policy=OPEN)
    async with room_of(manager) as room:
        wake = room.feed.wake
        monkeypatch.setattr(room.feed, "wake", lambda: None)  # it has not heard of this:
        manager.transact(ADMIN, (), {"a": set_n(9), "b": set_n(9)})
        wim = room.follow(token=0, mode="latest", batch=1)
        async with asyncio.timeout(5):
            while len(wim.versions) < 2:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert [each for each in wim.frames if each.get("synced")] == []
        monkeypatch.setattr(room.feed, "wake", wake)
        await room.settled()
        assert wim.seen.synced and wim.data == {"a": {"n": 9}, "b": {"n": 9}}


# -- several changes as one -------------------------------------------------------------------------------------------


def test_what_was_frozen_stays_so_in_several_changes_as_one(manager: StateManager) -> None:
    manager.create_state(ADMIN, "a")
    manager.configure(ADMIN, "a", {"frozen": True})
    manager.configure(ADMIN, "a", {"tags": ["t"]})
    (entry,) = coalesced(manager.store.read_log(SPACE, after=0, limit=10).entries)
    assert entry.config["frozen"] is True and "tags" in entry.config
    assert whole(manager.store.load_states(SPACE, ["a"])["a"]).config == {"frozen": True}
    manager.configure(ADMIN, "a", {"frozen": False})
    assert whole(manager.store.load_states(SPACE, ["a"])["a"]).config == {"frozen": False}


# -- who was shown what -----------------------------------------------------------------------------------------------


async def test_a_new_life_that_is_hidden_is_not_told_of(manager: StateManager) -> None:
    manager.create_state(ADMIN, "x", access_policy=OPEN)
    async with room_of(manager) as room:
        wim = room.follow()
        await room.settled()
        manager.delete_state(ADMIN, "x")
        await room.settled()
        told = len(wim.frames)
        manager.create_state(ADMIN, "x", data={"s": 1}, access_policy=SHUT)
        await room.settled()
        assert [each for each in wim.kinds[told:] if each != "mark"] == []
        manager.configure(ADMIN, "x", {"access_policy": OPEN})
        await room.settled()
        assert wim.data == {"x": {"s": 1}}


@pytest.mark.parametrize(("before", "kinds"), [(SHUT, ["mark"]), (OPEN, ["reset", "snap", "mark"])])
async def test_only_who_may_have_seen_what_was_hidden_meanwhile_begins_anew(
    manager: StateManager, before: AccessPolicy, kinds: list[str]
) -> None:
    manager.create_state(ADMIN, "secret", access_policy=before)
    manager.create_state(ADMIN, "open", access_policy=OPEN)
    async with room_of(manager) as room:
        hidden = AccessPolicy(read_allow=("agent:wes",))
        manager.configure(ADMIN, "secret", {"access_policy": hidden})
        await room.settled()
        wim = room.follow(token=2)
        await room.settled()
        assert wim.kinds == kinds
        assert wim.seen.resets == ["filter"] * kinds.count("reset")


@pytest.mark.parametrize("with_older_token", [False, True])
async def test_before_new_rights_have_brought_their_states_there_is_no_token_of_them(
    manager: StateManager, with_older_token: bool
) -> None:
    leaders = AccessPolicy(read_allow=("role:leader",))
    manager.create_state(ADMIN, "secret", data={"n": 1}, access_policy=leaders)
    manager.create_state(ADMIN, "open", data={"n": 1}, access_policy=OPEN)
    async with room_of(manager) as room:
        wim = room.follow(entries=1)
        await room.settled()
        wim.subscription.acked = wim.subscription.prev
        older = wim.seen.token
        for n in (2, 3):  # one more than may be on its way
            manager.update_state(ADMIN, "open", {"n": n})
        await room.settled()
        assert wim.subscription.is_parked and wim.subscription.token() == older
        wim.subscription.reread(LEAD)
        assert wim.subscription.token() == ""
        wim.subscription.close()
        room.sinks.remove(wim)
        # The socket breaks there; it comes back with what it has.
        again = room.follow(LEAD, token=older if with_older_token else None, seen=wim.seen)
        await room.settled()
        assert again.seen.resets == ["filter"] * with_older_token
        assert again.data == {"secret": {"n": 1}, "open": {"n": 3}} and again.seen.synced


async def test_a_conflict_is_not_told_to_whom_the_state_was_hidden_before_it(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.create_state(ADMIN, "x", data={"n": 0}, access_policy=OPEN)
    async with room_of(manager) as room:
        wim, bo = room.follow(), room.follow(Caller(space=SPACE, name="human:bo", admin=True))
        await room.settled()
        wake = room.feed.wake
        monkeypatch.setattr(room.feed, "wake", lambda: None)  # all of this is heard of at once
        manager.configure(ADMIN, "x", {"access_policy": SHUT})
        manager.update_state(ADMIN, "x", {"hidden": 1})
        with pytest.raises(Conflicting):
            wes = Caller(space=SPACE, name="agent:wes", admin=True)
            manager.update_state(wes, "x", {"hidden": 2}, base=Base(version=2))
        monkeypatch.setattr(room.feed, "wake", wake)
        await room.settled()
        (told,) = [each for each in bo.frames if each["t"] == "conflict"]
        assert (told["event"], told["paths"]) == (EventType.CONFLICT_DETECTED.value, ["/hidden"])
        assert "conflict" not in wim.kinds and wim.data == {}


# -- followers that fail, spaces that go ------------------------------------------------------------------------------


async def test_a_follower_that_fails_begins_anew_and_takes_nothing_from_others(
    manager: StateManager,
) -> None:
    manager.create_state(ADMIN, "a", data={"n": 0}, access_policy=OPEN)
    async with room_of(manager) as room:
        sinks = [room.follow() for _ in range(6)]
        await room.settled()
        # Whichever is told first: the others are told after it.
        first = next(iter(room.feed.followers))
        victim = next(each for each in sinks if each.subscription is first)

        def fail(*args: Any, **options: Any) -> None:
            raise RuntimeError("this sink is broken")

        victim.say_delta = fail  # type: ignore[method-assign]
        manager.update_state(ADMIN, "a", {"n": 1})
        await room.settled()
        victim.say_delta = Sink.say_delta.__get__(victim)  # type: ignore[method-assign]
        manager.update_state(ADMIN, "a", {"n": 2})
        await room.settled()
        others = [each for each in sinks if each is not victim]
        assert [each.versions for each in others] == [[2, 3]] * 5
        assert victim.seen.resets == ["integrity"]
        assert all(each.data == {"a": {"n": 2}} and each.seen.synced for each in sinks)


async def test_followers_of_a_space_that_is_dropped_are_told_by_the_next_sweep(
    manager: StateManager,
) -> None:
    manager.create_state(ADMIN, "a", access_policy=OPEN)
    async with room_of(manager, sync_interval=timedelta(seconds=0.05)) as room:
        wim = room.follow(WIM)
        await room.settled()
        manager.drop_space(ADMIN)  # this manager pokes nobody
        async with asyncio.timeout(2):
            while not wim.is_gone:
                await asyncio.sleep(0.01)


async def test_a_page_that_ends_before_the_rights_that_judge_it_is_led_on_to_them(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.create_state(ADMIN, "y", access_policy=OPEN)
    manager.create_state(ADMIN, "x", data={"n": 1}, access_policy=SHUT)
    manager.update_state(ADMIN, "x", {"n": 2})
    async with room_of(manager) as room:
        real, loop, opened = manager.store.read_log, asyncio.get_running_loop(), [False]

        def read_log(space: str, *, after: int, limit: int) -> Any:
            page = real(space, after=after, limit=limit)
            if (
                after == 2 and not opened[0]
            ):  # others are shown what comes next before this gets its turn
                opened[0] = True
                revision = manager.configure(ADMIN, "x", {"access_policy": OPEN}).revision
                loop.call_soon_threadsafe(room.feed.wake)
                wait_for(lambda: room.feed.head >= revision)
            return page

        monkeypatch.setattr(manager.store, "read_log", read_log)
        wim = room.follow(token=2)
        await room.settled()
        assert opened[0]
        # What x became while it was hidden builds on what wim has never had: it comes whole instead.
        assert wim.versions == [] and wim.data == {"x": {"n": 2}}
        # Who comes later finds the page kept, and is told no more.
        late = room.follow(token=2)
        await room.settled()
        assert late.versions == [] and late.data == {"x": {"n": 2}}
