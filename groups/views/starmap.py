"""The star map: its facts, and what opens when a star or a line is chosen."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render

from groups import access, starmap
from groups.errors import NotAMember
from groups.forms import MemberForm
from groups.models import Group, Level, Member
from groups.services import membership
from groups.views.boxes import MESSAGES_SHOWN, chat
from groups.views.members import moves
from groups.views.shell import Request, page
from state.errors import NotFound


@page()
def facts(request: Request, group_id: str) -> HttpResponse:
    """What the map is drawn from, as JSON."""
    return JsonResponse(starmap.facts(access.get_group(request.user, group_id)))


@page()
def card(request: Request, group_id: str, agent_id: str) -> HttpResponse:
    """A member: who it is, what it is at, what it did last, and for owners the form that changes it."""
    group = access.get_group(request.user, group_id)
    level = access.level_in(request.user, group.id) or Level.VIEWER
    member = _member(group, agent_id)
    context = {
        "group": group,
        "member": member,
        "agent": member.agent,
        "now": starmap.current(group, agent_id),
        "lately": starmap.lately(group, agent_id),
        "can_operate": level >= Level.OPERATOR,
        "can_own": level >= Level.OWNER,
        "form": MemberForm(initial={"role": member.role, "tags": member.tags}),
        **moves(group, member),
    }
    return render(request, "groups/partials/member_card.html", context)


@page()
def line(request: Request, group_id: str, one: str, other: str) -> HttpResponse:
    """The messages that passed between two members, the last of them."""
    group = access.get_group(request.user, group_id)
    for agent_id in (one, other):
        _member(group, agent_id)
    rows = list(starmap.messages_between(group, one, other)[: MESSAGES_SHOWN + 1])
    context = {
        "group": group,
        "one": one,
        "other": other,
        "chat": chat(rows[:MESSAGES_SHOWN]),
        "cut": len(rows) > MESSAGES_SHOWN,
    }
    return render(request, "groups/partials/line.html", context)


def _member(group: Group, agent_id: str) -> Member:
    """Here the member is the address, so its absence is a 404 rather than a fault of a form."""
    try:
        return membership.get(group=group, agent_id=agent_id)
    except NotAMember as error:
        raise NotFound(error.message) from None
