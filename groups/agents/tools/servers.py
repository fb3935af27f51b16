"""The MCP servers of one attempt: opened when they are first needed, opened anew after a failure, let go at its end."""

from __future__ import annotations

import asyncio
from functools import partial

from groups.agents.surroundings import ToolResult
from groups.agents.tools.base import Tool, Use, World
from groups.agents.tools.mcp import Connection


class Servers:
    """Connections by the server's name."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open: dict[str, Connection] = {}
        self._listed: dict[str, dict[str, Tool]] = {}
        self._lock = asyncio.Lock()

    def close(self) -> None:
        """Let all of them go; does not wait."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    async def tools(self, name: str, limit: float | None) -> dict[str, Tool]:
        """The server's tools by the names under which agents know them, as they were first told. Raises Fault."""
        if name not in self._listed:
            connection = await self._connection(name)
            found = await connection.tools(limit)
            self._listed[name] = {
                spec.name: Tool(spec=spec, use=partial(self._call, name, own))
                for own, spec in found.items()
            }
        return self._listed[name]

    async def _connection(self, name: str) -> Connection:
        async with self._lock:
            found = self._open.get(name)
            if found is None or not found.is_open:
                await self._world.settle()
                server = await self._world.server(name)
                found = self._open[name] = Connection(server, self._world.allowed)
            return found

    async def _call(self, name: str, own: str, use: Use) -> ToolResult:
        connection = await self._connection(name)
        return await connection.call(own, use.arguments, use.grant.timeout)
