"""A group's members: the list as a fragment, joining, changing and leaving."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import render

from groups import access, selectors
from groups.forms import JoinForm, MemberForm
from groups.models import Group, Level, Role
from groups.services import membership
from groups.views.shell import Request, attempt, goes_to, page


@page("GET", "HEAD", "POST")
def members(request: Request, group_id: str) -> HttpResponse:
    """GET: the list. POST: an agent joins; answers with the join form, empty or with what is wrong."""
    if request.method != "POST":
        return _list(request, access.get_group(request.user, group_id))
    group = access.get_group(request.user, group_id, Level.OWNER)
    form = JoinForm(request.POST)
    refused = attempt(
        form, lambda: membership.join(actor=request.user, group=group, **form.cleaned_data)
    )
    if not request.htmx and not refused:
        return goes_to(request, "groups:group", group.id)
    context = {
        "group": group,
        "join_form": form if refused else JoinForm(),
        "agents": selectors.agents_outside(group),
        "joined": not refused,
    }
    return render(request, "groups/partials/join.html", context, status=refused or HTTPStatus.OK)


@page("GET", "HEAD", "POST")
def member(request: Request, group_id: str, agent_id: str) -> HttpResponse:
    """GET: the form that changes role and tags. POST: change them; answers with the list."""
    group = access.get_group(request.user, group_id, Level.OWNER)
    found = membership.get(group=group, agent_id=agent_id)
    form = MemberForm(request.POST or None, initial={"role": found.role, "tags": found.tags})
    refused = HTTPStatus.OK
    if request.method == "POST":
        outcome = attempt(
            form,
            lambda: membership.change(
                actor=request.user, group=group, agent_id=agent_id, **form.cleaned_data
            ),
        )
        if outcome is None:
            if not request.htmx:
                return goes_to(request, "groups:group", group.id)
            return _list(request, group)
        refused = outcome
    context = {"group": group, "member": found, "form": form}
    return render(request, "groups/partials/member_form.html", context, status=refused)


@page("POST")
def leave(request: Request, group_id: str, agent_id: str) -> HttpResponse:
    """The agent leaves; answers with the list."""
    group = access.get_group(request.user, group_id, Level.OWNER)
    membership.leave(actor=request.user, group=group, agent_id=agent_id)
    if not request.htmx:
        return goes_to(request, "groups:group", group.id)
    return _list(request, group)


def _list(request: Request, group: Group) -> HttpResponse:
    level = access.level_in(request.user, group.id) or Level.VIEWER
    found = list(selectors.members_of(group))
    context = {
        "group": group,
        "members": found,
        "has_leader": any(member.role == Role.LEADER for member in found),
        "can_operate": level >= Level.OPERATOR,
        "can_own": level >= Level.OWNER,
    }
    return render(request, "groups/partials/members_fresh.html", context)
