"""A real MCP server of the SDK, for HTTP (`serve`) and, as a program, for stdio: useful tools and hostile ones."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import uvicorn
from mcp.server.mcpserver import Context, Image, MCPServer


def make() -> MCPServer[Any]:
    """The server, with all its tools."""
    server: MCPServer[Any] = MCPServer("harbour")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool()
    def shout(text: str) -> str:
        """The text in capitals."""
        return text.upper()

    @server.tool()
    def picture() -> Image:
        """A picture."""
        return Image(data=b"\x89PNG" + b"0" * 600, format="png")

    @server.tool()
    def broken() -> str:
        """Fails."""
        raise RuntimeError("the crane fell over")

    @server.tool()
    async def hang() -> str:
        """Never answers."""
        await anyio.sleep(3600)
        return "late"

    @server.tool()
    def flood() -> str:
        """Answers with far too much."""
        return "x" * 200_000

    @server.tool()
    def die() -> str:
        """Ends the process."""
        os._exit(3)

    @server.tool()
    def whoami(ctx: Context) -> str:
        """The key that came along."""
        headers = ctx.headers or {}
        return headers.get("x-key", "") or os.environ.get("HARBOUR_KEY", "nobody")

    return server


@contextmanager
def serve(app: Any = None) -> Iterator[str]:
    """Serve the app (the MCP server) on a port of its own; gives the address."""
    app = app or make().streamable_http_app()
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(5)


if __name__ == "__main__":
    if "--mute" in sys.argv:
        time.sleep(3600)
    make().run("stdio")
