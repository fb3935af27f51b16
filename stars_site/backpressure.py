"""Tells applications when Daphne holds much unsent for a client, for ASGI's `send` there does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, TypeAlias

from daphne.http_protocol import WebRequest
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

_Scope: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[Any]]
_Send: TypeAlias = Callable[[Any], Awaitable[None]]
#: Django, Channels and Daphne each have types of their own for what these are called with.
Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]


def peer_of(send: Any) -> Any:
    """Daphne's protocol or request behind ASGI's `send`; None on other servers."""
    return send.args[0] if isinstance(send, partial) and send.args else None


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
    """The application; the scopes of websockets and requests are extended by `extensions["stars.writable"]`.

    This asyncio.Event is clear while the client of a websocket or of an event stream does not keep up. On other
    servers than Daphne, whose `send` waits, there is none.
    """

    async def told(scope: _Scope, receive: _Receive, send: _Send) -> None:
        protocol = peer_of(send)
        if isinstance(protocol, WebSocketProtocol | WebRequest):
            gate = _Gate()
            if isinstance(protocol, WebSocketProtocol):
                # The HTTP channel that the connection was upgraded from is still registered, and has no more to say.
                protocol.unregisterProducer()
                protocol.registerProducer(gate, True)
            else:
                send = _telling(protocol, gate, send)
            extensions = {**(scope.get("extensions") or {}), "stars.writable": gate.writable}
            scope = {**scope, "extensions": extensions}
        await application(scope, receive, send)

    return told


def _telling(request: WebRequest, gate: _Gate, send: _Send) -> _Send:
    """`send` of a request whose gate is told from the head of an event stream to its end."""
    told = False

    async def sending(message: Any) -> None:
        nonlocal told
        if message["type"] == "http.response.start":
            kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            if kinds and kinds[0].startswith(b"text/event-stream") and request.channel is not None:
                request.registerProducer(gate, True)
                told = True
        elif told and not message.get("more_body") and request.channel is not None:
            request.unregisterProducer()
        await send(message)

    return sending
