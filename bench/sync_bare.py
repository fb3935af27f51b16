"""A websocket server that does nothing but send every message that it gets to all other sockets.

python -m bench.sync_bare <port>
"""

from __future__ import annotations

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

_sockets: set[ServerConnection] = set()


async def _forward(socket: ServerConnection) -> None:
    if socket.request is not None and socket.request.path == "/publish":
        async for message in socket:
            broadcast(_sockets, message)
        return
    _sockets.add(socket)
    try:
        await socket.wait_closed()
    finally:
        _sockets.discard(socket)


async def main(port: int) -> None:
    """Serve until killed."""
    async with serve(_forward, "127.0.0.1", port, compression=None):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main(int(sys.argv[1])))
