"""The inbox of conflicts that wait for somebody, and settling one side by side."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from groups.forms.states import SettleForm, beside_fields, text_of
from groups.views.shell import Request, attempt, goes_to, page
from groups.views.states.choices import Choices, Side, choices_in, settled, sides
from groups.views.states.places import Place, enter
from state.errors import Invalid
from state.manager import Answer
from state.refusals import StateNotFound
from state.values import ConflictRecord, ConflictStatus, SharedState

#: Conflicts on the page.
SHOWN = 100


@page()
def conflicts(request: Request, space: str) -> HttpResponse:
    """Conflicts of readable states, newest first: the open ones, or (`?all=1`) all; `?state=` of one."""
    place = enter(request, space)
    every = bool(request.GET.get("all"))
    wanted = request.GET.get("state", "")
    found = place.manager.conflicts(
        place.caller,
        status=None if every else ConflictStatus.OPEN,
        state_id=wanted if wanted and wanted.isprintable() else None,
        limit=SHOWN,
    )
    context = place.context(conflicts=found, every=every, wanted=wanted, shown=SHOWN)
    template = "states/partials/inbox.html" if request.htmx else "states/conflicts.html"
    return render(request, template, context)


@page("GET", "HEAD", "POST")
def conflict(request: Request, space: str, conflict_id: str) -> HttpResponse:
    """GET: base, present and incoming document side by side. POST: preview a settlement, settle, or drop the write."""
    place = enter(request, space)
    record = place.manager.conflict(place.caller, conflict_id if conflict_id.isprintable() else "")
    if request.method != "POST":
        return _page(request, place, record)
    form, do = SettleForm(request.POST), request.POST.get("do", "")
    choices = choices_in(request.POST, record.paths)
    if do == "preview":
        return _page(request, place, record, choices=choices, preview=True)
    if do == "picks" and choices.faults:
        return _page(request, place, record, choices=choices, status=HTTPStatus.BAD_REQUEST)

    def settle() -> None:
        answer, head = _answer(do, form, choices), form.cleaned_data["head"]
        with beside_fields({"data": "document"}):
            place.manager.resolve_conflict(
                place.caller, record.conflict_id, answer, expected_head=head
            )

    refused = attempt(form, settle)
    if refused:
        return _page(request, place, record, form=form, choices=choices, status=refused)
    dropped = do == "dismiss"
    notices.success(
        request, _("The write is dropped.") if dropped else _("The conflict is settled.")
    )
    return goes_to(request, place.url("conflicts"))


@page()
def standing(request: Request, space: str, conflict_id: str) -> HttpResponse:
    """For a conflict's page that heard a poke: how it stands now; `?head=` is the version that the page shows."""
    place = enter(request, space)
    record = place.manager.conflict(place.caller, conflict_id if conflict_id.isprintable() else "")
    shown = request.GET.get("head", "")
    context = place.context(record=record, shown_head=shown, **_now(place, record))
    return render(request, "states/partials/standing.html", context)


def _answer(do: str, form: SettleForm, choices: Choices) -> Answer:
    match do:
        case "dismiss":
            return Answer(dismiss=True)
        case "picks":
            return Answer(picks=choices.picks, values=choices.values)
        case "value":
            return Answer(value=form.cleaned_data["document"] or {})
    raise Invalid


def _now(place: Place, record: ConflictRecord) -> dict[str, Any]:
    """How the conflict stands at this moment, and the state that it is about."""
    state = _state(place, record)
    is_open = record.status is ConflictStatus.OPEN
    return {
        "state": state,
        "is_open": is_open,
        "can_settle": is_open and place.manager.may_resolve(place.caller, record),
        "can_choose": state is not None and state.uid == record.uid,
    }


def _page(
    request: Request,
    place: Place,
    record: ConflictRecord,
    *,
    form: SettleForm | None = None,
    choices: Choices | None = None,
    preview: bool = False,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """The conflict with what stands now: whoever was refused because the state moved on chooses anew."""
    record = place.manager.conflict(place.caller, record.conflict_id)
    now = _now(place, record)
    state: SharedState | None = now["state"]
    chosen = choices or Choices()
    collisions: list[Side] = []
    document = ""
    if state is not None and now["can_choose"]:
        blame = place.manager.blame(place.caller, state.id)
        base, mine = record.base or {}, record.incoming
        collisions = sides(record.paths, base, state, mine, blame=blame, choices=chosen)
        document = text_of(settled(base, state.data, mine, chosen, state)[0])
    sent = form["document"].value() if form is not None else ""
    fresh = SettleForm(
        initial={"head": state.version if state else None, "document": sent or document}
    )
    context = place.context(
        record=record,
        collisions=collisions,
        form=fresh,
        errors=[] if form is None else _sentences(form),
        preview=document if preview else "",
        undecided=[path for path in record.paths if path not in chosen.paths],
        editing=bool(sent),
        shown_head=str(state.version) if state else "",
        **now,
    )
    return render(request, "states/conflict.html", context, status=status)


def _sentences(form: SettleForm) -> list[str]:
    return [str(each) for errors in form.errors.values() for each in errors]


def _state(place: Place, record: ConflictRecord) -> SharedState | None:
    try:
        return place.state(record.state_id)
    except StateNotFound:
        return None
