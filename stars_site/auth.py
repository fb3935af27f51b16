"""How people come in and go out: password, one-time link, sign out. Programs use tokens (`groups.api`)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from sesame.views import LoginView as SesameLoginView

from groups.services import guesses, profile


class Patience:
    """The first authentication backend: tries no password for those who must wait, at whichever door they ask."""

    def authenticate(
        self, request: HttpRequest | None, username: str = "", password: str = ""
    ) -> None:
        """Leave it to the next backend. Raises PermissionDenied, which ends the attempt."""
        if request is not None and guesses.are_too_many(request, username):
            raise PermissionDenied


@receiver(user_login_failed, dispatch_uid="guesses.count")
def _count(credentials: dict[str, Any], request: HttpRequest | None = None, **more: object) -> None:
    if request is not None and "username" in credentials:
        guesses.count(request, credentials["username"])


@receiver(user_logged_in, dispatch_uid="guesses.forget")
def _forget(request: HttpRequest | None, user: User, **more: object) -> None:
    if request is not None:
        guesses.forget(request, user.get_username())


@receiver(user_logged_in, dispatch_uid="preferences.bring")
def _bring(request: HttpRequest | None, user: User, **more: object) -> None:
    if request is not None:
        liked = profile.of(user)
        request.session["time_zone"] = liked.time_zone
        if liked.language:
            request.session["language"] = liked.language


class Login(LoginView):
    """Name and password; after too many wrong ones it waits."""

    template_name = "auth/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse to try further passwords (429) while the name and address are over the limit."""
        if guesses.are_too_many(request, request.POST.get("username", "")):
            form = self.get_form_class()(request)
            context = self.get_context_data(form=form)
            context["refusal"] = _("Too many wrong passwords. Wait five minutes and try again.")
            answer = render(request, self.template_name, context, status=429)
            answer["Retry-After"] = str(guesses.WINDOW)
            return answer
        tried: HttpResponse = super().post(request, *args, **kwargs)
        return tried


class Link(SesameLoginView):
    """The link that `make up` prints: signs in once, within SESAME_MAX_AGE."""

    def login_failed(self) -> HttpResponse:
        """Say that the link is spent, and how to get in otherwise."""
        return render(self.request, "auth/link_spent.html", status=403)


urlpatterns = [
    path("login/", Login.as_view(), name="login"),
    path("login/link/", Link.as_view(), name="login_link"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
