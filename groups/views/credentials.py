"""Credentials of a connected agent and who is dialled in with them: a part of the agent's page."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from groups import access, selectors
from groups.models import Agent
from groups.services import credentials as service
from groups.services import dialins
from groups.views.agents import about
from groups.views.shell import Request, page


@page("GET", "HEAD", "POST")
def credentials(request: Request, agent_id: str) -> HttpResponse:
    """The list; POST makes one more, whose text stands in this answer only."""
    agent = access.get_agent(request.user, agent_id, change=True)
    text = service.make(actor=request.user, agent=agent)[1] if request.method == "POST" else ""
    answer = _shown(request, agent, text)
    if text:
        answer["Cache-Control"] = "no-store"
    return answer


@page("POST")
def revoke(request: Request, agent_id: str, credential_id: str) -> HttpResponse:
    """Take one back."""
    agent = access.get_agent(request.user, agent_id, change=True)
    service.revoke(actor=request.user, credential=access.get_credential(agent, credential_id))
    return _shown(request, agent)


def _shown(request: Request, agent: Agent, text: str = "") -> HttpResponse:
    scheme = "wss" if request.is_secure() else "ws"
    context = {
        **about(request, agent),
        "credentials": selectors.credentials_of(agent),
        "processes": dialins.present(agent.pk),
        "text": text,
        "address": f"{scheme}://{request.get_host()}/ws/v1/agents/{agent.agent_id}/",
    }
    template = "agents/partials/credentials.html" if request.htmx else "agents/credentials.html"
    return render(request, template, context)
