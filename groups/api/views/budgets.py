"""Budgets: what an agent, a group and the installation may use in a month, and have used of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from groups import access
from groups.api.base import ApiView
from groups.api.serializers.budgets import BudgetPutSerializer, BudgetSerializer
from groups.models import Agent, Budget, Group, Level
from groups.services import budgets, spending

Method = TypeVar("Method", bound=Callable[..., Response])


def _operation(
    name: str, request: Any = None, answer: Any = BudgetSerializer
) -> Callable[[Method], Method]:
    return extend_schema(
        operation_id=name, tags=["budgets"], request=request, responses=answer or {204: None}
    )


class BudgetView(ApiView):
    """What the budgets of agents, groups and the site have in common."""

    def told(self, budget: Budget) -> Response:
        """The caps and what was used of them."""
        return self.shown(BudgetSerializer, spending.under(budget))

    def put_for(self, *, agent: Agent | None = None, group: Group | None = None) -> Response:
        """Set both caps."""
        caps = self.given(BudgetPutSerializer)
        return self.told(budgets.put(actor=self.actor, agent=agent, group=group, **caps))

    def clear_for(self, *, agent: Agent | None = None, group: Group | None = None) -> Response:
        """Take the caps away."""
        budgets.put(actor=self.actor, agent=agent, group=group)
        return Response(status=status.HTTP_204_NO_CONTENT)


class AgentBudgetView(BudgetView):
    @_operation("get_agent_budget")
    def get(self, request: Request, agent_id: str) -> Response:
        """What the agent may use in a month, and has used of it in all groups."""
        return self.told(budgets.of(agent=access.get_agent(self.actor, agent_id)))

    @_operation("set_agent_budget", BudgetPutSerializer)
    def put(self, request: Request, agent_id: str) -> Response:
        """Set both caps of the agent. Whoever registered it, and administrators."""
        return self.put_for(agent=access.get_agent(self.actor, agent_id, change=True))

    @_operation("clear_agent_budget", answer=None)
    def delete(self, request: Request, agent_id: str) -> Response:
        """Take the agent's caps away."""
        return self.clear_for(agent=access.get_agent(self.actor, agent_id, change=True))


class GroupBudgetView(BudgetView):
    @_operation("get_group_budget")
    def get(self, request: Request, group_id: str) -> Response:
        """What the group's runs may use in a month, and have used of it."""
        return self.told(budgets.of(group=access.get_group(self.actor, group_id)))

    @_operation("set_group_budget", BudgetPutSerializer)
    def put(self, request: Request, group_id: str) -> Response:
        """Set both caps of the group. Owners only."""
        return self.put_for(group=access.get_group(self.actor, group_id, Level.OWNER))

    @_operation("clear_group_budget", answer=None)
    def delete(self, request: Request, group_id: str) -> Response:
        """Take the group's caps away. Owners only."""
        return self.clear_for(group=access.get_group(self.actor, group_id, Level.OWNER))


class SiteBudgetView(BudgetView):
    @_operation("get_site_budget")
    def get(self, request: Request) -> Response:
        """What the whole installation may use in a month, and has used of it. Administrators only."""
        budgets.require_site(self.actor)
        return self.told(budgets.of())

    @_operation("set_site_budget", BudgetPutSerializer)
    def put(self, request: Request) -> Response:
        """Set both caps of the installation. Administrators only."""
        budgets.require_site(self.actor)
        return self.put_for()

    @_operation("clear_site_budget", answer=None)
    def delete(self, request: Request) -> Response:
        """Take the installation's caps away. Administrators only."""
        return self.clear_for()
