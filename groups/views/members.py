"""A group's members: the list as a fragment, joining, changing and leaving."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render

from groups import access, selectors
from groups.forms import JoinForm, MemberForm
from groups.models import Group, Level, Member, Role
from groups.services import membership
from groups.services.groups import is_busy
from groups.views.shell import Request, attempt, goes_to, page
from state.errors import Invalid

#: Agents that are offered at once; typing finds the others.
OFFERED: Final = 30


@page("GET", "HEAD", "POST")
def members(request: Request, group_id: str) -> HttpResponse:
    """GET: the list. POST: agents join; answers with the join form, empty or with what is wrong."""
    if request.method != "POST":
        return _list(request, access.get_group(request.user, group_id))
    group = access.get_group(request.user, group_id, Level.OWNER)
    form = JoinForm(request.POST)

    def join() -> None:
        data = form.cleaned_data
        membership.join_all(
            actor=request.user,
            group=group,
            agent_ids=data["agent_id"],
            role=data["role"],
            tags=data["tags"],
        )

    refused = attempt(form, join)
    if not request.htmx and not refused:
        return goes_to(request, "groups:group", group.id)
    context = {
        "group": group,
        "join_form": form if refused else JoinForm(),
        **(offered(group, chosen=request.POST.getlist("agent_id")) if refused else offered(group)),
        "opened": True,
    }
    return render(request, "groups/partials/join.html", context, status=refused or HTTPStatus.OK)


@page()
def candidates(request: Request, group_id: str) -> HttpResponse:
    """The agents that could join, as a fragment: those that are chosen (`agent_id`) and those like `?q=`."""
    group = access.get_group(request.user, group_id, Level.OWNER)
    found = offered(group, request.GET.get("q", ""), request.GET.getlist("agent_id"))
    return render(request, "groups/partials/candidates.html", {"group": group, **found})


def offered(group: Group, text: str = "", chosen: Sequence[str] = ()) -> dict[str, Any]:
    """Agents like the text: who is chosen already stands first, who is a member cannot be chosen."""
    # PostgreSQL can be asked for no other texts.
    chosen = [each for each in chosen if each.isprintable()]
    rows = selectors.agents_like(group, text.strip() if text.isprintable() else "", chosen)
    found = list(rows[: OFFERED + 1])
    return {"agents": found[:OFFERED], "more": len(found) > OFFERED, "chosen": chosen, "q": text}


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
    context = {"group": group, "member": found, "form": form, **moves(group, found)}
    return render(request, "groups/partials/member_form.html", context, status=refused)


@page("POST")
def lead(request: Request, group_id: str, agent_id: str) -> HttpResponse:
    """The member leads; whoever led until now is a worker. Answers with the list."""
    group = access.get_group(request.user, group_id, Level.OWNER)
    membership.lead(actor=request.user, group=group, agent_id=agent_id)
    if not request.htmx:
        return goes_to(request, "groups:group", group.id)
    return _list(request, group)


@page("POST")
def place(request: Request, group_id: str, agent_id: str) -> HttpResponse:
    """The member stands in that place among all; answers with the list."""
    group = access.get_group(request.user, group_id, Level.OWNER)
    wanted = request.POST.get("place", "")
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 6):
        raise Invalid(fields={"place": ["A place is a whole number, 0 or more."]})
    membership.move(actor=request.user, group=group, agent_id=agent_id, place=int(wanted))
    if not request.htmx:
        return goes_to(request, "groups:group", group.id)
    return _list(request, group)


@page("POST")
def leave(request: Request, group_id: str, agent_id: str) -> HttpResponse:
    """The agent leaves; answers with the list."""
    group = access.get_group(request.user, group_id, Level.OWNER)
    membership.leave(actor=request.user, group=group, agent_id=agent_id)
    if not request.htmx:
        return goes_to(request, "groups:group", group.id)
    return _list(request, group)


def moves(group: Group, member: Member) -> dict[str, Any]:
    """Where the member may be moved among those that are shown after the leader, and whether a run holds the leader."""
    shown = [each.pk for each in selectors.members_of(group) if each.role != Role.LEADER]
    order = list(group.members.order_by("position", "id").values_list("pk", flat=True))
    order.remove(member.pk)
    at = shown.index(member.pk) if member.pk in shown else -1
    first, last = at <= 0, at in (-1, len(shown) - 1)
    return {
        "first": first,
        "last": last,
        "before": 0 if first else order.index(shown[at - 1]),
        "after": 0 if last else order.index(shown[at + 1]) + 1,
        "busy": is_busy(group),
    }


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
