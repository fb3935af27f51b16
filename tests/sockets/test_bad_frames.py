"""Frames that are refused: each with a typed answer, none disturbing the socket or anybody else's."""

from __future__ import annotations

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User

from groups.models import Group
from groups.viewing import protocol
from tests.factories import make_run
from tests.sockets.viewer import append_events, watching

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("frame", "code", "reason"),
    [
        ("{", 400, "bad_json"),
        ("", 400, "bad_json"),
        ("\x00", 400, "bad_json"),
        ('{"type": "ping", "deep": ' + "[" * 50_000, 400, "bad_json"),
        ("7", 400, "unknown_frame"),
        ("[]", 400, "unknown_frame"),
        ("{}", 400, "unknown_frame"),
        ('{"type": "shout"}', 400, "unknown_frame"),
        ('{"type": 7}', 400, "unknown_frame"),
        ('{"type": "subscribe"}', 400, "unknown_frame"),
        ('{"type": "subscribe", "topic": 7}', 400, "unknown_frame"),
        ('{"type": "subscribe", "topic": "weather"}', 400, "unknown_topic"),
        ('{"type": "subscribe", "topic": "control"}', 400, "unknown_topic"),
        ('{"type": "subscribe", "topic": "dashboard:x"}', 400, "unknown_topic"),
        ('{"type": "subscribe", "topic": "run:"}', 400, "unknown_topic"),
        ('{"type": "subscribe", "topic": "run:7"}', 404, "run_not_found"),
        ('{"type": "subscribe", "topic": "group:a\\u0000b"}', 404, "group_not_found"),
        ('{"type": "ping", "pad": "%s"}' % ("x" * 65_536), 413, "frame_too_large"),
    ],
)
async def test_a_typed_error_and_the_socket_lives_on(
    ada: User, frame: str, code: int, reason: str
) -> None:
    async with watching(ada) as viewer:
        await viewer.socket.send_input({"type": "websocket.receive", "text": frame})
        answer = await viewer.hear()
        assert (answer["type"], answer["code"], answer["reason"]) == ("error", code, reason)
        assert answer["message"]
        assert await viewer.silent()


async def test_binary_frames_are_refused(ada: User) -> None:
    async with watching(ada) as viewer:
        await viewer.socket.send_to(bytes_data=b'{"type": "ping"}')
        assert (await viewer.hear())["reason"] == "bad_json"


@pytest.mark.parametrize("after", ["-1", "1.5", '"1"', "true", "null", "[]", "4", "9" * 30])
async def test_a_bad_after_is_refused(ada: User, harbour: Group, after: str) -> None:
    run = await database_sync_to_async(make_run)(group=harbour, events=3)
    async with watching(ada) as viewer:
        await viewer.say(f'{{"type": "subscribe", "topic": "run:{run.id}", "after": {after}}}')
        answer = await viewer.hear()
        assert (answer["code"], answer["reason"]) == (400, "bad_after")
        await append_events(run=run)
        assert await viewer.silent()


async def test_an_id_has_one_form(ada: User, harbour: Group) -> None:
    run = await database_sync_to_async(make_run)(group=harbour, events=3)
    async with watching(ada) as viewer:
        for other in (str(run.id).upper(), f"{{{run.id}}}", run.id.hex):
            assert (await viewer.subscribe(f"run:{other}"))["code"] == 404


async def test_too_many_topics_are_refused(ada: User, harbour: Group) -> None:
    run = await database_sync_to_async(make_run)(group=harbour)
    async with watching(ada) as viewer:
        runs = [
            await database_sync_to_async(make_run)(group=harbour)
            for _ in range(protocol.MAX_TOPICS)
        ]
        for each in runs:
            assert (await viewer.subscribe(f"run:{each.id}"))["type"] == "hello"
        refused = await viewer.subscribe(f"run:{run.id}")
        assert (refused["code"], refused["reason"]) == (409, "too_many_topics")
        # Again the same topic is not one more.
        assert (await viewer.subscribe(f"run:{runs[0].id}"))["type"] == "hello"
        await viewer.say({"type": "unsubscribe", "topic": f"run:{runs[1].id}"})
        await viewer.hear()
        assert (await viewer.subscribe(f"run:{run.id}"))["type"] == "hello"


async def test_a_flood_is_closed_with_4429_and_others_go_on(
    ada: User, bo: User, harbour: Group
) -> None:
    run = await database_sync_to_async(make_run)(group=harbour)
    async with watching(ada) as flooder, watching(bo) as other:
        await other.subscribe(f"run:{run.id}")
        for _ in range(300):
            await flooder.say({"type": "ping"})
        assert await flooder.closed() == 4429
        await append_events(run=run)
        assert await other.hear_up_to(1) == [1]
