"""Writes that something on the way finds too long: given up after a while, and those behind them are carried out."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from state.sync.client import StarsClient
from state.sync.client.backoff import Backoff
from state.sync.client.outbox import CUTS, Outbox
from state.sync.protocol import FrameTooLarge, Res, Welcome, encode, parse
from state.sync.protocol.client import Hello, Write
from state.values import Operation, OperationType


def write(op_id: str, value: str = "") -> Write:
    return Write(op_id=op_id, state="plan", ops=(Operation(OperationType.SET, "/a", value),))


def test_the_longest_of_those_that_were_sent_is_given_up() -> None:
    outbox = Outbox([write("a"), write("long", "x" * 100), write("b")])
    assert outbox.cut() is None  # nothing was sent
    answers = []
    for _ in range(CUTS):
        outbox.take()
        outbox.disconnected()
        answers.append(outbox.cut())
    assert [each is None for each in answers] == [True, True, False]
    assert answers[-1] is not None and isinstance(answers[-1].refusal, FrameTooLarge)
    assert [each.op_id for each in outbox.take()] == ["a", "b"]
    outbox.disconnected()
    outbox.add(write("longer", "x" * 200))
    assert outbox.cut() is None
    assert [each.cuts for each in outbox.writes()] == [1, 0, 0]  # what was not sent cut nothing


async def test_a_write_that_ends_the_socket_holds_up_no_other() -> None:
    async def answered(socket: ServerConnection) -> None:
        async for text in socket:
            frame: Any = parse(str(text))
            if isinstance(frame, Hello):
                await socket.send(
                    encode(Welcome(session="s", agent="human:ada", epoch="e", head=0))
                )
            elif isinstance(frame, Write):
                res = Res(op_id=frame.op_id, status=200, state=frame.state, uid="u", v=1, rev=1)
                await socket.send(encode(res))

    async with serve(answered, "127.0.0.1", 0, max_size=1000) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        url = f"ws://127.0.0.1:{port}"
        async with StarsClient(url, space="lab", backoff=Backoff(0.01, 0.02)) as client:
            with pytest.raises(FrameTooLarge):
                await client.set("plan", {"a": "x" * 2000})
            assert (await client.set("plan", {"a": "x"})).version == 1
            assert not client.writes
