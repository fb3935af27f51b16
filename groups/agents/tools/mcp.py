"""One connection to an MCP server, in a task of its own: whoever asks waits no longer than its limit, whatever the
server does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio

from groups.agents.scrubbing import scrub
from groups.agents.surroundings import ToolResult, ToolSpec
from groups.agents.tools.base import MAX_RESULT, Fault, Server, as_json, brief, cut
from state.errors import StarsError
from state.schema import check_schema

if TYPE_CHECKING:
    from mcp import Client
    from mcp_types import CallToolResult, ContentBlock
    from mcp_types import Tool as Offered

T = TypeVar("T")

#: Seconds to connect and to list the tools, and for one call unless the grant says otherwise.
CONNECT: Final = 20.0
CALL: Final = 60.0
#: Seconds after which a process that ignores its end has surely been killed.
LINGER: Final = 8.0
#: Tools of one server that are taken, and pages of its list.
MAX_TOOLS: Final = 200
_PAGES: Final = 20
_DESCRIPTION: Final = 2000
#: Characters of a schema as JSON; and what stands in for one that cannot be used here.
_SCHEMA: Final = 50_000
_ANY: Final[dict[str, Any]] = {"type": "object"}
#: The client's own code (JSON-RPC) for a connection that broke.
_CLOSED: Final = -32000
#: Connections that are being closed: a process that ignores it is killed seconds later.
_closing: Final[set[asyncio.Task[None]]] = set()


class Connection:
    """Talks to one server until it is closed; see `Servers` for who opens it."""

    def __init__(self, server: Server, allowed: Sequence[str]) -> None:
        self._server = server
        self._allowed = allowed
        self._ready: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        self._done = asyncio.Event()
        self._scope = anyio.CancelScope()
        self._task = asyncio.create_task(self._hold())

    @property
    def is_open(self) -> bool:
        """Whether it can still be used."""
        return not self._task.done() and not self._done.is_set()

    def close(self) -> None:
        """Let go of the server; the rest happens by itself."""
        self._done.set()
        # Not the task itself: that would break off what the client does to end a process.
        self._scope.cancel()
        _closing.add(self._task)
        self._task.add_done_callback(_closing.discard)

    async def closed(self) -> None:
        """Close it, and return when nothing of it is left, or `LINGER` is over."""
        self.close()
        await asyncio.wait({self._task}, timeout=LINGER)

    async def tools(self, limit: float | None) -> dict[str, ToolSpec]:
        """The server's tools by their own names. Raises Fault."""
        return await self._within(min(limit or CONNECT, CONNECT), self._list())

    async def call(self, tool: str, arguments: dict[str, Any], limit: float | None) -> ToolResult:
        """What the tool comes to. Raises Fault."""
        return await self._within(limit or CALL, self._call(tool, arguments))

    async def _hold(self) -> None:
        """Connected from here to the end, in one task, as the client wants it."""
        try:
            with self._scope:
                async with _client(self._server, self._allowed) as client:
                    self._ready.set_result(client)
                    await self._done.wait()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(_as_fault(self._server, error))
                self._ready.exception()  # nobody may be there to hear it
        finally:
            self._done.set()
            if not self._ready.done():
                self._ready.set_exception(Fault("The connection was closed."))
                self._ready.exception()

    async def _within(self, limit: float, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, unless the limit passes or the connection ends before. Raises Fault."""
        asked = asyncio.create_task(work)
        try:
            await asyncio.wait({asked, self._task}, timeout=limit, return_when="FIRST_COMPLETED")
            if self._task.done():
                await asyncio.wait({asked}, timeout=0.2)  # why it ended is said by then
            if asked.done():
                return asked.result()
        except Fault:
            raise
        except asyncio.CancelledError:
            self.close()
            raise
        except Exception as error:
            if getattr(error, "code", _CLOSED) == _CLOSED:
                self.close()
            raise _as_fault(self._server, error) from None
        finally:
            asked.cancel()
            asked.add_done_callback(_heard)
        has_ended = self._task.done()
        # What it was asked may be under way: a fresh connection is the only sure one.
        self.close()
        what = "has ended" if has_ended else f"did not answer within {limit:g} s"
        raise Fault(f"The tool server '{self._server.name}' {what}.")

    async def _list(self) -> dict[str, ToolSpec]:
        client = await asyncio.shield(self._ready)
        found: dict[str, ToolSpec] = {}
        cursor: str | None = None
        for _ in range(_PAGES):
            page = await client.list_tools(cursor=cursor)
            for tool in page.tools[: MAX_TOOLS - len(found)]:
                if _may_be_named(tool.name):
                    found[tool.name] = _spec(self._server.name, tool)
            cursor = page.next_cursor
            if not cursor or len(found) >= MAX_TOOLS:
                break
        return found

    async def _call(self, tool: str, arguments: dict[str, Any]) -> ToolResult:
        client = await asyncio.shield(self._ready)
        return _result(await client.call_tool(tool, arguments), self._server)


async def all_closed() -> None:
    """Return when no connection of this event loop is being closed any more, or `LINGER` is over."""
    loop = asyncio.get_running_loop()
    if mine := {task for task in _closing if task.get_loop() is loop}:
        await asyncio.wait(mine, timeout=LINGER)


@asynccontextmanager
async def _client(server: Server, allowed: Sequence[str]) -> AsyncIterator[Client]:
    """A client of either era: it asks which one the server speaks."""
    try:
        from mcp import Client
        from mcp.client.stdio import StdioServerParameters, stdio_client
        from mcp.client.streamable_http import streamable_http_client
    except ImportError:
        raise Fault("This server cannot use MCP: install Stars with its extra mcp.") from None
    if server.url:
        from groups.agents.tools.reaching import checked_client

        async with (
            checked_client(server.secrets, allowed) as http,
            Client(streamable_http_client(server.url, http_client=http)) as client,
        ):
            yield _unchecking(client)
        return
    command, *rest = server.command
    parameters = StdioServerParameters(command=command, args=rest, env=dict(server.secrets))
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device, not a path of ours
        async with Client(stdio_client(parameters, errlog=nowhere)) as client:
            yield _unchecking(client)


def _unchecking(client: Client) -> Client:
    """Without the client's own look at results by the server's schema, whose patterns may take for ever."""

    async def unchecked(name: str, result: CallToolResult) -> None:
        return None

    client.session.validate_tool_result = unchecked  # type: ignore[method-assign]
    return client


def _may_be_named(name: str) -> bool:
    return 0 < len(name) <= 128 and name.isprintable() and " " not in name


def _spec(server: str, tool: Offered) -> ToolSpec:
    """As agents are told of it. A schema that cannot be judged here in bounded time is the server's own business."""
    schema = {
        key: value for key, value in tool.input_schema.items() if key not in ("$schema", "$id")
    }
    try:
        if len(as_json(schema)) > _SCHEMA:
            schema = dict(_ANY)
        check_schema(schema)
    except (StarsError, ValueError, RecursionError):
        schema = dict(_ANY)
    said = (tool.description or tool.title or tool.name)[:_DESCRIPTION]
    return ToolSpec(name=f"mcp:{server}/{tool.name}", description=said, parameters=schema)


def _result(result: CallToolResult, server: Server) -> ToolResult:
    """Without the server's secrets: everybody who may see the run would learn what it echoes."""
    pieces = [_words(block) for block in result.content]
    structured = result.structured_content
    # Servers repeat as text what they give as data; data alone is told as JSON.
    if structured is not None and not any(pieces):
        pieces = [as_json(structured)]
    text = "\n".join(piece for piece in pieces if piece) or "(The tool gave nothing back.)"
    text = scrub(text, server.secrets)
    more = "Ask for a smaller part, if the tool lets you."
    return ToolResult(text=cut(text, MAX_RESULT, more), summary=brief(text), ok=not result.is_error)


def _words(block: ContentBlock) -> str:
    match block.type:
        case "text":
            return block.text
        case "image" | "audio":
            return (
                f"[{block.type}, {block.mime_type}, {len(block.data) * 3 // 4:,} bytes: not shown]"
            )
        case "resource_link":
            return f"[resource {block.uri}: {block.description or block.name}]"
        case "resource":
            words = getattr(block.resource, "text", None)
            return str(words) if words is not None else f"[resource {block.resource.uri}: not text]"


def _as_fault(server: Server, error: BaseException) -> Fault:
    """In words, without any of the secrets."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    if isinstance(error, Fault):
        return error
    told = scrub(f"{error}" or type(error).__name__, server.secrets)
    return Fault(f"The tool server '{server.name}' cannot be used: {told[:500]}")


def _heard(done: asyncio.Future[Any]) -> None:
    """What nobody waits for any more may fail unheard."""
    if not done.cancelled():
        done.exception()
