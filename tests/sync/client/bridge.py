"""The real ASGI application on a real socket, within the test's own loop and on its database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from stars_site.asgi import application


async def _handle(socket: ServerConnection) -> None:
    """One websocket as ASGI speaks of it (asgiref, specs/www.rst)."""
    assert socket.request is not None
    path, _, query = socket.request.path.partition("?")
    scope: dict[str, Any] = {
        "type": "websocket",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [
            (k.lower().encode(), v.encode()) for k, v in socket.request.headers.raw_items()
        ],
        "subprotocols": [],
        "client": socket.remote_address[:2],
        "server": socket.local_address[:2],
    }
    opened = False

    async def receive() -> dict[str, Any]:
        nonlocal opened
        if not opened:
            opened = True
            return {"type": "websocket.connect"}
        try:
            said = await socket.recv()
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
            return {"type": "websocket.disconnect", "code": code}
        kind = "text" if isinstance(said, str) else "bytes"
        return {"type": "websocket.receive", kind: said}

    async def send(message: Any) -> None:
        if message["type"] == "websocket.send":
            text = message.get("text")
            await socket.send(text if text is not None else message["bytes"])
        elif message["type"] == "websocket.close":
            await socket.close(message.get("code", 1000))

    app: Any = application
    await app(scope, receive, send)


class Site:
    """Where it listens; `cut` breaks all sockets."""

    def __init__(self, url: str, sockets: set[ServerConnection]) -> None:
        self.url, self._sockets = url, sockets

    def cut(self) -> None:
        for each in tuple(self._sockets):
            each.transport.abort()


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """Listen until the end of the block."""
    sockets: set[ServerConnection] = set()

    async def handle(socket: ServerConnection) -> None:
        sockets.add(socket)
        try:
            await _handle(socket)
        finally:
            sockets.discard(socket)

    async with serve(handle, "127.0.0.1", 0, compression=None, close_timeout=1) as listener:
        port = next(iter(listener.sockets)).getsockname()[1]
        yield Site(f"ws://127.0.0.1:{port}", sockets)
    async with asyncio.timeout(5):
        while sockets:
            await asyncio.sleep(0.01)
