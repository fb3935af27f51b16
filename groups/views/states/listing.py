"""The states of a space: the list with its filters, and making a new one."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django_htmx.http import replace_url

from groups.forms.states import CreateForm, FilterForm, beside_fields
from groups.views.shell import Request, attempt, goes_to, page
from groups.views.states.places import Place, enter
from state.refusals import NotPermitted
from state.values import ConflictStatus, Filters, StateType

#: States on one page of the list.
PAGE = 50
#: States that changed last, on the page of their group.
LATELY = 6
#: Open conflicts that are counted; past them the number ends with a plus.
COUNTED = 99


@page()
def states(request: Request, space: str) -> HttpResponse:
    """The states that the person may read, by id; `?after=` pages on, the other parameters are filters."""
    place = enter(request, space)
    # Without a parameter nothing is wrong with the form; with one that is no choice, nothing is found by it.
    form = FilterForm(request.GET)
    filters = form.filters if form.is_valid() else Filters()
    after = request.GET.get("after", "")
    before = place.stands()
    found = place.manager.list_states(
        place.caller, filters, limit=PAGE, after=after if after.isprintable() else ""
    )
    asked = request.GET.copy()
    asked.pop("after", None)
    context = place.context(
        form=form,
        states=found.states,
        narrowed=any(asked.values()),
        asked=asked.urlencode(),
        next=found.next,
        later=bool(after),
        conflicts=_open_conflicts(place),
        # Only the last of several changes shows in a list.
        follow=place.following(before, [each.id for each in found.states], "latest"),
    )
    if not request.htmx:
        return render(request, "states/list.html", context)
    answer = render(request, "states/partials/rows.html", context)
    if request.htmx.trigger == "state-filter":
        # What somebody looks for while typing is where the page is.
        kept = [(name, str(value)) for name, value in asked.items() if value]
        return replace_url(answer, f"{request.path}?{urlencode(kept)}" if kept else request.path)
    return answer


@page()
def entry(request: Request, space: str) -> HttpResponse:
    """The way from a group's page to its states, with the number of conflicts that wait."""
    place = enter(request, space)
    context = place.context(conflicts=_open_conflicts(place), counted=True)
    return render(request, "states/partials/entry.html", context)


@page()
def lately(request: Request, space: str) -> HttpResponse:
    """The states that changed last, as a fragment for the page of their group."""
    place = enter(request, space)
    found = place.manager.find_states({space: place.caller}, "", limit=LATELY)
    context = place.context(states=found)
    return render(request, "states/partials/lately.html", context)


@page("GET", "HEAD", "POST")
def new(request: Request, space: str) -> HttpResponse:
    """Make a state."""
    place = enter(request, space)
    if not place.can_create:
        raise NotPermitted
    form = CreateForm(request.POST or None, kinds=place.kinds)
    if request.method != "POST":
        return render(request, "states/new.html", place.context(form=form))

    def create() -> None:
        data = form.cleaned_data
        same = ("name", "type", "schema")
        names = {"id": "state_id", "data": "document", **{each: each for each in same}}
        with beside_fields(names):
            place.manager.create_state(
                place.caller,
                data["state_id"],
                data["name"],
                StateType(data["type"]),
                data=data["document"] or {},
                schema=data["schema"],
            )

    refused = attempt(form, create)
    if refused:
        return render(request, "states/new.html", place.context(form=form), status=refused)
    return goes_to(request, place.url("state", state_id=form.cleaned_data["state_id"]))


def _open_conflicts(place: Place) -> str:
    found = len(
        place.manager.conflicts(place.caller, status=ConflictStatus.OPEN, limit=COUNTED + 1)
    )
    return f"{COUNTED}+" if found > COUNTED else str(found or "")
