"""Tells websocket applications when Daphne holds much unsent for a client, which ASGI's `send` there does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, TypeAlias

from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[Any]]
_Send: TypeAlias = Callable[[Any], Awaitable[None]]
Application: TypeAlias = Callable[[_Scope, _Receive, _Send], Awaitable[None]]


@implementer(IPushProducer)
class _Gate:
    """Twisted pauses it when more than 64 KB wait in the connection's buffer, and resumes it when that is empty."""

    def __init__(self) -> None:
        self.writable = asyncio.Event()
        self.writable.set()

    def pauseProducing(self) -> None:
        self.writable.clear()

    def resumeProducing(self) -> None:
        self.writable.set()

    def stopProducing(self) -> None:
        self.writable.set()


def telling_backpressure(application: Application) -> Application:
    """The application, its websocket scopes extended by `extensions["stars.writable"]`, an asyncio.Event.

    It is clear while the client does not keep up. On other servers than Daphne, whose `send` waits, there is none.
    """

    async def told(scope: _Scope, receive: _Receive, send: _Send) -> None:
        protocol = send.args[0] if isinstance(send, partial) and send.args else None
        if scope["type"] == "websocket" and isinstance(protocol, WebSocketProtocol):
            gate = _Gate()
            # The HTTP channel that the connection was upgraded from is still registered, and has no more to say.
            protocol.unregisterProducer()
            protocol.registerProducer(gate, True)
            extensions = {**(scope.get("extensions") or {}), "stars.writable": gate.writable}
            scope = {**scope, "extensions": extensions}
        await application(scope, receive, send)

    return told
