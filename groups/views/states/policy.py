"""Everything about a state but its data: who may do what, and what happens to conflicting writes."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from groups.forms.states import LISTS, PolicyForm, beside_fields, initial_policy
from groups.views.shell import Request, attempt, goes_to, page
from groups.views.states.places import enter
from state.manager import Base

#: What the manager calls the fields.
_FIELDS = {
    **{name: name for name in PolicyForm.base_fields},
    **{f"access_policy.{name}": name for name in LISTS},
}


@page("GET", "HEAD", "POST")
def policy(request: Request, space: str, state_id: str) -> HttpResponse:
    """GET: the settings, to be read by whoever may read the state. POST: change them; for its admins."""
    place = enter(request, space)
    state = place.state(state_id)
    initial = {**initial_policy(state), "version": state.version}
    form = PolicyForm(request.POST or None, initial=initial)
    status = HTTPStatus.OK
    if request.method == "POST":

        def save() -> None:
            base = Base(version=form.cleaned_data["version"], uid=state.uid)
            with beside_fields(_FIELDS):
                place.manager.configure(place.caller, state.id, form.changes, base=base)

        refused = attempt(form, save)
        if not refused:
            notices.success(request, _("Saved."))
            return goes_to(request, place.url("state_policy", state_id=state.id))
        status = refused
    context = place.about(state, here="policy", form=form, head=state.version)
    return render(request, "states/policy.html", context, status=status)
