"""The protocol itself, by the `mcp` package, which is imported when the first client comes and not before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from django.http import HttpRequest, HttpResponse

from groups.doors.mcp import resources, runs, states
from groups.doors.mcp.tool import TOOLS, in_words
from groups.identity import Identity
from state.errors import StarsError

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

#: Modules whose tools are served.
SERVED: Final = (runs, states)
INSTRUCTIONS: Final = (
    "Groups of AI agents that carry out tasks: list_groups, then start_run, then get_run with `wait` until it has "
    "ended. If it waits for a person, ask yours, and use `answer` or approve_plan."
)
#: Where a request carries who sent it.
_WHO: Final = "stars.who"


def is_installed() -> bool:
    """Whether the package is there."""
    try:
        import mcp.server.lowlevel  # noqa: F401
    except ImportError:
        return False
    return True


async def answered(who: Identity, request: HttpRequest, body: bytes) -> HttpResponse:
    """The answer to one POST. Each is served for itself: nothing is kept between requests, in either era."""
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    scope = {**cast(Any, request).scope, _WHO: who}
    given: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if given:
            return given.pop()
        # When the client goes, Django cancels all of this.
        return cast(dict[str, Any], await asyncio.Future())

    async def send(message: Any) -> None:
        sent.append(message)

    manager = StreamableHTTPSessionManager(app=_server(), json_response=True, stateless=True)
    async with manager.run():
        await manager.handle_request(scope, receive, send)
    head = sent[0]
    response = HttpResponse(
        b"".join(part.get("body", b"") for part in sent[1:]), status=head["status"]
    )
    del response["Content-Type"]
    for name, value in head["headers"]:
        if name.lower() != b"content-length":
            response[name.decode("latin-1")] = value.decode("latin-1")
    return response


@cache
def _server() -> Server[Any]:
    import mcp_types as types
    from mcp.server.lowlevel import Server
    from mcp.shared.exceptions import MCPError

    tools = [
        types.Tool(
            name=each.name,
            description=each.description,
            input_schema=each.schema,
            annotations=types.ToolAnnotations(read_only_hint=each.reads_only),
        )
        for each in TOOLS.values()
    ]

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        found = TOOLS.get(params.name)
        if found is None:
            raise MCPError(types.INVALID_PARAMS, f"There is no tool “{params.name}”.")
        try:
            told = await found.call(_caller(context), params.arguments or {})
        except StarsError as error:
            content = [types.TextContent(text=in_words(error))]
            return types.CallToolResult(content=list(content), is_error=True)
        text = json.dumps(told, ensure_ascii=False, default=str)
        return types.CallToolResult(
            content=[types.TextContent(text=text)], structured_content=json.loads(text)
        )

    async def list_resources(context: Any, params: Any) -> types.ListResourcesResult:
        with _refusing():
            found = await resources.listed(_caller(context))
        return types.ListResourcesResult(
            resources=[
                types.Resource(uri=each.uri, name=each.name, mime_type=each.media_type)
                for each in found
            ]
        )

    async def list_templates(context: Any, params: Any) -> types.ListResourceTemplatesResult:
        told = (
            (resources.RUN, "run report", "text/markdown"),
            (resources.STATE, "shared state", "application/json"),
        )
        return types.ListResourceTemplatesResult(
            resource_templates=[
                types.ResourceTemplate(uri_template=uri, name=name, mime_type=media_type)
                for uri, name, media_type in told
            ]
        )

    async def read_resource(
        context: Any, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        uri = str(params.uri)
        with _refusing():
            found = await resources.read(_caller(context), uri)
        content = types.TextResourceContents(uri=uri, mime_type=found.media_type, text=found.text)
        return types.ReadResourceResult(contents=[content])

    return Server(
        "stars",
        version="1",
        title="Stars",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
    )


@contextmanager
def _refusing() -> Iterator[None]:
    """What services refuse, as the protocol's error."""
    import mcp_types as types
    from mcp.shared.exceptions import MCPError

    try:
        yield
    except StarsError as error:
        raise MCPError(types.INVALID_PARAMS, in_words(error)) from None


def _caller(context: Any) -> Identity:
    return cast(Identity, context.request.scope[_WHO])
