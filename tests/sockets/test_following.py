"""What a viewer of a run gets: the whole log, in order, once, whatever the hub does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User

from groups import live, selectors
from groups.execution.statuses import RunStatus
from groups.models import Group, Run
from groups.viewing import rooms
from state import fanout
from state.fanout import outbox
from tests.factories import make_run
from tests.sockets.viewer import append_events, poke, watching

pytestmark = pytest.mark.django_db(transaction=True)

new_run = database_sync_to_async(make_run)


async def test_hello_then_replay_then_what_follows(ada: User, harbour: Group) -> None:
    run = await new_run(group=harbour, events=5)
    async with watching(ada) as viewer:
        hello = await viewer.subscribe(f"run:{run.id}", after=2)
        assert hello.pop("server_time").endswith("Z")
        assert hello == {
            "type": "hello",
            "topic": f"run:{run.id}",
            "seq": 5,
            "last_seq": 5,
            "status": "running",
            "after": 2,
        }
        replay = await viewer.hear()
        assert (replay["first"], replay["seq"], replay["status"]) == (3, 5, "running")
        assert replay["events"][0] == {
            "seq": 3,
            "type": "text.delta",
            "at": "2026-03-04T05:06:07.894Z",
            "agent_id": "quinn",
            "subtask": None,
            "data": {"text": "3"},
        }
        await append_events(run=run, n=2, status=RunStatus.SUMMARISING)
        followed = await viewer.hear()
        assert (followed["first"], followed["seq"], followed["status"]) == (6, 7, "summarising")
        assert await viewer.silent()


async def test_long_logs_come_in_batches(ada: User, harbour: Group) -> None:
    run = await new_run(group=harbour, events=1234)
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        sizes, seen = [], 0
        while seen < 1234:
            frame = await viewer.hear()
            assert frame["first"] == seen + 1
            seen = frame["seq"]
            sizes.append(len(frame["events"]))
        assert sizes == [500, 500, 234]


async def test_large_events_come_in_smaller_frames(ada: User, harbour: Group) -> None:
    run = await new_run(group=harbour)
    await append_events(run=run, n=10, data={"text": "x" * 100_000})
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        assert [len((await viewer.hear())["events"]) for _ in range(4)] == [3, 3, 3, 1]


async def test_a_lost_message_is_found_by_the_next_one(ada: User, harbour: Group) -> None:
    run = await new_run(group=harbour, events=1)
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        assert await viewer.hear_up_to(1) == [1]
        await append_events(run=run, n=3, announce=False)
        await append_events(run=run, n=1)
        assert await viewer.hear_up_to(5) == [2, 3, 4, 5]
        await append_events(run=run, n=1)
        assert await viewer.hear_up_to(6) == [6]


async def test_the_last_message_lost_is_found_by_looking(
    ada: User, harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "LOOK", 0.1)
    run = await new_run(group=harbour)
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        await append_events(
            run=run, n=2, type="run.completed", status=RunStatus.COMPLETED, announce=False
        )
        frame = await viewer.hear()
        assert (frame["first"], frame["seq"], frame["status"]) == (1, 2, "completed")


async def test_repeated_late_and_overlapping_messages_are_not_doubled(
    ada: User, harbour: Group
) -> None:
    run = await new_run(group=harbour)
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        rows = await append_events(run=run, n=6, announce=False)
        for part in (rows[:2], rows[:2], rows[1:4], rows[4:], rows[2:4], rows, rows[5:]):
            fanout.hub().publish(list(live.event_frames(run.id, run.status, part)))
            await asyncio.sleep(0)
        assert await viewer.hear_up_to(6) == [1, 2, 3, 4, 5, 6]
        assert await viewer.silent()


async def test_what_is_written_while_a_viewer_joins_is_neither_lost_nor_doubled(
    ada: User, harbour: Group
) -> None:
    run = await new_run(group=harbour, events=700)

    in_the_middle = asyncio.Event()

    async def write() -> None:
        for number in range(60):
            await append_events(run=run, n=3)
            if number == 20:
                in_the_middle.set()

    async with watching(ada) as first, watching(ada) as second:
        writing = asyncio.create_task(write())
        await first.subscribe(f"run:{run.id}")
        await in_the_middle.wait()
        await second.subscribe(f"run:{run.id}", after=650)
        await writing
        assert await first.hear_up_to(880) == list(range(1, 881))
        assert await second.hear_up_to(880) == list(range(651, 881))
        assert await first.silent()
        assert await second.silent()


async def test_viewers_resume_each_from_its_own_cursor(ada: User, bo: User, harbour: Group) -> None:
    run = await new_run(group=harbour, events=4)
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        assert await viewer.hear_up_to(4) == [1, 2, 3, 4]
    await append_events(run=run, n=4)
    async with watching(ada) as viewer, watching(bo) as other:
        await viewer.subscribe(f"run:{run.id}", after=4)
        await other.subscribe(f"run:{run.id}", after=7)
        assert await viewer.hear_up_to(8) == [5, 6, 7, 8]
        assert await other.hear_up_to(8) == [8]
        await append_events(run=run, n=1)
        assert await viewer.hear_up_to(9) == [9]
        assert await other.hear_up_to(9) == [9]


async def test_a_viewer_that_is_up_to_date_gets_only_what_is_new(ada: User, harbour: Group) -> None:
    run = await new_run(group=harbour, events=4)
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}", after=4)
        assert await viewer.silent()
        await append_events(run=run)
        assert await viewer.hear_up_to(5) == [5]


async def test_many_topics_on_one_socket_until_they_are_left(ada: User, harbour: Group) -> None:
    runs = [await new_run(group=harbour, events=1) for _ in range(3)]
    async with watching(ada) as viewer:
        for run in runs:
            await viewer.subscribe(f"run:{run.id}", after=1)
        await viewer.subscribe(f"group:{harbour.id}")
        await viewer.say({"type": "unsubscribe", "topic": f"run:{runs[0].id}"})
        assert await viewer.hear() == {"type": "unsubscribed", "topic": f"run:{runs[0].id}"}
        for run in runs:
            await append_events(run=run)
        assert {(await viewer.hear())["topic"] for _ in range(2)} == {
            f"run:{run.id}" for run in runs[1:]
        }
        await poke(live.group_topic(harbour.id), "members")
        heard = await viewer.hear()
        assert (heard["type"], heard["topic"], heard["what"]) == (
            "poke",
            f"group:{harbour.id}",
            "members",
        )
        assert await viewer.silent()


async def test_subscribing_again_starts_again_from_after(ada: User, harbour: Group) -> None:
    run = await new_run(group=harbour, events=3)
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        assert await viewer.hear_up_to(3) == [1, 2, 3]
        await viewer.subscribe(f"run:{run.id}", after=1)
        assert await viewer.hear_up_to(3) == [2, 3]
        await append_events(run=run)
        assert await viewer.hear_up_to(4) == [4]
        assert await viewer.silent()


async def test_a_slow_client_is_parked_and_complete_afterwards(
    ada: User, bo: User, harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LIMIT", 4_000)
    run = await new_run(group=harbour)
    writable = asyncio.Event()
    writable.set()
    async with watching(ada, writable=writable) as slow, watching(bo) as quick:
        for viewer in (slow, quick):
            await viewer.subscribe(f"run:{run.id}")
        await slow.subscribe(f"group:{harbour.id}")
        await append_events(run=run)
        assert await slow.hear_up_to(1) == [1]
        writable.clear()
        for _ in range(50):
            await append_events(run=run, n=10)
            await poke(live.group_topic(harbour.id), "messages")
        assert await quick.hear_up_to(501) == list(range(1, 502))
        assert await slow.socket.receive_nothing(timeout=0.1)
        writable.set()
        numbers, pokes = [1], 0
        while numbers[-1] < 501 or not pokes:
            frame = await slow.hear()
            pokes += frame["type"] == "poke"
            numbers += [event["seq"] for event in frame.get("events", [])]
        assert numbers == list(range(1, 502))
        assert pokes == 1
        await append_events(run=run)
        assert await slow.hear_up_to(502) == [502]


async def test_a_run_that_is_deleted_is_said_to_be_gone(
    ada: User, harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "LOOK", 0.1)
    run = await new_run(group=harbour, events=1)
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        assert await viewer.hear_up_to(1) == [1]
        await database_sync_to_async(Run.objects.filter(pk=run.pk).delete)()
        assert (await viewer.hear())["reason"] == "run_not_found"
        assert await viewer.silent()


async def test_a_database_that_fails_costs_time_only(
    ada: User, harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await new_run(group=harbour, events=3)
    monkeypatch.setattr(rooms, "AGAIN", 0.05)
    real, failures = selectors.events_after, [OSError("away"), OSError("still away")]

    def flaky(*args: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*args)

    monkeypatch.setattr(selectors, "events_after", flaky)
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        assert await viewer.hear_up_to(3) == [1, 2, 3]


async def test_nothing_is_held_after_everybody_left(ada: User, harbour: Group) -> None:
    run = await new_run(group=harbour, events=1)
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        await viewer.subscribe("dashboard")
        await viewer.subscribe(f"group:{harbour.id}")
        assert fanout.hub()._topics
    assert not fanout.hub()._topics
    assert not rooms.rooms()._rooms
