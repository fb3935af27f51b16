"""Tool servers: everybody sees which there are; whoever registered one, and administrators, may change and try it."""

from __future__ import annotations

import msgspec
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from groups import selectors
from groups.api.base import ApiView
from groups.api.pagination import ToolServerPages
from groups.api.schema import problems
from groups.api.serializers.tool_servers import (
    ToolServerChangeSerializer,
    ToolServerNewSerializer,
    ToolServerSerializer,
    ToolsFoundSerializer,
)
from groups.services import tool_servers


class ToolServersView(ApiView):
    pagination_class = ToolServerPages

    @extend_schema(
        operation_id="list_tool_servers",
        tags=["agents"],
        responses=ToolServerSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """All registered tool servers, by name."""
        return self.page(ToolServerSerializer, selectors.tool_servers())

    @extend_schema(
        operation_id="register_tool_server",
        tags=["agents"],
        request=ToolServerNewSerializer,
        responses={201: ToolServerSerializer, **problems(409)},
    )
    def post(self, request: Request) -> Response:
        """Register an MCP server."""
        server = tool_servers.register(actor=self.actor, **self.given(ToolServerNewSerializer))
        where = reverse("api:tool-server", [server.name], request=request)
        return self.shown(ToolServerSerializer, server, status=201, headers={"Location": where})


class ToolServerView(ApiView):
    @extend_schema(operation_id="get_tool_server", tags=["agents"], responses=ToolServerSerializer)
    def get(self, request: Request, name: str) -> Response:
        """One tool server."""
        return self.shown(ToolServerSerializer, tool_servers.get(self.actor, name))

    @extend_schema(
        operation_id="change_tool_server",
        tags=["agents"],
        request=ToolServerChangeSerializer,
        responses=ToolServerSerializer,
    )
    def patch(self, request: Request, name: str) -> Response:
        """Change a tool server; with another address or command it forgets its secrets."""
        server = tool_servers.get(self.actor, name, change=True)
        given = self.given(ToolServerChangeSerializer)
        changed = tool_servers.change(actor=self.actor, server=server, **given)
        return self.shown(ToolServerSerializer, changed)

    @extend_schema(
        operation_id="remove_tool_server",
        tags=["agents"],
        request=None,
        responses={204: None, **problems(409)},
    )
    def delete(self, request: Request, name: str) -> Response:
        """Remove a tool server of which no agent is granted anything."""
        server = tool_servers.get(self.actor, name, change=True)
        tool_servers.remove(actor=self.actor, server=server)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ToolServerTestView(ApiView):
    @extend_schema(
        operation_id="test_tool_server",
        tags=["agents"],
        request=None,
        responses={200: ToolsFoundSerializer},
    )
    def post(self, request: Request, name: str) -> Response:
        """Connect to the server and list its tools."""
        server = tool_servers.get(self.actor, name, change=True)
        found = tool_servers.tools(actor=self.actor, server=server)
        return Response({"tools": [msgspec.to_builtins(tool) for tool in found]})
