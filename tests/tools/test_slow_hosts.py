"""Hosts that never answer and names that nobody answers for: only who asks them waits."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from groups.agents import outbound
from groups.agents.llm import provider
from groups.agents.llm.config import parse_config
from groups.agents.tools.reaching import checked_client
from state.threads import in_thread
from tests.tools.world import World, box, use

#: More than any event loop has threads of its own.
MANY = 40
#: Seconds that each is slow.
SLOW = 2.0


async def others_go_on(slow: Callable[[], Awaitable[Any]]) -> None:
    """While many do that, whoever wants a thread of the event loop has it at once."""

    async def alone() -> None:
        with suppress(Exception):
            await slow()

    tasks = [asyncio.create_task(alone()) for _ in range(MANY)]
    await asyncio.sleep(0.3)
    began = time.monotonic()
    assert await in_thread(lambda: "read", test=False)() == "read"
    assert time.monotonic() - began < SLOW / 2
    await asyncio.gather(*tasks)


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """Where connections are taken and nothing is ever said."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_hosts_that_do_not_answer(silent: str) -> None:
    grant: dict[str, Any] = {"tool": "web.fetch", "hosts": [silent], "timeout": SLOW}
    world = World()
    await others_go_on(lambda: use(box(grant, world=world), "web.fetch", url=f"http://{silent}/"))


@pytest.mark.parametrize("kind", ["llm", "remote", "mcp"])
async def test_names_that_nobody_answers_for(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    def unanswered(*_: Any, **__: Any) -> Any:
        time.sleep(SLOW)
        raise OSError("no answer")

    async def ask() -> None:
        url = "http://slow.example.org/"
        if kind == "llm":
            config = parse_config({"model": "m", "base_url": url})
            async with provider.opened(config, {}):
                return
        client: Any = checked_client({}, ()) if kind == "mcp" else outbound.client((), silence=9)
        async with client:
            await client.get(url)

    if kind == "llm":
        await ask_once(ask)
    monkeypatch.setattr(socket, "getaddrinfo", unanswered)
    await others_go_on(ask)


async def ask_once(ask: Callable[[], Awaitable[None]]) -> None:
    """The provider's library is loaded by the first to ask."""
    with suppress(Exception):
        await ask()
