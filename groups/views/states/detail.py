"""One state: its page, the parts of it that live pages fetch again, and the buttons in its head."""

from __future__ import annotations

from typing import Any

import msgspec
from django.contrib import messages as notices
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from groups.forms.states import DocumentForm, VersionForm, text_of
from groups.views.shell import Request, goes_to, page
from groups.views.states.places import Place, enter
from state.errors import Invalid
from state.manager import Base
from state.values import SharedState


@page()
def detail(request: Request, space: str, state_id: str) -> HttpResponse:
    """The state as it stands: document, facts, editor."""
    place = enter(request, space)
    before = place.stands()
    state = place.state(state_id, with_status=True)
    context = shown(place, state, DocumentForm(initial=of(state)))
    context["follow"] = place.following(before, [state.id])
    return render(request, "states/detail.html", context)


@page()
def head(request: Request, space: str, state_id: str) -> HttpResponse:
    """The head alone, for a page that heard a poke."""
    place = enter(request, space)
    state = place.state(state_id, with_status=True)
    return render(
        request, "states/partials/head.html", shown(place, state, None) | {"here": "state"}
    )


@page()
def data(request: Request, space: str, state_id: str) -> HttpResponse:
    """The document with who wrote what, as JSON; 204 when `?seen=` names what the page shows already."""
    place = enter(request, space)
    state = place.state(state_id, with_status=True)
    if request.GET.get("seen") == _mark(state):
        return HttpResponse(status=204)
    blame = place.manager.blame(place.caller, state.id)
    answer: dict[str, Any] = {
        "seen": _mark(state),
        "version": state.version,
        "uid": state.uid,
        "text": text_of(state.data),
        "by": _writer(place, state),
        "blame": msgspec.to_builtins(blame),
    }
    return JsonResponse(answer)


@page("POST", instead="state")
def freeze(request: Request, space: str, state_id: str) -> HttpResponse:
    """Freeze the state, or (`frozen=0`) let it be written again."""
    place = enter(request, space)
    frozen = request.POST.get("frozen") != "0"
    place.manager.freeze(place.caller, place.state(state_id).id, frozen=frozen)
    return goes_to(request, place.url("state", state_id=state_id))


@page("POST", instead="state")
def remove(request: Request, space: str, state_id: str) -> HttpResponse:
    """Delete the state, if it is still at the version that the person saw; its history stays for a while."""
    place = enter(request, space)
    state = place.state(state_id)
    form = VersionForm(request.POST)
    if not form.is_valid():
        raise Invalid
    base = Base(version=form.cleaned_data["head"], uid=state.uid)
    place.manager.delete_state(place.caller, state.id, base=base)
    notices.success(request, _("The state %(id)s is deleted.") % {"id": state.id})
    return goes_to(request, place.url("states"))


def of(state: SharedState) -> dict[str, object]:
    """What the editor begins with."""
    return {"document": text_of(state.data), "version": state.version, "uid": state.uid}


def shown(
    place: Place, state: SharedState, form: DocumentForm | None, **more: Any
) -> dict[str, Any]:
    """The context of the state's page."""
    by = _writer(place, state)
    text = text_of(state.data)
    return place.about(state, form=form, by=by, text=text, seen=_mark(state), here="state", **more)


def _writer(place: Place, state: SharedState) -> str:
    """Who made the present version; nobody when history no longer tells."""
    found = place.manager.history(place.caller, state.id, limit=1)
    return found[0].agent if found else ""


def _mark(state: SharedState) -> str:
    return f"{state.uid}-{state.version}-{state.sync_status}-{len(state.pending_ops)}"
