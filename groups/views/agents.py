"""Agents: the register, registering, changing, trying out and removing one."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext as _

from groups import access, live, selectors
from groups.agents.probes import PROBES
from groups.forms.agents import DEFAULT, AgentForm
from groups.models import Agent
from groups.services import agents as service
from groups.views.refusals import sentence
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
    form = AgentForm(request.POST or None, initial={"kind": request.GET.get("kind", DEFAULT)})
    if request.method == "POST":
        refused = attempt(
            form, lambda: service.register(actor=request.user, **form.fields_of_agent)
        )
        if not refused:
            notices.success(
                request, _("%(agent)s is registered.") % {"agent": form.cleaned_data["agent_id"]}
            )
            # Where the next steps stand: the test, tools, a budget, credentials.
            return goes_to(request, "groups:agent", form.cleaned_data["agent_id"])
        return render(request, "agents/form.html", {"form": form}, status=refused)
    return render(request, "agents/form.html", {"form": form})


@page("GET", "HEAD", "POST")
def detail(request: Request, agent_id: str) -> HttpResponse:
    """One agent: its settings for whoever may change them, and the groups it is in."""
    agent = access.get_agent(request.user, agent_id, change=request.method == "POST")
    initial = {
        "name": agent.name,
        "description": agent.description,
        "max_concurrency": agent.max_concurrency,
        **AgentForm.initial_of(agent.kind, agent.config),
    }
    has = service.secret_names(agent)
    form = AgentForm(request.POST or None, initial=initial, known=True, has=has)
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
    context = {
        "form": form,
        "agent": agent,
        "can_change": mine,
        "groups": seen,
        **_tested(agent),
    }
    return render(request, "agents/form.html", context, status=status)


@page()
def kind_fields(request: Request) -> HttpResponse:
    """The fields of a kind, for a form in which another one was chosen."""
    form = AgentForm(initial={"kind": request.GET.get("kind", "")})
    return render(request, "agents/partials/kind_fields.html", {"form": form})


@page("POST")
def test(request: Request, agent_id: str) -> HttpResponse:
    """Try the agent out; what works is told and remembered."""
    agent = access.get_agent(request.user, agent_id, change=True)
    service.test(actor=request.user, agent=agent)
    if not request.htmx:
        return goes_to(request, "groups:agent", agent_id)
    agent.refresh_from_db()
    return render(request, "agents/partials/test.html", {"agent": agent, **_tested(agent)})


def _tested(agent: Agent) -> dict[str, Any]:
    """What the page says of the last test."""
    checks = [
        {
            **check,
            "name": gettext(str(check["name"])),
            # The badge says that it works.
            "text": "" if check["text"] == "works" else sentence(str(check["text"])),
        }
        for check in agent.ability.get("checks", [])
    ]
    return {"testable": agent.kind in PROBES, "checks": checks}


#: What tests call what they try (`groups.agents.probes`), for the catalog.
CHECKS = (
    gettext_noop("connection"),
    gettext_noop("streaming"),
    gettext_noop("usage"),
    gettext_noop("tools"),
    gettext_noop("time"),
    gettext_noop("structured output by JSON schema"),
    gettext_noop("structured output by a tool"),
    gettext_noop("structured output by words"),
    gettext_noop("works"),
    gettext_noop("The model answered without the tool."),
    gettext_noop("The server does not say how many tokens it used; they are estimated."),
)


@page("POST")
def remove(request: Request, agent_id: str) -> HttpResponse:
    """Take the agent out of the register."""
    agent = access.get_agent(request.user, agent_id, change=True)
    service.remove(actor=request.user, agent=agent)
    notices.success(request, _("%(agent)s is gone.") % {"agent": agent_id})
    return goes_to(request, "groups:agents")
