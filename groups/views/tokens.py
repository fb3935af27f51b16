"""The person's API tokens: made, shown once, listed, revoked."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages as notices
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from groups.access import visible_groups
from groups.forms.tokens import SCOPE_WORDS, TokenForm
from groups.services import tokens as service
from groups.views.shell import Request, attempt, goes_to, page
from state import conf, pace


@page("GET", "HEAD", "POST")
def tokens(request: Request) -> HttpResponse:
    """All tokens; POST makes one and shows its text, this once."""
    groups = visible_groups(request.user).order_by("name", "id")
    form = TokenForm(request.POST or None, groups=groups)
    if request.method != "POST":
        return _shown(request, form)
    made: list[str] = []

    def make() -> None:
        pace.check(conf.manager().limits, request.user.pk, "")
        _token, text = service.make(actor=request.user, **form.cleaned_data)
        made.append(text)

    refused = attempt(form, make)
    if refused:
        return _shown(request, form, status=refused)
    return _shown(request, TokenForm(groups=groups), text=made[0])


@page("POST")
def revoke(request: Request, token_id: str) -> HttpResponse:
    """Make one of them worthless."""
    service.revoke_of(actor=request.user, token_id=token_id)
    notices.success(request, _("The token is revoked."))
    return goes_to(request, "groups:tokens")


def _shown(
    request: Request, form: TokenForm, *, text: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    rows = []
    for token in service.tokens_of(actor=request.user):
        grant = service.grant_beside(token)
        words = (
            [SCOPE_WORDS[scope] for scope in grant.scopes if scope in SCOPE_WORDS] if grant else []
        )
        rows.append({"id": service.id_of(token), "token": token, "grant": grant, "words": words})
    context = {"form": form, "rows": rows, "text": text}
    answer = render(request, "auth/tokens.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer
