"""Acknowledgements: what may be sent without one, who is parked, and where they go on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from state import conf
from state.manager import StateManager
from state.models import Connection
from state.sync import protocol
from state.values import Operation, OperationType
from tests.sync.rules import LENA, create, end_of, in_other_thread, shorten, write
from tests.sync.speaker import Speaker, speaking

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def narrow(settings: Any) -> None:
    """Windows of four entries."""
    settings.STARS_STATE_SYNC = {"queue_buffer_size": 4}


def many(manager: StateManager, count: int, size: int = 1) -> Any:
    """Write plan that many times, `size` characters each."""

    def work() -> None:
        for n in range(count):
            manager.update_state(LENA, "plan", {"text": f"{n:x}".rjust(size, "x")})

    return in_other_thread(work)()


async def versions(speaker: Speaker, timeout: float = 0.2) -> list[int]:
    """Of all entries that come until nothing does."""
    found: list[int] = []
    while not await speaker.silent(timeout):
        found += [each["v"] for each in (await speaker.hear("delta"))["entries"]]
    return found


async def test_256_entries_may_be_on_their_way_and_an_ack_lets_exactly_so_many_follow(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        welcome = await speaker.hello()
        assert welcome["window"] == {"entries": 256, "bytes": 1024 * 1024}
        await speaker.sub("plan")
        await many(manager, 300)
        first = await speaker.hear("delta")
        assert await versions(speaker) == list(range(first["rev"] + 1, 258))
        await speaker.say("ack", sub=1, rev=first["rev"])
        more = await versions(speaker)
        assert more == [n for n in range(258, 258 + len(first["entries"])) if n <= 301]
        await speaker.say("ack", sub=1, rev=257)
        assert more + await versions(speaker) == list(range(258, 302))


async def test_what_waits_in_one_piece_is_not_sent_beyond_the_window_either(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        token = (await speaker.sub("plan"))[""]["token"]
        await speaker.say("unsub", sub=1)
        await speaker.silent()
        await many(manager, 300)
        await speaker.say("sub", sub=1, states=["plan"], **{"from": token})
        assert await versions(speaker) == list(range(2, 258))


async def test_one_mebibyte_may_be_on_its_way_in_frames_of_bearable_length(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        token = (await speaker.sub("plan"))[""]["token"]
        await speaker.say("unsub", sub=1)
        await speaker.silent()
        await many(manager, 40, size=50_000)
        await speaker.say("sub", sub=1, states=["plan"], **{"from": token})
        sizes, last = [], 1
        while not await speaker.silent(0.3):
            delta = await speaker.hear("delta")
            sizes.append(len(msgspec.json.encode(delta)))
            assert next(each["v"] for each in delta["entries"]) == last + 1
            last = delta["entries"][-1]["v"]
        assert protocol.WINDOW_BYTES <= sum(sizes) <= protocol.WINDOW_BYTES + 320 * 1024
        assert max(sizes) < 320 * 1024
        await speaker.say("ack", sub=1, rev=delta["rev"])
        assert await versions(speaker) == list(range(last + 1, 42))


async def test_whole_documents_of_mode_latest_come_in_frames_of_bearable_length(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "first")
    async with speaking(ada) as speaker:
        await speaker.hello()
        token = (await speaker.sub("*", mode="latest"))[""]["token"]
        await speaker.say("unsub", sub=1)
        for n in range(12):
            await create(manager, f"big/{n:02}", {"text": "x" * 50_000})
        await speaker.silent()
        await speaker.say("sub", sub=1, states=["*"], mode="latest", **{"from": token})
        found: list[str] = []
        while len(found) < 12:
            delta = await speaker.hear("delta")
            assert len(msgspec.json.encode(delta)) < 320 * 1024
            assert "synced" not in delta or len(found) + len(delta["entries"]) == 12
            found += [each["id"] for each in delta["entries"]]
        assert sorted(found) == [f"big/{n:02}" for n in range(12)] and delta["rev"] == 13


async def test_a_parked_connection_holds_up_nobody_else_and_goes_on_where_it_was(
    manager: StateManager, ada: User, narrow: None
) -> None:
    await create(manager, "plan")
    async with speaking(ada) as slow, speaking(ada) as quick:
        for speaker in (slow, quick):
            await speaker.hello()
            await speaker.sub("plan")
        for n in range(1, 13):
            await write(manager, "plan", n=n)
            delta = await quick.hear("delta")
            assert [each["v"] for each in delta["entries"]] == [n + 1]
            await quick.say("ack", sub=1, rev=delta["rev"])
        assert await versions(slow, 0.1) == [2, 3, 4, 5]
        await slow.say("ack", sub=1, rev=5)
        assert await versions(slow, 0.1) == [6, 7, 8, 9]
        await slow.say("ack", sub=1, rev=2**40)
        assert await versions(slow, 0.1) == [10, 11, 12, 13]


async def test_the_window_is_of_the_connection_and_an_ended_subscription_frees_its_part(
    manager: StateManager, ada: User, narrow: None
) -> None:
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        for number in (1, 2):
            await speaker.sub("plan", number=number)
        for n in range(1, 5):
            await write(manager, "plan", n=n)
        got: list[tuple[int, int]] = []
        while not await speaker.silent():
            delta = await speaker.hear("delta")
            got += [(delta["sub"], each["v"]) for each in delta["entries"]]
        assert len(got) == 4
        await speaker.say("unsub", sub=1)
        while not await speaker.silent():
            delta = await speaker.hear("delta")
            got += [(delta["sub"], each["v"]) for each in delta["entries"]]
        assert [v for sub, v in got if sub == 2] == [2, 3, 4, 5]


async def test_one_revision_larger_than_the_window_goes_whole(
    manager: StateManager, ada: User, narrow: None
) -> None:
    ids = [f"s{n}" for n in range(9)]
    for each in ids:
        await create(manager, each)
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("*")
        ops = {each: [Operation(OperationType.SET, "/n", 1)] for each in ids}
        await in_other_thread(manager.transact)(LENA, (), ops)
        await write(manager, "s0", n=2)
        delta = await speaker.hear("delta")
        assert [each["id"] for each in delta["entries"]] == ids
        assert {each["rev"] for each in delta["entries"]} == {delta["rev"]}
        assert await speaker.silent()
        await speaker.say("ack", sub=1, rev=delta["rev"])
        assert (await speaker.hear("delta"))["prev"] == delta["rev"]


async def test_whoever_stays_parked_is_sent_away_and_misses_nothing_by_it(
    manager: StateManager, ada: User, narrow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, parked_s=0.3)
    await create(manager, "plan")
    async with speaking(ada) as slow:
        session = (await slow.hello())["session"]
        await slow.sub("plan")
        await slow.say("ack", sub=1, rev=1)
        await many(manager, 10)
        end = await end_of(slow)
        assert (end.code, end.bye["reason"]) == (4408, "slow")
        entries = [each["v"] for delta in end.before for each in delta["entries"]]
        assert entries == [2, 3, 4, 5]
    async with speaking(ada) as again:
        assert (await again.hello(session=session))["resumed"]
        await again.say("sub", sub=1, states=["plan"], **{"from": end.bye["tokens"]["1"]})
        # What was not acknowledged comes once more.
        assert [each["v"] for each in (await again.hear("delta"))["entries"]] == [2, 3, 4, 5]
        await again.say("ack", sub=1, rev=5)
        assert await versions(again, 0.1) == [6, 7, 8, 9]


async def test_whoever_is_not_parked_may_be_silent_as_long_as_it_likes(
    manager: StateManager, ada: User, narrow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, parked_s=0.1)
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("plan")
        await many(manager, 4)
        assert await versions(speaker, 0.4) == [2, 3, 4, 5]
        await speaker.say("ack", sub=1, rev=5)
        await write(manager, "plan", n=1)
        assert await versions(speaker) == [6]


async def test_marks_and_heartbeats_never_pass_what_is_parked(
    manager: StateManager, ada: User, narrow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, hb_s=0.05)
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("plan")
        await many(manager, 8)
        reached, beats = 1, 0
        while beats < 5:
            frame = await speaker.hear("delta", "hb")
            if frame["t"] == "hb":
                await speaker.say("hb", n=frame["n"], applied=1)
                beats += 1
            else:
                assert frame["prev"] == reached
                reached = frame["rev"]
        assert reached == 5 and frame.get("head", 9) == 9
        row = await sync_to_async(Connection.objects.get)()
        assert row.parked in (True, False)


async def test_a_mark_comes_when_the_space_moves_without_the_reader_and_behind_its_data(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, hb_s=0.1)
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        prev = (await speaker.sub("plan"))[""]["rev"]
        await write(manager, "plan", n=1)
        for n in range(3):
            await create(manager, f"other/{n}")
        delta = await speaker.hear("delta")
        assert (delta["prev"], [each["v"] for each in delta["entries"]]) == (prev, [2])
        mark = await speaker.hear("mark")
        assert (mark["prev"], mark["synced"]) == (delta["rev"], True)
        while mark["rev"] < 5:
            mark = await speaker.hear("mark")
        token = mark["token"]
    async with speaking(ada) as again:
        await again.hello()
        await again.say("sub", sub=1, states=["plan"], **{"from": token})
        found = await again.hear("mark")
        assert (found["rev"], found["synced"]) == (5, True)


async def test_that_it_is_parked_stands_in_the_row_of_its_session(
    manager: StateManager, ada: User, narrow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch, flush=0.05)
    await create(manager, "plan")

    async def row(**wanted: Any) -> None:
        for _ in range(100):
            found = await sync_to_async(Connection.objects.get)()
            if all(getattr(found, name) == value for name, value in wanted.items()):
                return
            await speaker.silent(0.03)
        raise AssertionError((wanted, found.acked, found.parked))

    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("plan")
        await speaker.say("ack", sub=1, rev=1)
        await row(acked=1, parked=False)
        await many(manager, 6)
        assert await versions(speaker) == [2, 3, 4, 5]
        await row(acked=1, parked=True)
        await speaker.say("ack", sub=1, rev=5)
        assert await versions(speaker) == [6, 7]
        await row(acked=5, parked=False)
    assert conf.sync_config().queue_buffer_size == 4
