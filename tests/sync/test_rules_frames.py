"""Frames that are none: each is refused by its word, and the socket goes on as if nothing had been said."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from django.contrib.auth.models import User

from state.manager import StateManager
from state.sync import heart, protocol
from tests.sync.rules import create, end_of, error_of, write
from tests.sync.speaker import Speaker, speaking

pytestmark = pytest.mark.django_db(transaction=True)

WRITE = '{"t":"write","op_id":"a","state":"plan","ops":[{"op":"set","path":"/n","value":%s}]}'
#: Frame, code, reason.
BAD: list[tuple[str, int, str]] = [
    ("{", 400, "malformed"),
    ("\ufeff{}", 400, "malformed"),
    ('{"t":"ack","sub":1,"rev":NaN}', 400, "malformed"),
    ('{"t":"ack","t":"ack","sub":1,"rev":1}', 400, "malformed"),
    ("[]", 400, "bad_frame"),
    ('"hb"', 400, "bad_frame"),
    ("null", 400, "bad_frame"),
    ("{}", 400, "unknown_frame"),
    ('{"t":"snap"}', 400, "unknown_frame"),
    ('{"t":["ack"]}', 400, "unknown_frame"),
    ('{"t":{}}', 400, "unknown_frame"),
    ('{"t":"ack"}', 400, "invalid_frame"),
    ('{"t":"ack","sub":1,"rev":-1}', 400, "invalid_frame"),
    ('{"t":"ack","sub":"1","rev":1}', 400, "invalid_frame"),
    ('{"t":"ack","sub":true,"rev":1}', 400, "invalid_frame"),
    ('{"t":"ack","sub":2147483648,"rev":1}', 400, "invalid_frame"),
    ('{"t":"ack","sub":1,"rev":9223372036854775808}', 422, "json_domain"),
    ('{"t":"ack","sub":1,"rev":1e400}', 422, "json_domain"),
    ('{"t":"hb","n":-1}', 400, "invalid_frame"),
    ('{"t":"pull","sub":1,"limit":0}', 400, "invalid_frame"),
    ('{"t":"pull","sub":1,"limit":1001}', 400, "invalid_frame"),
    ('{"t":"sub","sub":1,"states":[]}', 400, "invalid_frame"),
    ('{"t":"sub","sub":1,"states":"plan"}', 400, "invalid_frame"),
    ('{"t":"sub","sub":1,"states":["*"],"mode":"some"}', 400, "invalid_frame"),
    ('{"t":"sub","sub":1,"states":["*"],"why":"fun"}', 400, "invalid_frame"),
    ('{"t":"sub","sub":1,"states":["\\u0000"]}', 422, "json_domain"),
    (f'{{"t":"sub","sub":1,"states":["{"x" * 201}"]}}', 400, "invalid_frame"),
    (
        msgspec.json.encode({"t": "sub", "sub": 1, "states": ["x"] * 1001}).decode(),
        400,
        "invalid_frame",
    ),
    ('{"t":"write","op_id":"","state":"plan","ops":[]}', 400, "invalid_frame"),
    (f'{{"t":"write","op_id":"{"x" * 101}","state":"plan"}}', 400, "invalid_frame"),
    ('{"t":"write","op_id":"a","state":"plan","ops":[{"op":"leap"}]}', 400, "invalid_frame"),
    ('{"t":"write","op_id":"a","state":"plan","base":-1}', 400, "invalid_frame"),
    (WRITE % '"a\\u0000b"', 422, "json_domain"),
    (WRITE % '"\\ud800"', 422, "json_domain"),
    (WRITE % 2**63, 422, "json_domain"),
    (WRITE % ("[" * 90 + "]" * 90), 422, "json_domain"),
    (WRITE % ("[" * 100_000 + "]" * 100_000), 422, "json_domain"),
    (WRITE % ('"' + "x" * protocol.MAX_FRAME + '"'), 413, "frame_too_large"),
]


async def test_each_bad_frame_gets_one_typed_refusal_and_nothing_else_happens(
    manager: StateManager, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    await create(manager, "plan", {"n": 0})
    async with speaking(ada) as speaker:
        await speaker.hello()
        for frame, code, reason in BAD:
            await speaker.raw(frame)
            assert await error_of(speaker) == (code, reason), frame[:80]
        assert (await speaker.sub("plan"))["plan"]["data"] == {"n": 0}
    assert [each for each in caplog.records if each.exc_info] == []


async def test_binary_messages_are_refused(manager: StateManager, ada: User) -> None:
    async with speaking(ada) as speaker:
        await speaker.hello()
        for data in (b"", b"\xff\x00", b'{"t":"hb","n":1}'):
            await speaker.socket.send_input({"type": "websocket.receive", "bytes": data})
            assert await error_of(speaker) == (400, "bad_frame")
        await speaker.socket.send_input({"type": "websocket.receive", "text": ""})
        assert await error_of(speaker) == (400, "malformed")


async def test_half_of_a_surrogate_pair_in_a_frame_is_refused(
    manager: StateManager, ada: User
) -> None:
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.raw('{"t":"hb","n":1,"x":"\ud800"}')
        assert await error_of(speaker) == (400, "bad_frame")


async def test_fields_that_it_does_not_know_are_passed_over(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello(colour="red")
        assert "plan" in await speaker.sub("plan", shape={"round": True})


@pytest.mark.parametrize("frame", ["ack", "unsub", "pull"])
async def test_what_is_said_of_an_unknown_subscription_is_refused(
    manager: StateManager, ada: User, frame: str
) -> None:
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("*", number=1)
        await speaker.say("unsub", sub=1)
        fields = {"rev": 1} if frame == "ack" else {}
        for number in (1, 0, 2**31 - 1):
            await speaker.say(frame, sub=number, **fields)
            refusal = await speaker.hear("error")
            assert (refusal["reason"], refusal["extra"]) == (
                "unknown_subscription",
                {"sub": number},
            )


async def test_a_flood_is_refused_and_then_ended(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heart, "BURST", 20.0)
    monkeypatch.setattr(heart, "RATE", 1.0)
    monkeypatch.setattr(heart, "PATIENCE", 30)
    async with speaking(ada) as speaker:
        await speaker.hello()
        for n in range(60):
            await speaker.say("hb", n=n)
        end = await end_of(speaker)
        assert {(each["code"], each["reason"]) for each in end.before} == {(429, "flood")}
        assert len(end.before) == 30
        assert (end.code, end.bye["reason"]) == (4408, "flood")


async def test_after_a_flood_that_stops_the_socket_goes_on(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heart, "BURST", 20.0)
    monkeypatch.setattr(heart, "RATE", 50.0)
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("plan")
        for n in range(40):
            await speaker.say("hb", n=n)
        while not await speaker.silent(0.1):
            assert await error_of(speaker) == (429, "flood")
        await write(manager, "plan", n=1)
        assert (await speaker.hear("delta"))["entries"][0]["v"] == 2
        await speaker.say("ack", sub=1, rev=2)


async def _flood(speaker: Speaker) -> None:
    for _ in range(400):
        await speaker.raw("{")


async def _never_acks(speaker: Speaker) -> None:
    await speaker.say("sub", sub=1, states=["*"])


async def _binary(speaker: Speaker) -> None:
    await speaker.socket.send_to(bytes_data=b"\x00" * 1000)


async def _huge(speaker: Speaker) -> None:
    await speaker.raw("[" * (protocol.MAX_FRAME + 1))


async def _deep(speaker: Speaker) -> None:
    await speaker.raw(WRITE % ("[" * 50_000 + "]" * 50_000))


async def _subscribes_again_and_again(speaker: Speaker) -> None:
    for number in range(100):
        await speaker.say("sub", sub=number % 70, states=["*"])


async def _writes_nonsense(speaker: Speaker) -> None:
    for n in range(80):
        await speaker.say("write", op_id=f"{n}", state="nowhere", ops=[{"op": "delete"}])


async def _hellos(speaker: Speaker) -> None:
    for _ in range(20):
        await speaker.say("hello", proto=1)


async def _tokens(speaker: Speaker) -> None:
    for token in ("x", "..", "e30.1", "eDF8eA.99999999999999999"):
        await speaker.say("sub", sub=1, states=["*"], **{"from": token})


async def _goes(speaker: Speaker) -> None:
    await speaker.say("sub", sub=1, states=["*"])
    await speaker.socket.disconnect(timeout=5)


@pytest.mark.parametrize(
    "bad",
    [
        _flood,
        _never_acks,
        _binary,
        _huge,
        _deep,
        _subscribes_again_and_again,
        _writes_nonsense,
        _hellos,
        _tokens,
        _goes,
    ],
)
async def test_whatever_one_client_does_the_stream_of_another_goes_on(
    manager: StateManager,
    ada: User,
    bo: User,
    monkeypatch: pytest.MonkeyPatch,
    settings: object,
    bad: object,
) -> None:
    monkeypatch.setattr(heart, "BURST", 100.0)
    settings.STARS_STATE_SYNC = {"queue_buffer_size": 2}  # type: ignore[attr-defined]
    await create(manager, "plan", {"n": 0})
    async with speaking(ada) as good, speaking(bo) as other:
        await good.hello()
        prev = (await good.sub("plan"))[""]["rev"]
        await other.hello()
        misdeed = asyncio.ensure_future(bad(other))  # type: ignore[operator]
        for n in range(1, 9):
            await write(manager, "plan", n=n)
            delta = await good.hear("delta", timeout=2)
            assert delta["prev"] == prev and delta["synced"]
            assert [(each["pv"], each["v"]) for each in delta["entries"]] == [(n, n + 1)]
            prev = delta["rev"]
            await good.say("ack", sub=1, rev=prev)
        await misdeed
