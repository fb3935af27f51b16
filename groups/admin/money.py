"""Budgets, set through their service, and what was used, read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from groups import access
from groups.admin.base import ServiceAdmin, adopt, run_link
from groups.models import Agent, Budget, Group, Level, Spending
from groups.services import budgets
from groups.services.inputs import refuse
from state.admin.base import ReadOnlyAdmin, actor_of


@admin.register(Budget)
class BudgetAdmin(ServiceAdmin[Budget]):
    """Monthly caps: of an agent, of a group, or (with neither) of the installation."""

    list_display = ("whose", "max_tokens", "max_cost_usd", "changed_at")
    list_select_related = ("agent", "group")
    search_fields = ("agent__agent_id", "group__id", "group__name")
    autocomplete_fields = ("agent", "group")
    fields = ("agent", "group", "max_tokens", "max_cost_usd")

    @display(description="whose")
    def whose(self, budget: Budget) -> str:
        """The agent's id, the group's name, or the installation."""
        return str(budget.agent or budget.group or "the installation")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Budget]:
        """Those of the visible groups and of agents; the installation's for superusers."""
        rows = super().get_queryset(request)
        user = actor_of(request)
        if user.is_superuser:
            return rows
        return rows.filter(Q(group__in=access.visible_groups(user)) | Q(agent__isnull=False))

    def get_readonly_fields(
        self, request: HttpRequest, obj: Budget | None = None
    ) -> tuple[str, ...]:
        """Whose it is stands."""
        return ("agent", "group") if obj else ()

    def save_model(self, request: HttpRequest, obj: Budget, form: Any, change: bool) -> None:
        """Set the caps."""
        agent, group = _allowed(request, obj)
        caps = {name: form.cleaned_data[name] for name in ("max_tokens", "max_cost_usd")}
        if set(caps.values()) == {None}:
            refuse(
                "max_tokens", "Give a cap in tokens or in money; to have none, remove the budget."
            )
        adopt(obj, budgets.put(actor=actor_of(request), agent=agent, group=group, **caps))

    def delete_model(self, request: HttpRequest, obj: Budget) -> None:
        """Take the caps away."""
        agent, group = _allowed(request, obj)
        budgets.put(actor=actor_of(request), agent=agent, group=group)


def _allowed(request: HttpRequest, budget: Budget) -> tuple[Agent | None, Group | None]:
    """Whose it is, if the user may change that. Raises LevelTooLow, Invalid."""
    actor = actor_of(request)
    agent, group = budget.agent, budget.group
    if agent is not None:
        agent = access.get_agent(actor, agent.agent_id, change=True)
    if group is not None:
        group = access.get_group(actor, group.id, Level.OWNER)
    return agent, group


@admin.register(Spending)
class SpendingAdmin(ReadOnlyAdmin[Spending]):
    """What each call used, newest first. An unknown price is empty."""

    list_display = (
        "at",
        "agent_id",
        "model",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "group",
        "run_page",
    )
    list_filter = ("at", ("group", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("group",)
    search_fields = ("agent_id", "model", "=run__id")
    ordering = ("-id",)

    @display(description="run", ordering="run")
    def run_page(self, row: Spending) -> str:
        """The run's page; empty when the run is gone."""
        return run_link(row.run_id) if row.run_id else ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Spending]:
        """What the visible groups used; superusers see all."""
        rows = super().get_queryset(request)
        user = actor_of(request)
        return rows if user.is_superuser else rows.filter(group__in=access.visible_groups(user))
