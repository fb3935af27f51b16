"""A person's own settings: profile, password, language and looks, access. API tokens have a view of their own."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages as notices
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _

from groups import people
from groups.forms.profile import DisplayForm, ProfileForm
from groups.services import guesses
from groups.services import profile as service
from groups.views.shell import Request, attempt, goes_to, page


@page("GET", "HEAD", "POST")
def profile(request: Request) -> HttpResponse:
    """Name and address."""
    known = service.of(request.user)
    initial = {"name": known.name, "email": known.email}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=initial)
    status = HTTPStatus.OK
    if request.method == "POST":
        refused = attempt(form, lambda: service.change(actor=request.user, **form.cleaned_data))
        if not refused:
            return _saved(request, "groups:preferences")
        status = refused
    return render(request, "settings/profile.html", {"form": form}, status=status)


@page("GET", "HEAD", "POST")
def password(request: Request) -> HttpResponse:
    """Another password, by the one that is known; wrong ones are counted like those of signing in."""
    form = PasswordChangeForm(request.user, request.POST if request.method == "POST" else None)
    form.label_suffix = ""
    status = HTTPStatus.OK
    name = request.user.get_username()
    if request.method == "POST":
        if guesses.are_too_many(request, name):
            form = PasswordChangeForm(request.user)
            late = {"form": form, "refusal": _("Too many wrong passwords. Wait five minutes.")}
            return render(request, "settings/password.html", late, status=429)
        given = request.POST

        def put() -> None:
            service.change_password(
                actor=request.user, old=given["old_password"], new=given["new_password1"]
            )

        refused = attempt(form, put)
        if not refused:
            update_session_auth_hash(request, request.user)
            guesses.forget(request, name)
            return _saved(request, "groups:password")
        if "old_password" in form.errors:
            guesses.count(request, name)
        status = refused
    return render(request, "settings/password.html", {"form": form}, status=status)


@page("GET", "HEAD", "POST")
def display(request: Request) -> HttpResponse:
    """Language and time zone, which go where the person signs in; colours and shortcuts, which stay in a browser."""
    known = service.of(request.user)
    initial = {"language": known.language, "time_zone": known.time_zone}
    form = DisplayForm(request.POST if request.method == "POST" else None, initial=initial)
    status = HTTPStatus.OK
    if request.method == "POST":
        refused = attempt(form, lambda: service.change(actor=request.user, **form.cleaned_data))
        if not refused:
            request.session["time_zone"] = form.cleaned_data["time_zone"]
            if language := form.cleaned_data["language"]:
                request.session["language"] = language
                translation.activate(language)
            return _saved(request, "groups:display")
        status = refused
    return render(request, "settings/display.html", {"form": form}, status=status)


@page()
def access(request: Request) -> HttpResponse:
    """Which groups the person may see and why; for administrators everybody's, or with `?person=` somebody's."""
    context: dict[str, Any] = {"mine": people.groups_of(request.user)}
    if request.user.is_superuser:
        named = request.GET.get("person", "")
        somebody = people.named(named) if named.isprintable() else None
        number = request.GET.get("page", "1")
        at = int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 1
        context |= {
            "people": people.page(request.GET.get("q", ""), at),
            "query": request.GET.get("q", ""),
            "person": somebody,
            "theirs": people.groups_of(somebody) if somebody else (),
        }
    return render(request, "settings/access.html", context)


def _saved(request: Request, to: str) -> HttpResponse:
    notices.success(request, _("Saved."))
    return goes_to(request, to)
