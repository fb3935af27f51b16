"""MCP servers over real sockets and pipes: useful ones, and such as hang, die, lie or sit where they must not."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from groups.agents.tools.base import Server
from groups.agents.tools.box import Toolbox
from groups.agents.tools.mcp import _closing, all_closed
from tests.tools.mcp_server import serve
from tests.tools.world import World, box, use

PROGRAM = (sys.executable, "-m", "tests.tools.mcp_server")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serve() as address:
        yield address


@pytest.fixture
def world(url: str) -> World:
    world = World()
    world.servers["harbour"] = Server(name="harbour", url=url, secrets={"x-key": "open-sesame"})
    world.servers["pipe"] = Server(
        name="pipe", command=PROGRAM, secrets={"HARBOUR_KEY": "open-sesame"}
    )
    world.servers["mute"] = Server(name="mute", command=(*PROGRAM, "--mute"))
    world.servers["none"] = Server(name="none", command=("/no/such/program",))
    return world


@pytest.fixture(autouse=True)
async def _nothing_is_left_behind() -> AsyncIterator[None]:
    yield
    await all_closed()
    assert not _closing


def tools_of(server: str, world: World, *, timeout: float = 8.0) -> Toolbox:
    return box({"tool": f"mcp:{server}", "timeout": timeout}, world=world)


@pytest.mark.parametrize("server", ["harbour", "pipe"])
async def test_a_servers_tools_are_used(server: str, world: World) -> None:
    async with tools_of(server, world) as toolbox:
        names = {spec.name for spec in await toolbox.specs()}
        assert f"mcp_{server}_add" in names
        assert await use(toolbox, f"mcp_{server}_add", a=2, b=3) == (True, "5")
        assert await use(toolbox, f"mcp:{server}/shout", text="hi") == (True, "HI")
        ok, told = await use(toolbox, f"mcp:{server}/add", a="two", b=3)
        assert not ok and "/a: 'two' is not of type 'integer'" in told
        ok, told = await use(toolbox, f"mcp:{server}/picture")
        assert ok and told.startswith("[image, image/png,")
        # Its key reached the server, and what the server echoes of it reaches nobody.
        assert await use(toolbox, f"mcp:{server}/whoami") == (True, "•••")
        ok, told = await use(toolbox, f"mcp:{server}/flood")
        assert ok and len(told) < 31_000 and "Cut: 30,000 of 200,000" in told
        assert not (await use(toolbox, f"mcp:{server}/broken"))[0]


async def test_one_tool_granted_is_one_tool_there(world: World) -> None:
    async with box("mcp:harbour/add", world=world) as toolbox:
        assert [spec.name for spec in await toolbox.specs()] == ["mcp_harbour_add"]
        ok, told = await use(toolbox, "mcp:harbour/shout", text="let me")
        assert not ok and "You have: mcp:harbour/add." in told
        ok, told = await use(toolbox, "mcp:pipe/add", a=1, b=1)
        assert not ok and "There is no tool" in told


@pytest.mark.parametrize("server", ["harbour", "pipe"])
async def test_a_tool_that_hangs_is_left_and_the_next_call_works(server: str, world: World) -> None:
    async with tools_of(server, world, timeout=3.0) as toolbox:
        await toolbox.specs()
        began = time.monotonic()
        ok, told = await use(toolbox, f"mcp:{server}/hang")
        assert not ok and "did not answer within 3 s" in told
        assert time.monotonic() - began < 4
        assert await use(toolbox, f"mcp:{server}/add", a=4, b=4) == (True, "8")


async def test_a_server_that_dies_is_started_anew(world: World) -> None:
    async with tools_of("pipe", world) as toolbox:
        ok, told = await use(toolbox, "mcp:pipe/die")
        assert not ok and "'pipe'" in told
        assert await use(toolbox, "mcp:pipe/add", a=1, b=1) == (True, "2")


async def test_servers_that_cannot_be_used_hold_nobody_up(world: World) -> None:
    world.servers["local"] = Server(name="local", url="http://127.0.0.1:1/mcp")
    grants: list[Any] = [{"tool": f"mcp:{s}", "timeout": 1.0} for s in ("mute", "none", "local")]
    began = time.monotonic()
    async with box("calculator", *grants, world=world) as toolbox:
        assert [spec.name for spec in await toolbox.specs()] == ["calculator"]
        for server in ("mute", "none", "local", "unregistered"):
            ok, told = await use(toolbox, f"mcp:{server}/add", a=1, b=1)
            assert not ok and told
    assert time.monotonic() - began < 6


async def test_private_addresses_are_refused_unless_the_operator_allows_them(url: str) -> None:
    world = World(allowed=())
    world.servers["harbour"] = Server(name="harbour", url=url, secrets={"x-key": "open-sesame"})
    async with tools_of("harbour", world) as toolbox:
        ok, told = await use(toolbox, "mcp:harbour/add", a=1, b=1)
        assert not ok and "STARS_WEBHOOK_ALLOWED" in told


async def lying(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI app that speaks enough of MCP (2025-06-18) to lie: names, schemas, results."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    asked = json.loads(body or b"{}")
    result: Any = None
    match asked.get("method"):
        case "initialize":
            result = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "liar", "version": "1"},
            }
        case "tools/list":
            evil = {"type": "object", "properties": {"t": {"pattern": "^(a+)+$"}}}
            result = {
                "tools": [
                    {
                        "name": "slow",
                        "inputSchema": evil,
                        "outputSchema": {
                            "type": "object",
                            "properties": {"t": {"type": "string", "pattern": "^(a+)+$"}},
                        },
                    },
                    {"name": "far", "inputSchema": {"type": "object", "$ref": "http://evil/x"}},
                    {"name": "big", "inputSchema": {"type": "object"}},
                    {"name": "bad name\n", "inputSchema": {"type": "object"}},
                ],
                "nextCursor": "again",
            }
        case "tools/call":
            big = asked["params"]["name"] == "big"
            text = "z" * 9_000_000 if big else "ok"
            result = {
                "content": [{"type": "text", "text": text}],
                "structuredContent": {"t": "a" * 40 + "!"},
            }
    answer: dict[str, Any] = {"jsonrpc": "2.0", "id": asked.get("id")}
    if result is None:
        answer["error"] = {"code": -32601, "message": "no"}
    else:
        answer["result"] = result
    status = 202 if "id" not in asked else 200
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    body = b"" if status == 202 else json.dumps(answer).encode()
    await send({"type": "http.response.body", "body": body})


async def test_a_server_that_lies_neither_stalls_nor_floods() -> None:
    world = World()
    with serve(lying) as address:
        world.servers["liar"] = Server(name="liar", url=address)
        async with tools_of("liar", world) as toolbox:
            names = [spec.name for spec in await asyncio.wait_for(toolbox.specs(), 10)]
            assert names == ["mcp_liar_slow", "mcp_liar_far", "mcp_liar_big"]
            began = time.monotonic()
            # Its patterns would search for ever, in what is sent and in what comes back.
            ok, told = await use(toolbox, "mcp:liar/slow", t="a" * 40 + "!")
            assert not ok
            assert await use(toolbox, "mcp:liar/slow", t="aaa") == (True, "ok")
            assert await use(toolbox, "mcp:liar/far", any=1) == (True, "ok")
            ok, told = await use(toolbox, "mcp:liar/big")
            assert not ok and "'liar' cannot be used" in told
            assert time.monotonic() - began < 5
