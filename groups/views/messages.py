"""A group's messages: the history as a fragment with older pages, and sending."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from groups import access, selectors
from groups.execution.mentions import strangers
from groups.execution.plan import Assignable
from groups.forms import MessageForm
from groups.models import Group, Level, Member
from groups.services import messaging
from groups.views.boxes import MESSAGES_SHOWN, chat
from groups.views.shell import Request, attempt, goes_to, page
from state.errors import Invalid

#: Names that are told of which nobody bears.
NAMED = 5


@page("GET", "HEAD", "POST")
def messages(request: Request, group_id: str) -> HttpResponse:
    """GET: the latest messages, or with `?before=<id>` the page before those.

    POST: send one; answers with the form, empty or with what is wrong.
    """
    if request.method != "POST":
        return _history(request, access.get_group(request.user, group_id))
    group = access.get_group(request.user, group_id, Level.OPERATOR)
    members = list(selectors.members_of(group))
    form = MessageForm(request.POST, members=members)

    def send() -> None:
        data = form.cleaned_data
        if data["to"]:
            messaging.send(
                actor=request.user,
                group=group,
                sender=data["sender"],
                to=data["to"],
                text=data["text"],
            )
        else:
            messaging.broadcast(
                actor=request.user, group=group, text=data["text"], sender=data["sender"]
            )

    refused = attempt(form, send)
    unknown = "" if refused else _unknown(form.cleaned_data["text"], members)
    if not refused:
        if not request.htmx:
            if unknown:
                notices.warning(request, unknown)
            return goes_to(request, "groups:group", group.id)
        # The next message most likely goes the same way.
        kept = {"sender": form.cleaned_data["sender"], "to": form.cleaned_data["to"]}
        form = MessageForm(members=members, initial=kept)
    context = {"group": group, "message_form": form, "sent": not refused, "unknown": unknown}
    return render(request, "groups/partials/compose.html", context, status=refused or HTTPStatus.OK)


def _unknown(text: str, members: list[Member]) -> str:
    """What to say when the message addresses somebody who is not there; it may be no address at all."""
    here = [Assignable(agent_id=m.agent.agent_id, role=m.role, tags=tuple(m.tags)) for m in members]
    found = strangers(text, here)
    if not found:
        return ""
    words = _("Sent, but nobody here is called %(names)s, so nobody was asked by that name.")
    return words % {"names": ", ".join(found[:NAMED])}


def _history(request: Request, group: Group) -> HttpResponse:
    wanted = request.GET.get("before", "")
    found = selectors.messages_of(group)
    if wanted:
        if not (wanted.isascii() and wanted.isdigit() and len(wanted) < 19):
            raise Invalid(fields={"before": ["This is not the number of a message."]})
        found = found.filter(id__lt=int(wanted))
    rows = list(found[: MESSAGES_SHOWN + 1])
    context = {
        "group": group,
        "chat": chat(rows[:MESSAGES_SHOWN]),
        "older": rows[MESSAGES_SHOWN - 1].id if len(rows) > MESSAGES_SHOWN else None,
    }
    template = "groups/partials/chat_page.html" if wanted else "groups/partials/chat.html"
    return render(request, template, context)
