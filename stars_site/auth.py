"""How people come in and go out: password, one-time link, sign out. Programs use tokens (`groups.api`)."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from sesame.views import LoginView as SesameLoginView

#: Wrong passwords for one name from one address before it must wait, and how long, in seconds.
ATTEMPTS: Final = 10
WINDOW: Final = 300


class Login(LoginView):
    """Name and password; after too many wrong ones it waits."""

    template_name = "auth/login.html"
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Refuse to try further passwords (429) while the name and address are over the limit."""
        if cache.get(_counter(request), 0) >= ATTEMPTS:
            form = self.get_form_class()(request)
            context = self.get_context_data(form=form)
            context["refusal"] = _("Too many wrong passwords. Wait five minutes and try again.")
            return render(request, self.template_name, context, status=429)
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Count the wrong password."""
        key = _counter(self.request)
        cache.add(key, 0, WINDOW)
        try:
            cache.incr(key)
        except ValueError:
            # It expired in between: the count begins anew.
            cache.set(key, 1, WINDOW)
        return super().form_invalid(form)


class Link(SesameLoginView):
    """The link that `make up` prints: signs in once, within SESAME_MAX_AGE."""

    def login_failed(self) -> HttpResponse:
        """Say that the link is spent, and how to get in otherwise."""
        return render(self.request, "auth/link_spent.html", status=403)


def _counter(request: HttpRequest) -> str:
    """The cache key of this address and name; hashed, since a name may hold what a key may not."""
    name = request.POST.get("username", "").strip().lower()
    who = f"{request.META.get('REMOTE_ADDR', '')}|{name}"
    return "login:" + hashlib.sha256(who.encode("utf-8", "surrogatepass")).hexdigest()


urlpatterns = [
    path("login/", Login.as_view(), name="login"),
    path("login/link/", Link.as_view(), name="login_link"),
    path("logout/", LogoutView.as_view(), name="logout"),
]
