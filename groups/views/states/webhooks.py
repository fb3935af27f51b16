"""The form by which people add a webhook to a space."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from django.utils.translation import gettext as _

from groups.forms.states import beside_fields
from groups.forms.sync import WebhookForm
from groups.selectors import members_of
from groups.views.shell import Request, attempt
from groups.views.states.places import Place
from state import conf
from state.sync.connecting import Connected

_FIELDS: Final = {"agent": "agent", "name": "name", "address": "address", "states": "states"}


def form_of(place: Place, *args: Any) -> WebhookForm:
    """With the members of the group, and whoever looks, to choose from."""
    known = [] if place.group is None else list(members_of(place.group))
    agents = [(each.agent.agent_id, each.agent.agent_id) for each in known]
    return WebhookForm(*args, known=[*agents, ("", _("yourself"))])


def make(request: Request, place: Place) -> tuple[WebhookForm, Connected | None, HTTPStatus | None]:
    """What was sent, the webhook that was made of it with its secret, or the status of the refusal that stands beside
    the form's fields. Raises NotAllowed."""
    form = form_of(place, request.POST)
    made: Connected | None = None

    def create() -> None:
        nonlocal made
        given = form.cleaned_data
        agent = given["agent"]
        caller = place.caller
        if agent:
            caller = conf.directory().caller(request.user, place.space, agent=agent)
        with beside_fields(_FIELDS):
            made = conf.sync_manager().connect_agent(
                caller,
                agent,
                given["name"],
                given["address"].strip(),
                states=form.patterns,
                user_id=request.user.pk,
            )

    refused = attempt(form, create)
    return form, made, refused
