"""The register of agents, and one agent: how it is and what it does, its settings, removing it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages as notices
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext, gettext_lazy, gettext_noop
from django.utils.translation import gettext as _

from groups import access, live, roster
from groups.agents.probes import PROBES
from groups.forms.agents import DEFAULT, AgentForm
from groups.inbox import HUMAN
from groups.models import Agent
from groups.services import agents as service
from groups.views.refusals import sentence
from groups.views.shell import Request, attempt, goes_to, json_body, page
from state.errors import Invalid

HEALTH: Final[dict[str, Any]] = {
    roster.Health.AWAY: gettext_lazy("unreachable"),
    roster.Health.FAILING: gettext_lazy("failing"),
    roster.Health.UNKNOWN: gettext_lazy("not tried"),
    roster.Health.GOOD: gettext_lazy("healthy"),
}
ORDERS: Final[dict[str, Any]] = {
    "": gettext_lazy("by id"),
    "health": gettext_lazy("worst health first"),
    "load": gettext_lazy("most load first"),
    "lately": gettext_lazy("busiest today first"),
    "cost": gettext_lazy("dearest first"),
}


@page()
def agents(request: Request) -> HttpResponse:
    """Every registered agent, as `?q=&kind=&health=&tag=&order=&page=` asks; htmx gets the rows alone."""
    asked = request.GET
    filters = roster.Filters(
        query=asked.get("q", ""),
        kind=asked.get("kind", ""),
        health=asked.get("health", ""),
        tag=asked.get("tag", ""),
        order=asked.get("order", ""),
    )
    number = asked.get("page", "1")
    found = roster.page(
        request.user,
        filters,
        int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 1,
    )
    kept = asked.copy()
    kept.pop("page", None)
    context = {
        "found": found,
        "filters": filters,
        "narrowed": any(filters[:4]),
        "healths": HEALTH.items(),
        "orders": ORDERS.items(),
        "asked": "&".join(part for part in kept.urlencode().split("&") if not part.endswith("=")),
        "topics": live.DASHBOARD,
    }
    template = "agents/partials/rows.html" if request.htmx else "agents/list.html"
    return render(request, template, context)


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


@page()
def detail(request: Request, agent_id: str) -> HttpResponse:
    """How the agent is, what it works at and did last, where it is a member, what it cost."""
    agent = access.get_agent(request.user, agent_id)
    months, total = roster.months(agent)
    context = {
        **about(request, agent),
        "members": roster.memberships(request.user, agent),
        "subtasks": roster.subtasks(request.user, agent),
        "months": months,
        "most": max((used.tokens for _month, used in months), default=0),
        "total": total,
        "topics": live.DASHBOARD,
        **tested(agent),
    }
    template = "agents/partials/overview.html" if request.htmx else "agents/detail.html"
    return render(request, template, context)


@page()
def talk(request: Request, agent_id: str) -> HttpResponse:
    """Talk to the agent outside of any run; the page does it over REST."""
    agent = access.get_agent(request.user, agent_id)
    person = agent.config.get("user", "") if agent.kind == HUMAN else ""
    context = {**about(request, agent), "person": person, "is_person": agent.kind == HUMAN}
    return render(request, "agents/talk.html", context)


@page("POST", instead="agent_talk")
def answer(request: Request, agent_id: str) -> HttpResponse:
    """What the agent wrote in Markdown as the page shows it, `html` in JSON; nothing of it is kept."""
    access.get_agent(request.user, agent_id)
    text = json_body(request).get("text", "")
    if not isinstance(text, str):
        raise Invalid
    return JsonResponse({"html": render_to_string("runs/partials/result.html", {"text": text})})


@page("GET", "HEAD", "POST")
def settings(request: Request, agent_id: str) -> HttpResponse:
    """The agent's settings; changed by whoever registered it."""
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
            return goes_to(request, "groups:agent", agent_id)
        status = refused
    context = {"form": form, **about(request, agent)}
    return render(request, "agents/settings.html", context, status=status)


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
    context = {"agent": agent, "can_change": True, **tested(agent)}
    return render(request, "agents/partials/test.html", context)


@page("POST")
def remove(request: Request, agent_id: str) -> HttpResponse:
    """Take the agent out of the register."""
    agent = access.get_agent(request.user, agent_id, change=True)
    service.remove(actor=request.user, agent=agent)
    notices.success(request, _("%(agent)s is gone.") % {"agent": agent_id})
    return goes_to(request, "groups:agents")


def about(request: Request, agent: Agent) -> dict[str, Any]:
    """What stands at the head of every page of an agent."""
    mine = request.user.is_superuser or agent.created_by_id == request.user.pk
    row = roster.one(request.user, agent)
    return {"agent": agent, "row": row, "health": HEALTH[row.health], "can_change": mine}


def tested(agent: Agent) -> dict[str, Any]:
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
