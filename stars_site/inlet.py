"""How much of what comes in on a websocket waits to be looked at; left alone, Daphne queues whatever comes."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from daphne.ws_protocol import WebSocketProtocol

from stars_site.backpressure import Application, peer_of
from state.sync.protocol import MAX_FRAME

#: Bytes that wait before nothing more is read from the client, with what each message takes in memory.
WAITING: Final = 2 * MAX_FRAME
MESSAGE: Final = 512


class _Inlet:
    """What has come on one socket and was not taken."""

    def __init__(self, protocol: Any, receive: Any) -> None:
        self._protocol, self._receive, self._put = protocol, receive, protocol.onMessage
        self._sizes = deque[int]()
        self._waiting = 0
        self._paused = False
        protocol.onMessage = self._came

    def _came(self, payload: bytes, is_binary: bool) -> None:
        self._put(payload, is_binary)
        if self._protocol.muted:
            return  # then it was dropped
        self._sizes.append(len(payload) + MESSAGE)
        self._waiting += self._sizes[-1]
        if self._waiting > WAITING and not self._paused:
            self._paused = True
            self._protocol.transport.pauseProducing()

    async def take(self) -> Any:
        """The next message, as ASGI's `receive`."""
        message = await self._receive()
        if message["type"] == "websocket.receive" and self._sizes:
            self._waiting -= self._sizes.popleft()
        if self._paused and self._waiting <= WAITING // 2:
            self._paused = False
            self._protocol.transport.resumeProducing()
        return message


def bounding_inlets(application: Application) -> Application:
    """The application; from the client of a websocket no more is read than it takes."""

    async def bounded(scope: Any, receive: Any, send: Any) -> None:
        protocol = peer_of(send)
        if isinstance(protocol, WebSocketProtocol):
            receive = _Inlet(protocol, receive).take
        await application(scope, receive, send)

    return bounded
