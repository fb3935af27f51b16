"""Writing a document by hand: only what was changed is written; what collides is shown with a choice per path."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages as notices
from django.core.exceptions import ValidationError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from groups.forms.states import DocumentForm, beside_fields, json_of, text_of
from groups.views.refusals import in_language_of_page, sentence
from groups.views.shell import Request, attempt, goes_to, json_body, page
from groups.views.states.choices import Choices, Side, choices_in, colliding, settled, sides
from groups.views.states.detail import of, shown
from groups.views.states.places import Place, enter
from state import jsonvalue, schema
from state.errors import Invalid
from state.manager import Base, WriteResult, WriteStatus
from state.refusals import Conflicting
from state.values import Json, Operation, OperationType, SharedState

#: What names of the manager stand beside the document.
_FIELDS = {"data": "document", "ops": "document", "": "document"}


class Collided(Exception):
    """Others have written since; `document` is what the person wants, seen from version `base`."""

    def __init__(
        self,
        error: Conflicting,
        base: int,
        document: dict[str, Json],
        choices: Choices | None = None,
    ) -> None:
        super().__init__(error.message)
        self.error, self.base, self.document, self.choices = error, base, document, choices


@page("POST", instead="state")
def edit(request: Request, space: str, state_id: str) -> HttpResponse:
    """Save what the person made of the document. What collides is shown again, and nothing of it is lost."""
    place = enter(request, space)
    before = place.stands()
    state = place.state(state_id, with_status=True)
    form = DocumentForm(request.POST)
    saved: list[WriteResult] = []

    def save() -> None:
        with beside_fields(_FIELDS):
            saved.append(_save(place, state, form.cleaned_data, choices_in(request.POST)))

    try:
        refused = attempt(form, save)
    except Collided as collision:
        return _ask(request, place, collision, state)
    if refused:
        follow = place.following(before, [state.id])
        context = shown(place, state, form, editing=True, follow=follow)
        return render(request, "states/detail.html", context, status=refused)
    _tell(request, saved[0])
    return goes_to(request, place.url("state", state_id=state.id))


@page("POST", instead="state")
def check(request: Request, space: str, state_id: str) -> HttpResponse:
    """What is wrong with a document that is being written, as JSON: where (a pointer, or line and column) and what."""
    place = enter(request, space)
    state = place.state(state_id)
    text = json_body(request).get("text", "")
    if not isinstance(text, str):
        raise Invalid
    try:
        document = json_of(text)
    except ValidationError as error:
        return JsonResponse({"faults": [{"path": None, "text": each} for each in error.messages]})
    faults = schema.violations(state.schema, document) if isinstance(document, dict) else []
    if not isinstance(document, dict):
        faults = [("", "The document is a JSON object.")]
    told = [{"path": path, "text": sentence(fault)} for path, fault in faults]
    return JsonResponse({"faults": told})


def _save(place: Place, state: SharedState, given: dict[str, Any], choices: Choices) -> WriteResult:
    base, document = given["version"], given["document"]
    before = place.manager.get_state(place.caller, state.id, version=base).data
    if given["head"] is not None:
        # The person has seen what collides: their choices are made for exactly that version.
        seen = place.manager.get_state(place.caller, state.id, version=given["head"])
        joined, decided = settled(before, seen.data, document, choices, seen)
        if not decided:
            raise Collided(Conflicting(), base, document, choices)
        base, before, document = seen.version, seen.data, joined
    ops = jsonvalue.diff(before, document)
    if not ops:
        return WriteResult(
            status=WriteStatus.UNCHANGED,
            state_id=state.id,
            uid=state.uid,
            version=state.version,
            revision=state.revision,
        )
    if len(ops) > place.manager.limits.ops_per_request:
        ops = (Operation(OperationType.SET, "", document),)
    at = Base(version=base, uid=given["uid"] or None)
    try:
        return place.manager.update_state(place.caller, state.id, ops, base=at)
    except Conflicting as error:
        raise Collided(error, base, document) from None


def _ask(request: Request, place: Place, collision: Collided, seen: SharedState) -> HttpResponse:
    """The page with the newest version, the person's text, and what collides side by side."""
    before = place.stands()
    state = place.state(seen.id, with_status=True)
    base = place.manager.get_state(place.caller, state.id, version=collision.base)
    same_life = base.uid == state.uid
    collisions: list[Side] = []
    if same_life:
        named = [each["path"] for each in collision.error.extra.get("causes", ())]
        blame = place.manager.blame(place.caller, state.id)
        mine, chosen = collision.document, collision.choices
        paths = colliding(base.data, state, mine, named)
        collisions = sides(paths, base.data, state, mine, blame=blame, choices=chosen)
    form = DocumentForm(
        initial={
            **of(state),
            "document": text_of(collision.document),
            "version": collision.base if same_life else state.version,
            "head": state.version if same_life else None,
        }
    )
    context = shown(
        place,
        state,
        form,
        editing=True,
        collided=in_language_of_page(collision.error).message,
        collisions=collisions,
        asked=collision.choices is not None,
        base_version=collision.base,
        follow=place.following(before, [state.id]),
    )
    return render(request, "states/detail.html", context, status=HTTPStatus.CONFLICT)


def _tell(request: Request, result: WriteResult) -> None:
    """How it ended, in a notice; what was overwritten or waits for somebody is never passed over."""
    version = {"n": result.version}
    paths = ", ".join(path or "/" for path in (result.conflict or {}).get("paths", ()))
    match result.status:
        case WriteStatus.UNCHANGED:
            notices.info(request, _("Nothing was changed."))
        case WriteStatus.QUEUED:
            notices.info(request, _("Queued; it will be applied in a moment."))
        case WriteStatus.PARKED:
            text = _(
                "This collides with what others wrote at %(paths)s; it waits in the conflicts."
            )
            notices.warning(request, text % {"paths": paths})
        case WriteStatus.MERGED:
            text = _("Saved as version %(n)s, joined with what others wrote meanwhile.")
            notices.success(request, text % version)
        case _ if (result.conflict or {}).get("overwrote"):
            text = _("Saved as version %(n)s; it replaced what others wrote at %(paths)s.")
            notices.warning(request, text % {**version, "paths": paths})
        case _:
            notices.success(request, _("Saved as version %(n)s.") % version)
