"""The inbox: everything that needs the signed-in person; what can be answered has its form in place."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from groups import access, live
from groups.forms.inbox import AnswerForm
from groups.inbox import Item, item_of
from groups.models import Level
from groups.overview import needs
from groups.overview.welcome import seen_by
from groups.services import runs as service
from groups.views.shell import Request, attempt, goes_to, page


class Entry(NamedTuple):
    """An item with its form."""

    item: Item
    form: AnswerForm


@page()
def inbox(request: Request) -> HttpResponse:
    """Everything that home tells of below "Needs me", and all of it."""
    return render(request, "inbox/page.html", _context(request) | {"topics": live.DASHBOARD})


@page()
def parts(request: Request) -> HttpResponse:
    """The list alone, for a page that is open."""
    return render(request, "inbox/partials/items.html", _context(request))


@page()
def count(request: Request) -> HttpResponse:
    """How much waits, for the navigation."""
    return render(request, "inbox/partials/count.html", {"number": _needs(request).total})


@page("POST")
def answer(request: Request, run_id: str, subtask_id: str) -> HttpResponse:
    """Answer a waiting subtask; what is wrong with the answer stands beside its field."""
    run = access.get_run(request.user, run_id, Level.OPERATOR)
    subtask = access.get_subtask(run, subtask_id)
    item = item_of(request.user, subtask)
    if item is None:
        # Answered meanwhile, or not for this person: the service says which.
        service.answer(
            actor=request.user, run=run, subtask=subtask, text=request.POST.get("text", "")
        )
        return goes_to(request, "groups:inbox")
    form = AnswerForm(request.POST, item=item)
    refused = attempt(
        form,
        lambda: service.answer(
            actor=request.user,
            run=run,
            subtask=subtask,
            text=form.cleaned_data["text"].replace("\r\n", "\n"),
        ),
    )
    if refused:
        return _listed(request, Entry(item, form), status=refused)
    if not request.htmx:
        notices.success(request, _("Answered."))
        return goes_to(request, "groups:inbox")
    return _listed(request)


@page("POST")
def approve(request: Request, run_id: str) -> HttpResponse:
    """Approve a plan as it stands."""
    run = access.get_run(request.user, run_id, Level.OPERATOR)
    service.approve(actor=request.user, run=run)
    return _listed(request) if request.htmx else goes_to(request, "groups:inbox")


def entries_of(items: Iterable[Item], refused: Entry | None = None) -> list[Entry]:
    """The items, each with its form: empty, or the one with what was refused."""
    return [
        refused
        if refused is not None and refused.item.key == item.key
        else Entry(item, AnswerForm(item=item))
        for item in items
    ]


def _needs(request: Request) -> needs.Needs:
    return needs.needs_of(request.user, seen_by(request.user))


def _context(request: Request, refused: Entry | None = None) -> dict[str, Any]:
    need = _needs(request)
    return {"needs": need, "entries": entries_of(need.items, refused), "most": needs.MOST}


def _at_home(request: Request, refused: Entry | None, status: int) -> HttpResponse:
    """The one answered item, in place: empty once it is done, else with what is wrong. Pokes bring the rest."""
    context = {"entry": refused}
    return render(request, "home/partials/answered.html", context, status=status)


def _listed(
    request: Request, refused: Entry | None = None, *, status: int = HTTPStatus.OK
) -> HttpResponse:
    if request.POST.get("at") == "home":
        return _at_home(request, refused, status)
    context = _context(request, refused)
    if not request.htmx:
        context["topics"] = live.DASHBOARD
        return render(request, "inbox/page.html", context, status=status)
    return render(request, "inbox/partials/items.html", context, status=status)
