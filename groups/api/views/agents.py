"""Agents: every signed-in user may see and use them; whoever registered one may change it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from groups import access, roster, selectors
from groups.api.base import ApiView
from groups.api.pagination import AgentPages
from groups.api.schema import problems
from groups.api.serializers.agents import (
    AgentChangeSerializer,
    AgentHealthSerializer,
    AgentNewSerializer,
    AgentSerializer,
    ProbedSerializer,
)
from groups.api.serializers.base import EmptySerializer
from groups.services import agents


class AgentsView(ApiView):
    pagination_class = AgentPages

    @extend_schema(
        operation_id="list_agents", tags=["agents"], responses=AgentSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        """All registered agents, by id."""
        return self.page(AgentSerializer, selectors.agents())

    @extend_schema(
        operation_id="register_agent",
        tags=["agents"],
        request=AgentNewSerializer,
        responses={201: AgentSerializer, **problems(409)},
    )
    def post(self, request: Request) -> Response:
        """Register an agent."""
        agent = agents.register(actor=self.actor, **self.given(AgentNewSerializer))
        where = reverse("api:agent", [agent.agent_id], request=request)
        return self.shown(AgentSerializer, agent, status=201, headers={"Location": where})


class AgentView(ApiView):
    @extend_schema(operation_id="get_agent", tags=["agents"], responses=AgentSerializer)
    def get(self, request: Request, agent_id: str) -> Response:
        """One agent."""
        return self.shown(AgentSerializer, access.get_agent(self.actor, agent_id))

    @extend_schema(
        operation_id="change_agent",
        tags=["agents"],
        request=AgentChangeSerializer,
        responses=AgentSerializer,
    )
    def patch(self, request: Request, agent_id: str) -> Response:
        """Change an agent."""
        agent = access.get_agent(self.actor, agent_id, change=True)
        changed = agents.change(actor=self.actor, agent=agent, **self.given(AgentChangeSerializer))
        return self.shown(AgentSerializer, changed)

    @extend_schema(
        operation_id="remove_agent",
        tags=["agents"],
        request=None,
        responses={204: None, **problems(409)},
    )
    def delete(self, request: Request, agent_id: str) -> Response:
        """Remove an agent that is in no group."""
        agents.remove(actor=self.actor, agent=access.get_agent(self.actor, agent_id, change=True))
        return Response(status=status.HTTP_204_NO_CONTENT)


class AgentHealthView(ApiView):
    @extend_schema(
        operation_id="get_agent_health", tags=["agents"], responses=AgentHealthSerializer
    )
    def get(self, request: Request, agent_id: str) -> Response:
        """How the agent is, what it has to do and what it used, over all groups."""
        agent = access.get_agent(self.actor, agent_id)
        return self.shown(AgentHealthSerializer, roster.one(self.actor, agent))


class AgentTestView(ApiView):
    @extend_schema(
        operation_id="test_agent",
        tags=["agents"],
        request=EmptySerializer,
        responses={200: ProbedSerializer, **problems(409)},
    )
    def post(self, request: Request, agent_id: str) -> Response:
        """Try the agent out, which may take a minute; what works is remembered. A failure is an answer, too."""
        self.given(EmptySerializer)
        agent = access.get_agent(self.actor, agent_id, change=True)
        return self.shown(ProbedSerializer, agents.test(actor=self.actor, agent=agent))
