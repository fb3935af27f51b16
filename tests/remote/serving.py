"""ASGI applications on real sockets of this machine, each in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn


class _Server(uvicorn.Server):
    """Stops without the tenth of a second that uvicorn takes to notice."""

    async def main_loop(self) -> None:
        """See uvicorn."""
        while not self.should_exit:
            await self.on_tick(1)
            await asyncio.sleep(0.01)


@contextmanager
def listening() -> Iterator[tuple[socket.socket, str]]:
    """A bound socket and its address, so that an application can know where it will be."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server, f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def served(app: Any, server: socket.socket) -> Iterator[None]:
    """The application answers on that socket for as long as the block lasts."""
    config = uvicorn.Config(
        app,
        log_level="critical",
        lifespan="off",
        ws="none",
        loop="asyncio",
        timeout_graceful_shutdown=0,
    )
    running = _Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [server]}, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not running.started:
        assert time.monotonic() < until, "the server never came up"
        time.sleep(0.005)
    try:
        yield
    finally:
        running.should_exit = True
        thread.join(10)
