"""Agents: the register, registering, changing and removing one."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from groups import access, live, selectors
from groups.forms import AgentForm
from groups.services import agents as service
from groups.views.shell import Request, attempt, goes_to, page


@page()
def agents(request: Request) -> HttpResponse:
    """Every registered agent."""
    context = {"agents": selectors.agents_with_counts(request.user), "topics": live.DASHBOARD}
    return render(request, "agents/list.html", context)


@page()
def rows(request: Request) -> HttpResponse:
    """The rows alone, for a page that heard a poke."""
    context = {"agents": selectors.agents_with_counts(request.user)}
    return render(request, "agents/partials/rows.html", context)


@page("GET", "HEAD", "POST")
def new(request: Request) -> HttpResponse:
    """Register an agent."""
    form = AgentForm(request.POST or None)
    if request.method == "POST":
        refused = attempt(
            form, lambda: service.register(actor=request.user, **form.fields_of_agent)
        )
        if not refused:
            notices.success(
                request, _("%(agent)s is registered.") % {"agent": form.cleaned_data["agent_id"]}
            )
            return goes_to(request, "groups:agents")
        return render(request, "agents/form.html", {"form": form}, status=refused)
    return render(request, "agents/form.html", {"form": form})


@page("GET", "HEAD", "POST")
def detail(request: Request, agent_id: str) -> HttpResponse:
    """One agent: its settings for whoever may change them, and the groups it is in."""
    agent = access.get_agent(request.user, agent_id, change=request.method == "POST")
    config = dict(agent.config)
    skill = config.pop("skill", "")
    initial = {
        "name": agent.name,
        "description": agent.description,
        "kind": agent.kind,
        "skill": skill,
        "config": config,
        "max_concurrency": agent.max_concurrency,
    }
    form = AgentForm(request.POST or None, initial=initial, known=True)
    status = HTTPStatus.OK
    if request.method == "POST":
        refused = attempt(
            form, lambda: service.change(actor=request.user, agent=agent, **form.fields_of_agent)
        )
        if not refused:
            notices.success(request, _("Saved."))
            return goes_to(request, "groups:agents")
        status = refused
    mine = request.user.is_superuser or agent.created_by_id == request.user.pk
    seen = selectors.groups_of(request.user, agent)
    context = {"form": form, "agent": agent, "can_change": mine, "groups": seen}
    return render(request, "agents/form.html", context, status=status)


@page("POST")
def remove(request: Request, agent_id: str) -> HttpResponse:
    """Take the agent out of the register."""
    agent = access.get_agent(request.user, agent_id, change=True)
    service.remove(actor=request.user, agent=agent)
    notices.success(request, _("%(agent)s is gone.") % {"agent": agent_id})
    return goes_to(request, "groups:agents")
