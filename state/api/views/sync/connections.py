"""Connections of agents: who is connected and how far behind, webhooks and polling agents, and their end."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from rest_framework.request import Request
from rest_framework.response import Response

from state import conf
from state.api import schema, syncing
from state.api.base import AGENT, StateView
from state.api.queries import Query
from state.api.syncing import ConnectionMade, ConnectionNewRequest
from state.api.views.sync.paging import Paging
from state.policy import Caller
from state.sync.manager import PAGE
from state.sync.refusals import ConnectionNotFound
from state.values import AgentConnection


class ConnectionsView(StateView):
    @schema.described(
        "list_connections",
        schema.query("agent", "Only this agent's."),
        schema.LIMIT,
        schema.CONTINUE,
        answer=schema.page(schema.ref(AgentConnection)),
        refuses=(400, 404, 503),
    )
    def get(self, request: Request, space: str) -> Response:
        """Connections by agent and name, with how each stands to every state: those of yourself, to the leader and
        owners all. Who has ended is shown for a day. `pending_updates` are left out."""
        query = Query(request, "agent", "limit", "continue")
        limit = query.limit(100, PAGE)
        found = conf.sync_manager().list_agent_connections(
            self.caller, agent=query.text("agent") or "", limit=PAGE
        )
        shown, following = _PAGING.page(found, query, limit)
        return Response({"results": [_plain(each) for each in shown], "next": following})

    @syncing.making(
        "connect_agent",
        schema.location(201),
        request=ConnectionNewRequest,
        answer=ConnectionMade,
        status=201,
        refuses=(400, 403, 404, 413, 415, 429, 503),
    )
    def post(self, request: Request, space: str) -> Response:
        """Connect an agent that opens no socket: by a webhook, to which changes are sent, or to poll for them.

        The `secret` of a webhook's signatures is in this answer and nowhere else.
        """
        Query(request)
        given = self.given(ConnectionNewRequest)
        made = conf.sync_manager().connect_agent(
            self._connecting(given.agent),
            given.agent,
            given.name,
            given.address,
            given.type,
            given.states,
            user_id=request.user.pk,
            metadata=given.metadata,
        )
        body = {**_plain(made.connection), "secret": made.secret, "missing": list(made.missing)}
        where = self.where("connection", made.connection.id)
        headers = {"Location": where, "Cache-Control": "no-store"}
        return Response(body, 201, headers=headers)

    def _connecting(self, agent: str) -> Caller:
        """The agent that the body names, unless the header names one."""
        if not agent or AGENT in self.request.headers:
            return self.caller
        return conf.directory().caller(self.request.user, self.kwargs["space"], agent=agent)


class ConnectionView(StateView):
    @schema.described("get_connection", answer=schema.ref(AgentConnection), refuses=(400, 404, 503))
    def get(self, request: Request, space: str, connection_id: str) -> Response:
        """One connection, with what it has not acknowledged (`pending_updates`, the first ones)."""
        Query(request)
        found = conf.sync_manager().get_agent_connection(self.caller, connection_id)
        return Response(msgspec.to_builtins(found))

    @syncing.making("disconnect_agent", request=None, answer=None, status=204)
    def delete(self, request: Request, space: str, connection_id: str) -> Response:
        """End the connection: its socket is told to close (4409), its place is given up. Done already, it stays so."""
        Query(request)
        if not connection_id.startswith("s_"):
            raise ConnectionNotFound  # all of an agent at once is not what this address says
        conf.sync_manager().disconnect_agent(self.caller, connection_id)
        return Response(status=204)


def _plain(connection: AgentConnection) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(connection)
    del found["pending_updates"]
    return found


def _place(connection: AgentConnection) -> tuple[str, str, float, str]:
    """By agent and name, the newest first."""
    newest = -connection.connected_at.timestamp()
    return connection.agent, connection.name, newest, connection.id


_PAGING: Final = Paging(_place, tuple[str, str, float, str])
