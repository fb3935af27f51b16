"""The client when things break: sockets, frames, processes; and what ends it for good."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from state.errors import StarsError
from state.sync.client import (
    Backoff,
    ClientClosed,
    Denied,
    NotAuthenticated,
    NotConnected,
    StarsClient,
    Superseded,
)
from state.sync.protocol import Bye, ErrorFrame, Hello, Reset, Sub, Write
from state.values import ConnectionStatus
from tests.servers import free_port
from tests.sync.client.conftest import Connect
from tests.sync.client.server import Server, running, until


def hellos(server: Server) -> list[Hello]:
    return [each for each in server.heard if isinstance(each, Hello)]


def subs(server: Server) -> list[Sub]:
    return [each for each in server.heard if isinstance(each, Sub)]


async def test_after_a_break_every_subscription_goes_on_from_its_token(
    server: Server, connect: Connect
) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        notes = await client.subscribe("notes/*", timeout=5)
        changes = plan.changes()
        server.world.put("plan", {"done": 1})
        server.world.put("notes/3", {"text": "three"})
        await server.drop()
        await plan.wait_for(lambda states: states["plan"].data == {"done": 1}, timeout=5)
        await notes.wait_for(lambda states: "notes/3" in states, timeout=5)
        assert (await anext(changes)).revision == 4
        assert hellos(server)[-1].session == "s1"
        assert hellos(server)[-1].token_auth == "t0k"
        assert {(each.sub, each.from_) for each in subs(server)[2:]} == {(1, "e1.3"), (2, "e1.3")}
        assert client.status is ConnectionStatus.CONNECTED


async def test_writes_are_carried_out_once_however_often_the_socket_breaks(
    server: Server, connect: Connect
) -> None:
    server.mute = True
    async with connect() as client:
        await client.subscribe("plan", timeout=5)
        waiting = [asyncio.create_task(client.set("plan", {f"k{n}": n})) for n in range(80)]
        for _ in range(3):
            await until(lambda: len(server.carried_out) >= 64)
            await server.drop()
            await until(lambda: len(server.sockets) == 1)
        server.mute = False
        await server.drop()
        written = await asyncio.gather(*waiting)
        assert [each.version for each in written] == list(range(2, 82))
        assert set(server.carried_out.values()) == {1}
        first = [each.op_id for each in server.said(Write) if isinstance(each, Write)][:64]
        again = [each.op_id for each in server.said(Write) if isinstance(each, Write)][-80:]
        assert again[:64] == first, "in order, under the op_ids they had"


async def test_writes_made_offline_are_sent_when_the_server_comes(server: Server) -> None:
    port = free_port()
    late = Server()
    late.world.put("plan", {"done": 0})
    client = StarsClient(
        f"ws://127.0.0.1:{port}", space="lab", offline=True, backoff=Backoff(0.01, 0.05)
    )
    async with client:
        waiting = [asyncio.create_task(client.set("plan", {"done": n})) for n in range(5)]
        await asyncio.sleep(0.1)
        assert client.status is ConnectionStatus.CONNECTING
        assert "ConnectionRefused" in client.trouble
        assert len(client.writes) == 5
        async with running(late, port):
            await asyncio.gather(*waiting)
            assert late.world.states["plan"].data == {"done": 4}
            await client.close()


async def test_a_lost_frame_is_fetched_again_on_the_same_socket(
    server: Server, connect: Connect
) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        changes = plan.changes()
        server.world.put("plan", {"done": 1})
        await server.follow(skip=True)
        server.world.put("plan", {"done": 2})
        await server.follow(times=2)
        await plan.wait_for(lambda states: states["plan"].data == {"done": 2}, timeout=5)
        assert [(await anext(changes)).revision for _ in range(2)] == [4, 5]
        assert len(hellos(server)) == 1


async def test_a_wrong_hash_fetches_everything_anew(server: Server, connect: Connect) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        server.world.put("plan", {"done": 1})
        frame = server.world.delta(3, 4)
        wrong = msgspec.structs.replace(frame.entries[0], h="0" * 64)
        await server.tell(msgspec.structs.replace(frame, entries=(wrong,)))
        await plan.wait_for(lambda states: plan.synced and states["plan"].version == 2, timeout=5)
        assert subs(server)[-1].why == "integrity"


async def test_resets_in_a_row_make_it_wait(server: Server, connect: Connect) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        changes = plan.changes()
        for _ in range(3):
            assert len(server.sockets) == 1
            await server.tell(Reset(sub=1, reason="compacted", head=3))
            for frame in server.world.beginning():
                await server.tell(frame)
        await until(lambda: len(hellos(server)) == 2)
        await plan.wait_for(lambda states: "plan" in states, timeout=5)
        assert (await anext(changes)).reason == "compacted"


async def test_a_token_that_the_server_does_not_take_is_dropped(
    server: Server, connect: Connect
) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        bad = ErrorFrame(code=400, reason="bad_token", message="No.", sub=1)
        await server.tell(bad)
        await until(lambda: len(subs(server)) == 2)
        assert subs(server)[-1].from_ is None
        assert not plan.is_closed


async def test_silence_is_a_break(server: Server, connect: Connect) -> None:
    async with connect(silence=0.1) as client:
        await client.subscribe("plan", timeout=5)
        await until(lambda: len(hellos(server)) >= 2)
        assert client.session == "s1"


async def test_a_frame_that_came_too_fast_makes_it_begin_again(
    server: Server, connect: Connect
) -> None:
    async with connect():
        await server.tell(ErrorFrame(code=429, reason="flood", message="Too fast."))
        await until(lambda: len(hellos(server)) == 2)


async def test_nonsense_and_frames_of_tomorrow_are_passed_over(
    server: Server, connect: Connect
) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        for text in ("{", '{"t":"tomorrow"}', '{"t":"delta","sub":1}', b"not deflated"):
            await server.sockets[0].send(text)
        server.world.put("plan", {"done": 1})
        await server.follow()
        await plan.wait_for(lambda states: states["plan"].version == 2, timeout=5)
        assert len(hellos(server)) == 1


# -- the server ends it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "refusal"), [(4401, NotAuthenticated), (4403, Denied), (4409, Superseded)]
)
async def test_what_is_refused_for_good_raises_everywhere(
    server: Server, connect: Connect, code: int, refusal: type[StarsError]
) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        notes = await client.subscribe("notes/*", timeout=5)
        server.mute = True
        calls: list[Any] = [
            client.set("plan", {"a": 1}),
            plan.wait_for(lambda states: False),
            anext(notes.changes()),
        ]
        waiting = [asyncio.ensure_future(call) for call in calls]
        await until(lambda: bool(server.said(Write)))
        await server.say_bye(code)
        for each in waiting:
            with pytest.raises(refusal):
                await each
        assert client.status is ConnectionStatus.ERROR
        with pytest.raises(refusal):
            await client.set("plan", {"a": 1})
        with pytest.raises(refusal):
            await client.subscribe("plan")
        assert plan["plan"].data["goal"] == "harbour"
    assert len(hellos(server)) == 1


@pytest.mark.parametrize("reason", ["resumed", "ended"])
async def test_without_its_session_it_comes_back_as_another_one(
    server: Server, connect: Connect, reason: str
) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        await server.say_bye(4409, reason)
        await until(lambda: len(hellos(server)) == 2)
        assert hellos(server)[-1].session is None
        await until(lambda: plan.synced)
        assert subs(server)[-1].from_ == "e1.3"


async def test_whoever_is_turned_away_at_the_door_hears_why(
    server: Server, connect: Connect
) -> None:
    server.turn_away = Bye(code=4401, reason="not_authenticated")
    with pytest.raises(NotAuthenticated, match="sign in"):
        async with connect():
            pass
    assert len(hellos(server)) == 1


async def test_other_closes_are_breaks_and_the_asked_pause_is_kept(
    server: Server, connect: Connect
) -> None:
    async with connect() as client:
        await client.subscribe("plan", timeout=5)
        for number, code in enumerate((1012, 1013, 4408, 4410), 2):
            before = asyncio.get_running_loop().time()
            await server.say_bye(code, retry_after_ms=150)
            await until(lambda wanted=number: len(hellos(server)) == wanted)  # type: ignore[misc]
            assert asyncio.get_running_loop().time() - before >= 0.15
            await until(lambda: client.status is ConnectionStatus.CONNECTED)


async def test_without_a_server_entering_raises_in_the_end() -> None:
    client = StarsClient(f"ws://127.0.0.1:{free_port()}", space="lab", connect_timeout=0.2)
    with pytest.raises(NotConnected):
        await client.__aenter__()


async def test_a_closed_client_says_so(server: Server, connect: Connect) -> None:
    client = connect()
    async with client:
        server.mute = True
        waiting = asyncio.create_task(client.set("plan", {"a": 1}))
        await until(lambda: bool(server.said(Write)))
    with pytest.raises(ClientClosed):
        await waiting
    with pytest.raises(ClientClosed):
        await client.set("plan", {"a": 1})
    await client.close()


# -- the process ends ------------------------------------------------------------------------------


async def test_a_restarted_process_goes_on_where_the_one_before_it_was(
    server: Server, connect: Connect, tmp_path: Path
) -> None:
    async with connect(store=tmp_path) as client:
        plan = await client.subscribe("plan", timeout=5)
        server.mute = True
        lost = asyncio.create_task(client.set("plan", {"done": 5}))
        await until(lambda: bool(server.carried_out))
        await until(lambda: plan["plan"].version == 2)
    with pytest.raises(ClientClosed):
        await lost
    server.mute = False
    server.world.put("plan", {"done": 6})
    heard = len(server.heard)
    async with connect(store=tmp_path) as client:
        assert hellos(server)[-1].session == "s1"
        plan = await client.subscribe("plan", timeout=5)
        assert plan["plan"].data == {"done": 6}
        await until(lambda: not client.writes)
        assert [each.op_id for each in client.unclaimed] == list(server.carried_out)
        assert set(server.carried_out.values()) == {1}
    later = server.heard[heard:]
    assert [each.from_ for each in later if isinstance(each, Sub)] == ["e1.4"]
    again = [each for each in later if isinstance(each, Write)]
    assert again == server.said(Write)[:1], "the same write, word for word"


async def test_offline_what_was_kept_is_there_at_once(
    server: Server, connect: Connect, tmp_path: Path
) -> None:
    async with connect(store=tmp_path) as client:
        await client.subscribe("plan", timeout=5)
    await server.drop()
    client = StarsClient(
        f"ws://127.0.0.1:{free_port()}", space="lab", agent="wim", store=tmp_path, offline=True
    )
    async with client:
        plan = await client.subscribe("plan", timeout=1)
        assert plan["plan"].data["goal"] == "harbour"
        assert not plan.synced
