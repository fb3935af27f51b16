"""How much of what comes in on a websocket waits: real protocols and transports, no network."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.testing import StringTransport

from stars_site.inlet import WAITING, bounding_inlets


class _Taker:
    """An application that takes a message when told to."""

    def __init__(self) -> None:
        self.receive: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.receive = receive


async def _reply(protocol: Any, message: Any) -> None:
    pass


async def _opened() -> tuple[Any, _Taker]:
    protocol: Any = WebSocketProtocol()
    make_transport: Any = StringTransport
    protocol.transport, protocol.client_addr = make_transport(), None
    protocol.application_queue = asyncio.Queue()
    taker = _Taker()
    application = bounding_inlets(taker)
    await application(
        {"type": "websocket"}, protocol.application_queue.get, partial(_reply, protocol)
    )
    return protocol, taker


async def test_nothing_is_read_while_much_waits_and_all_of_it_comes() -> None:
    protocol, taker = await _opened()
    frames = [f"{n}".encode() * (WAITING // 4) for n in range(6)]
    for each in frames[:3]:
        protocol.onMessage(each, False)
    assert protocol.transport.producerState == "producing"
    protocol.onMessage(frames[3], False)
    assert protocol.transport.producerState == "paused"
    protocol.onMessage(frames[4], False)  # it was on its way
    taken = [await taker.receive()]
    assert protocol.transport.producerState == "paused"
    taken += [await taker.receive() for _ in range(3)]
    assert protocol.transport.producerState == "producing"
    protocol.onMessage(frames[5], False)
    taken += [await taker.receive() for _ in range(2)]
    assert [each["text"].encode() for each in taken] == frames
    for _ in range(WAITING // 512 + 1):
        protocol.onMessage(b"", False)  # short ones take memory, too
    assert protocol.transport.producerState == "paused"
