"""Budgets on the pages: a panel for an agent, a group and the installation, and what was used this month by whom."""

from __future__ import annotations

from http import HTTPStatus
from itertools import islice
from typing import Final

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from groups import access
from groups.forms.budgets import BudgetForm
from groups.models import Agent, Budget, Group, Level
from groups.services import budgets as service
from groups.services import spending
from groups.views.agents import about
from groups.views.shell import Request, attempt, goes_to, page

#: Agents and groups that are listed: those that used most.
MOST: Final = 50


@page("GET", "HEAD", "POST")
def agent(request: Request, agent_id: str) -> HttpResponse:
    """What the agent may use in a month; set by whoever registered it."""
    found = access.get_agent(request.user, agent_id, change=request.method == "POST")
    mine = request.user.is_superuser or found.created_by_id == request.user.pk
    back = reverse("groups:agent_budget", args=[found.agent_id])
    return _panel(request, mine, back, found.agent_id, agent=found)


@page("GET", "HEAD", "POST")
def group(request: Request, group_id: str) -> HttpResponse:
    """What the group's runs may use in a month; set by its owners."""
    level = Level.OWNER if request.method == "POST" else Level.VIEWER
    found = access.get_group(request.user, group_id, level)
    owns = access.level_in(request.user, found.id) == Level.OWNER
    back = reverse("groups:settings", args=[found.id])
    return _panel(request, owns, back, found.name, group=found)


@page("GET", "HEAD", "POST")
def site(request: Request) -> HttpResponse:
    """What the installation may use in a month, and who used what of it; for administrators."""
    service.require_site(request.user)
    return _panel(request, True, reverse("groups:budget"), _("all groups"))


def _panel(
    request: Request,
    can_change: bool,
    back: str,
    name: str,
    *,
    agent: Agent | None = None,
    group: Group | None = None,
) -> HttpResponse:
    """The panel alone for htmx, else a page around it."""
    status = HTTPStatus.OK
    budget = service.of(agent=agent, group=group)
    form = BudgetForm(request.POST if request.method == "POST" else None, initial=_initial(budget))
    if request.method == "POST":
        refused = attempt(
            form,
            lambda: service.put(actor=request.user, agent=agent, group=group, **form.cleaned_data),
        )
        if not refused:
            notices.success(request, _("Saved."))
            return goes_to(request, back)
        status = refused
    context = {
        "month": spending.under(budget),
        "form": form,
        "can_change": can_change,
        "back": back,
        "name": name,
    }
    if request.htmx:
        return render(request, "budgets/partials/panel.html", context, status=status)
    if agent is not None:
        return render(
            request, "agents/budget.html", {**about(request, agent), **context}, status=status
        )
    if group is None:
        agents, groups = spending.by_agent(), spending.by_group()
        context |= {
            "agents": dict(islice(agents.items(), MOST)),
            "groups": dict(islice(groups.items(), MOST)),
            "more_agents": max(0, len(agents) - MOST),
            "more_groups": max(0, len(groups) - MOST),
        }
    return render(request, "budgets/page.html", context, status=status)


def _initial(budget: Budget) -> dict[str, object]:
    return {"max_tokens": budget.max_tokens, "max_cost_usd": budget.max_cost_usd}
