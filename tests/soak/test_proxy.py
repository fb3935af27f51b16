"""The proxy does to connections what it is told, to real websockets too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.soak.proxy import Frames, Proxy


async def counter(socket: ServerConnection) -> None:
    """Answers every message with its number and the message."""
    number = 0
    with suppress(ConnectionClosed):
        async for message in socket:
            number += 1
            await socket.send(f"{number}:{message!s}")


@asynccontextmanager
async def through() -> AsyncIterator[tuple[Proxy, ClientConnection]]:
    async with serve(counter, "127.0.0.1", 0, compression=None) as server:
        proxy = Proxy(next(iter(server.sockets)).getsockname()[1])
        await proxy.start()
        address = f"ws://127.0.0.1:{proxy.port}"
        try:
            async with connect(address, compression=None, close_timeout=0.1) as socket:
                yield proxy, socket
        finally:
            await proxy.stop()


async def test_it_passes_messages_of_all_sizes() -> None:
    async with through() as (_, socket):
        for number, size in enumerate([1, 125, 126, 65_535, 65_536, 300_000], 1):
            await socket.send("x" * size)
            assert await socket.recv() == f"{number}:{'x' * size}"


async def test_it_repeats_whole_messages_and_nothing_else() -> None:
    async with through() as (proxy, socket):
        proxy.repeat = 1.0
        for number, text in enumerate(["a", "b" * 70_000], 1):
            await socket.send(text)
            assert [await socket.recv(), await socket.recv()] == [f"{number}:{text}"] * 2
        await (await socket.ping())  # a control frame came once, and was understood
        proxy.heal()
        await socket.send("c")
        assert await socket.recv() == "3:c"
        assert proxy.counts["repeat"] == 2


@pytest.mark.parametrize("direction", ["hold_up", "hold_down"])
async def test_held_in_one_direction_nothing_arrives_until_it_heals(direction: str) -> None:
    async with through() as (proxy, socket):
        setattr(proxy, direction, True)
        await socket.send("a")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.2)
        proxy.heal()
        assert await socket.recv() == "1:a"


@pytest.mark.parametrize("how", ["drop", "reset"])
async def test_connections_end_when_it_says_so(how: str) -> None:
    async with through() as (proxy, socket):
        await socket.send("a")
        assert await socket.recv() == "1:a"
        getattr(proxy, how)()
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 2)


async def test_while_refusing_nobody_comes_through() -> None:
    async with through() as (proxy, socket):
        proxy.refusing = True
        with pytest.raises((OSError, EOFError, WebSocketException)):
            await connect(f"ws://127.0.0.1:{proxy.port}", open_timeout=1)
        assert proxy.counts["refused"] == 1
        await socket.send("a")
        assert await socket.recv() == "1:a"


def test_what_is_no_websocket_is_passed_as_it_is() -> None:
    frames = Frames()
    assert frames.split(b"HTTP/1.1 200 OK\r\n") == [b"HTTP/1.1 200 OK\r\n"]
    assert frames.split(b"\x81\x01") == [b"\x81\x01"]
