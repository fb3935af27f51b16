"""Tools: which an agent is granted, and the tool servers."""

from __future__ import annotations

import shlex
from http import HTTPStatus

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from groups import access, selectors
from groups.forms.tools import GrantsForm, ToolServerForm
from groups.models import Agent
from groups.services import agents as agents_service
from groups.services import tool_servers as service
from groups.views.agents import about
from groups.views.shell import Request, attempt, goes_to, page
from state.errors import Invalid


@page("GET", "HEAD", "POST")
def granted(request: Request, agent_id: str) -> HttpResponse:
    """The agent's tools; granted by whoever registered it."""
    agent = access.get_agent(request.user, agent_id, change=request.method == "POST")
    form = GrantsForm(request.POST if request.method == "POST" else None, before=agent.grants)
    form.offer([s for s in selectors.tool_servers() if service.may_change(request.user, s)])
    status = HTTPStatus.OK
    if request.method == "POST":
        refused = attempt(form, lambda: _grant(request, agent, form))
        if not refused:
            notices.success(request, _("Saved."))
            return goes_to(request, "groups:agent_tools", agent_id)
        status = refused
    context = {"form": form, **about(request, agent)}
    template = "agents/partials/grants.html" if request.htmx else "agents/tools.html"
    return render(request, template, context, status=status)


def _grant(request: Request, agent: Agent, form: GrantsForm) -> None:
    try:
        agents_service.change(actor=request.user, agent=agent, grants=form.grants)
    except Invalid as error:
        # The service counts grants; the form has one field for hosts and one for the rest.
        beside: dict[str, list[str]] = {}
        for name, told in error.fields.items():
            beside.setdefault("hosts" if name.endswith(".hosts") else "tools", []).extend(told)
        raise Invalid(error.message, fields=beside) from None


@page()
def servers(request: Request) -> HttpResponse:
    """Every tool server."""
    return render(request, "tools/list.html", {"servers": selectors.tool_servers()})


@page("GET", "HEAD", "POST")
def server_new(request: Request) -> HttpResponse:
    """Register a tool server."""
    form = ToolServerForm(request.POST or None)
    status = HTTPStatus.OK
    if request.method == "POST":
        refused = attempt(
            form, lambda: service.register(actor=request.user, **form.fields_of_server)
        )
        if not refused:
            return goes_to(request, "groups:tool_server", form.cleaned_data["name"])
        status = refused
    return render(request, "tools/server.html", {"form": form}, status=status)


@page("GET", "HEAD", "POST")
def server(request: Request, name: str) -> HttpResponse:
    """One tool server, for whoever may change it."""
    row = service.get(request.user, name, change=True)
    initial = {"url": row.url, "command": shlex.join(row.command)}
    form = ToolServerForm(request.POST or None, initial=initial, known=True)
    status = HTTPStatus.OK
    if request.method == "POST":
        refused = attempt(
            form, lambda: service.change(actor=request.user, server=row, **form.fields_of_server)
        )
        if not refused:
            notices.success(request, _("Saved."))
            return goes_to(request, "groups:tool_server", name)
        status = refused
    context = {"form": form, "server": row, "secrets": service.secret_names(row)}
    return render(request, "tools/server.html", context, status=status)


@page("POST")
def server_test(request: Request, name: str) -> HttpResponse:
    """Connect and show what tools there are."""
    row = service.get(request.user, name, change=True)
    context = {"server": row, "tools": service.tools(actor=request.user, server=row), "tried": True}
    if request.htmx:
        return render(request, "tools/partials/test.html", context)
    form = ToolServerForm(initial={"url": row.url, "command": shlex.join(row.command)}, known=True)
    return render(request, "tools/server.html", {**context, "form": form})


@page("POST")
def server_remove(request: Request, name: str) -> HttpResponse:
    """Take the tool server out of the register."""
    service.remove(actor=request.user, server=service.get(request.user, name, change=True))
    notices.success(request, _("%(server)s is gone.") % {"server": name})
    return goes_to(request, "groups:tool_servers")
