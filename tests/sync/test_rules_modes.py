"""What a client may ask for: pulling, the latest only, compression, to be the only one; and what it is told beside."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from state import conf
from state.manager import Base, StateManager
from state.models import Connection
from state.refusals import Conflicting
from state.sync import pool
from state.sync.sessions import Sessions
from state.values import AccessPolicy, Operation, OperationType
from tests.sync.rules import LENA, create, end_of, error_of, in_other_thread, shorten, write
from tests.sync.speaker import Speaker, speaking

pytestmark = pytest.mark.django_db(transaction=True)


async def pulled(speaker: Speaker, **fields: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Pull; the frames that come, and the one mark behind them."""
    await speaker.say("pull", sub=1, **fields)
    frames = []
    while (frame := await speaker.hear())["t"] != "mark":
        frames.append(frame)
    return frames, frame


def versions(frames: list[dict[str, Any]]) -> list[int]:
    return [each["v"] for frame in frames for each in frame["entries"]]


async def test_whoever_pulls_is_sent_nothing_unasked_and_all_in_portions(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await create(manager, "plan", {"n": 0})
    async with speaking(ada) as speaker:
        await speaker.hello(mode="pull")
        await speaker.say("sub", sub=1, states=["plan"])
        assert await speaker.silent()
        frames, mark = await pulled(speaker)
        assert [each["t"] for each in frames] == ["snap"] and mark["synced"]
        for n in range(1, 11):
            await write(manager, "plan", n=n)
        assert await speaker.silent()
        frames, mark = await pulled(speaker, limit=4)
        assert (versions(frames), mark["rev"], mark.get("synced", False)) == (
            [2, 3, 4, 5],
            5,
            False,
        )
        frames, mark = await pulled(speaker, limit=100)
        assert (versions(frames), mark["rev"], mark["synced"]) == ([6, 7, 8, 9, 10, 11], 11, True)
        frames, mark = await pulled(speaker)
        assert (frames, mark["rev"], mark["synced"]) == ([], 11, True)
        # It may write, too.
        ops = [{"op": "set", "path": "/n", "value": 20}]
        await speaker.say("write", op_id="a", state="plan", ops=ops)
        assert (await speaker.hear("res"))["v"] == 12
        assert await speaker.silent()
        token = mark["token"]
    async with speaking(ada) as again:
        await again.hello(mode="pull")
        await again.say("sub", sub=1, states=["plan"], **{"from": token})
        frames, mark = await pulled(again)
        assert (versions(frames), mark["synced"]) == ([12], True)


async def test_who_pulls_without_acknowledging_gets_no_more_than_the_window(
    manager: StateManager, ada: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, parked_s=0.1)
    settings.STARS_STATE_SYNC = {"queue_buffer_size": 3}
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello(mode="pull")
        await speaker.say("sub", sub=1, states=["plan"])
        await pulled(speaker)
        for n in range(8):
            await write(manager, "plan", n=n)
        frames, mark = await pulled(speaker)
        assert (versions(frames), mark.get("synced", False)) == ([2, 3, 4], False)
        frames, mark = await pulled(speaker)
        assert (frames, mark["rev"], mark.get("synced", False)) == ([], 4, False)
        assert await speaker.silent(0.3)
        await speaker.say("ack", sub=1, rev=4)
        assert versions((await pulled(speaker))[0]) == [5, 6, 7]


async def test_only_who_pulls_may_pull(manager: StateManager, ada: User) -> None:
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("*")
        await speaker.say("pull", sub=1)
        assert await error_of(speaker) == (409, "pull_only")


async def test_a_slow_reader_of_the_latest_gets_each_state_once_as_it_is_now(
    manager: StateManager, ada: User, settings: Any
) -> None:
    settings.STARS_STATE_SYNC = {"queue_buffer_size": 2}
    for each in ("a", "b", "c"):
        await create(manager, each, {"n": 0})
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("*", mode="latest")
        for n in range(1, 3):
            await write(manager, "a", n=n)
        got = [await speaker.hear("delta")]
        while sum(len(each["entries"]) for each in got) < 2:
            if await speaker.silent():
                break
            got.append(await speaker.hear("delta"))
        for n in range(1, 20):
            for each in ("a", "b"):
                await write(manager, each, n=10 * n)
        await in_other_thread(manager.delete_state)(LENA, "c")
        await create(manager, "d", {"n": 1})
        states: dict[str, Any] = {}
        entries = 0
        while True:
            await speaker.say("ack", sub=1, rev=got[-1]["rev"])
            if await speaker.silent(0.3):
                break
            got.append(await speaker.hear("delta", "mark"))
            for each in got[-1].get("entries", ()):
                entries += 1
                states[each["id"]] = each
        assert entries <= 8
        last = states["a"]["ops"][-1]
        assert states["a"]["coalesced"] and states["a"]["v"] == 22
        assert last["value"] in ({"n": 190}, 190)
        assert states["c"]["kind"] == "delete"
        assert states["d"]["v"] == 1
        assert got[-1]["synced"] and got[-1]["rev"] == 45


async def test_frames_beyond_a_kibibyte_are_compressed_for_who_asks(
    manager: StateManager, ada: User, settings: Any
) -> None:
    await create(manager, "plan", {"text": "short"})
    async with speaking(ada) as packed, speaking(ada) as plain:
        await packed.hello(compress="deflate")
        await plain.hello()
        for each in (packed, plain):
            await each.sub("plan")
        assert packed.binary == 0
        for text, binary in (("brief", 0), ("群" * 2000, 1)):
            await write(manager, "plan", text=text)
            deltas = [await each.hear("delta") for each in (packed, plain)]
            assert deltas[0]["entries"] == deltas[1]["entries"]
            assert (packed.binary, plain.binary) == (binary, 0)


async def test_compression_can_be_switched_off(
    manager: StateManager, ada: User, settings: Any
) -> None:
    settings.STARS_STATE_SYNC = {"compression": False}
    await create(manager, "plan", {"text": "x" * 5000})
    async with speaking(ada) as speaker:
        await speaker.hello(compress="deflate")
        await speaker.sub("plan")
        assert speaker.binary == 0


async def test_who_resumes_a_session_ends_the_socket_that_had_it(
    manager: StateManager, ada: User
) -> None:
    async with speaking(ada) as first, speaking(ada) as second:
        session = (await first.hello())["session"]
        welcome = await second.hello(session=session)
        assert (welcome["session"], welcome["resumed"]) == (session, True)
        end = await end_of(first)
        assert (end.code, end.bye["reason"]) == (4409, "resumed")
        assert (await second.sub("*"))[""]["synced"]
    assert await sync_to_async(Connection.objects.count)() == 1


async def test_a_session_of_somebody_else_or_that_is_none_is_not_resumed(
    manager: StateManager, ada: User, bo: User
) -> None:
    async with speaking(ada) as mine:
        session = (await mine.hello())["session"]
        for user, agent, given in (
            (bo, "", session),
            (ada, "wim", session),
            (ada, "", "s_nothing"),
            (ada, "", ""),
        ):
            async with speaking(user) as other:
                welcome = await other.hello(agent=agent, session=given)
                assert welcome["session"] != session and "resumed" not in welcome
        assert (await mine.sub("*"))[""]["synced"]


async def test_the_exclusive_one_ends_others_of_its_agent_and_name_only(
    manager: StateManager, ada: User
) -> None:
    async with (
        speaking(ada) as same,
        speaking(ada) as named,
        speaking(ada) as agent,
        speaking(ada) as new,
    ):
        await same.hello(agent="wim", name="a")
        await named.hello(agent="wim", name="b")
        await agent.hello(agent="wes", name="a")
        await new.hello(agent="wim", name="a", exclusive=True)
        end = await end_of(same)
        assert (end.code, end.bye["reason"]) == (4409, "superseded")
        for each in (named, agent, new):
            assert (await each.sub("*"))[""]["synced"]


async def test_a_conflict_is_told_to_those_who_may_read_the_state_and_not_to_its_author(
    manager: StateManager, lab: Any, ada: User, bo: User
) -> None:
    public = AccessPolicy(public=True)
    await create(manager, "open", {"n": 0}, access_policy=public, resolution="reject")
    hidden = AccessPolicy()
    await create(manager, "secret", {"n": 0}, access_policy=hidden, resolution="reject")

    def collide(state: str) -> None:
        manager.update_state(LENA, state, {"n": 1})
        ops = [Operation(OperationType.SET, "/n", 2)]
        with pytest.raises(Conflicting):
            manager.update_state(LENA, state, ops, base=Base(version=1))

    async with speaking(ada) as owner, speaking(bo) as reader, speaking(ada) as author:
        await owner.hello()
        await reader.hello()
        await author.hello(agent="lena")
        for each in (owner, reader, author):
            await each.sub("*")
        for state in ("secret", "open"):
            await in_other_thread(collide)(state)
        heard: dict[str, list[str]] = {}
        for name, speaker in (("owner", owner), ("reader", reader), ("author", author)):
            heard[name] = []
            while not await speaker.silent():
                frame = await speaker.hear("delta", "conflict")
                if frame["t"] == "conflict":
                    assert frame["event"] == "conflict_detected" and frame["conflict_id"]
                    assert (frame["paths"], frame["by"]) == (["/n"], ["agent:lena"])
                    heard[name].append(frame["state"])
        assert heard == {"owner": ["secret", "open"], "reader": ["open"], "author": []}


async def test_a_large_snapshot_comes_in_parts_and_is_synced_after_the_last(
    manager: StateManager, ada: User
) -> None:
    for n in range(9):
        await create(manager, f"big/{n}", {"text": "x" * 100_000})
    await create(manager, "huge", {"text": "x" * 600_000})
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.say("sub", sub=1, states=["*"])
        parts = []
        while True:
            parts.append(await speaker.hear("snap"))
            if parts[-1]["last"]:
                break
        assert [each["part"] for each in parts] == list(range(1, len(parts) + 1))
        assert {each["rev"] for each in parts} == {10}
        assert all(
            len(each["states"]) == 1 or len(msgspec.json.encode(each)) < 257 * 1024
            for each in parts
        )
        found = [state["id"] for each in parts for state in each["states"]]
        assert found == [*(f"big/{n}" for n in range(9)), "huge"]
        assert (await speaker.hear("mark"))["synced"]


async def test_heartbeats_come_whether_idle_or_not_and_two_missed_ones_end_the_socket(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, hb_s=0.1)
    await create(manager, "plan")
    async with speaking(ada) as answering, speaking(ada) as mute:
        assert (await answering.hello())["hb_s"] == 0.1
        await mute.hello()
        await answering.sub("plan")
        beats: list[int] = []
        n = 0
        while len(beats) < 6:
            frame = await answering.hear("hb", "delta")
            if frame["t"] == "hb":
                beats.append(frame["n"])
                await answering.say("hb", n=frame["n"], applied=0)
            if len(beats) >= 3:  # from now on never idle
                n += 1
                await write(manager, "plan", n=n)
        assert beats == [1, 2, 3, 4, 5, 6]
        end = await end_of(mute)
        assert (end.code, end.bye["reason"]) == (4410, "heartbeat")
    row = await sync_to_async(Connection.objects.filter)(status="reconnecting")
    assert await sync_to_async(row.count)() >= 1


async def test_an_answer_to_one_heartbeat_answers_all_before_and_none_after(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, hb_s=0.08)
    async with speaking(ada) as speaker:
        await speaker.hello()
        while (await speaker.hear("hb"))["n"] < 2:
            pass
        # One that was not sent yet says nothing of those that come.
        await speaker.say("hb", n=2**31 - 1)
        beats = []
        while (frame := await speaker.hear("hb", "bye"))["t"] == "hb":
            beats.append(frame["n"])
        assert beats == [3, 4] and frame["code"] == 4410


async def test_sockets_that_never_said_hello_leave_nothing_behind(
    manager: StateManager, ada: User
) -> None:
    for _ in range(3):
        async with speaking(ada):
            pass
    found: pool.Pool = conf.sync_pool()
    assert not found._greeting and not found._lives and not found.feeds._feeds


async def test_who_is_dismissed_during_hello_leaves_nothing_behind(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Sessions.open

    def slow(self: Sessions, *args: Any, **kwargs: Any) -> Any:
        found = opened(self, *args, **kwargs)
        (greeting,) = sockets._greeting
        loop.call_soon_threadsafe(greeting.bye, 1012, "restart")
        return found

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(Sessions, "open", slow)
    async with speaking(ada) as speaker:
        sockets = conf.sync_pool()
        await speaker.say("hello", proto=1)
        assert (await end_of(speaker)).code == 1012
        assert not sockets._greeting and not sockets._lives and not sockets.feeds._feeds
    assert (await sync_to_async(Connection.objects.get)()).status == "reconnecting"
