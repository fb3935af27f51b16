"""Everything about a state but its data: who may do what, and what happens to conflicting writes."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages as notices
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from groups.forms.states import (
    LISTS,
    PolicyForm,
    TrialForm,
    beside_fields,
    initial_policy,
    text_of,
)
from groups.forms.words import STRATEGIES, principal
from groups.views.shell import Request, attempt, goes_to, json_body, page
from groups.views.states.places import enter
from state import conflicts
from state.errors import Invalid
from state.manager import Base
from state.values import Json

#: What the manager calls the fields.
_FIELDS = {
    **{name: name for name in PolicyForm.base_fields},
    **{f"access_policy.{name}": name for name in LISTS},
}


#: Characters of a document that is a sample itself.
SAMPLE = 2_000


@page("POST", instead="state_policy")
def trial(request: Request, space: str, state_id: str) -> HttpResponse:
    """What would become of two writes that meet under the settings of the form, as JSON; nothing is written."""
    place = enter(request, space)
    state = place.state(state_id)
    sent = json_body(request)
    form, sample = PolicyForm(sent), TrialForm(sent)
    if not (form.is_valid() and sample.is_valid()):
        errors = {**form.errors, **sample.errors}
        fields = {name: [str(each) for each in found] for name, found in errors.items()}
        raise Invalid(fields=fields)
    documents = {name: sample.cleaned_data[name] or {} for name in ("base", "first", "second")}
    with beside_fields(_FIELDS):
        decision = place.manager.rehearse(place.caller, state.id, form.changes, **documents)
    return JsonResponse(_told(decision, documents["first"]))


def _sample(data: dict[str, Json]) -> dict[str, str]:
    """Two writes to try: both change the same value of the document, each in its own way, and the second adds another.
    Of a long document, or one without such a value, there is another one in its place."""
    found = next((key for key, value in data.items() if isinstance(value, str)), None)
    if found is None or len(text_of(data)) > SAMPLE:
        data, found = {"title": "Spring", "visits": 3, "crew": ["wim"]}, "title"
    mine, theirs = pgettext("in a sample", "first"), pgettext("in a sample", "second")
    first = {**data, found: f"{data[found]}, {mine}"}
    second = {**data, found: f"{data[found]}, {theirs}"}
    for key, value in data.items():
        if isinstance(value, int) and not isinstance(value, bool) and value < SAMPLE:
            first[key], second[key] = value + 1, value + 2
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            first[key], second[key] = [*value, mine], [*value, theirs]
    return {"base": text_of(data), "first": text_of(first), "second": text_of(second)}


def _told(decision: conflicts.Decision, standing: dict[str, Json]) -> dict[str, Any]:
    """How it would end: a word, a sentence, and the document that stands then."""
    match decision:
        case conflicts.Apply(overwrote=lost) if lost:
            outcome, words = (
                "replaced",
                _("The second write wins; what it replaced is kept in the history."),
            )
        case conflicts.Apply(merged=True):
            outcome, words = "joined", _("Both are joined; neither writer notices.")
        case conflicts.Apply():
            outcome, words = "applied", _("The two do not touch; both stand.")
        case conflicts.Park(resolver=asked):
            outcome, words = "parked", _("The second write is set aside until somebody decides.")
            if asked:
                words = _("The second write is set aside until %(who)s decides.") % {
                    "who": principal(asked)
                }
        case conflicts.Refuse():
            outcome, words = "refused", _("The second write is refused; its writer is told why.")
        case _:
            outcome, words = "unchanged", _("What the first wrote stays as it is.")
    after = decision.data if isinstance(decision, conflicts.Apply) else standing
    found = getattr(decision, "conflict", None)
    paths = sorted({cause.path for cause in found.causes}) if found else []
    return {"outcome": outcome, "words": words, "text": text_of(after), "paths": paths}


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
    context = place.about(
        state,
        here="policy",
        form=form,
        head=state.version,
        trial=TrialForm(initial=_sample(state.data)),
        strategies=STRATEGIES,
    )
    return render(request, "states/policy.html", context, status=status)
