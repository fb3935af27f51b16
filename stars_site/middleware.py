"""What every request meets: the Content-Security-Policy of its path, its language, a database that is away."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.deprecation import MiddlewareMixin

from groups.api import errors
from groups.services import profile
from groups.views.shell import Request, refusal
from state.errors import Unavailable

logger = logging.getLogger(__name__)


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """django-csp's middleware plus `settings.STARS_CSP_RELAXED`, keyed by the start of the path."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """The policy for this answer; the admin and the API's documentation get what they need on top."""
        parts = super().get_policy_parts(request, response, report_only)
        for prefix, extra in settings.STARS_CSP_RELAXED.items():
            if request.path_info.startswith(prefix):
                parts.update = {**(parts.update or {}), **extra}
        return parts


class LanguageMiddleware(LocaleMiddleware):
    """Django's middleware for pages; programs are answered in one language, whatever their machine speaks."""

    def process_request(self, request: HttpRequest) -> None:
        """Speak the language chosen in the menu, else the browser's; to programs English."""
        if request.path_info.startswith(errors.PREFIXES):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE
        else:
            super().process_request(request)


class PreferencesMiddleware(MiddlewareMixin):
    """What a person chose in the settings: the time zone at each page, the language once when they sign in, as if it
    had been chosen in the menu. Both wait in the session, so that no page has to ask for them."""

    def process_request(self, request: HttpRequest) -> None:
        """Write times as the person likes; to programs in the installation's zone."""
        programs = request.path_info.startswith(errors.PREFIXES)
        known = not programs and settings.SESSION_COOKIE_NAME in request.COOKIES
        try:
            zone = request.session.get("time_zone", "") if known else ""
        except (OperationalError, InterfaceError):
            zone = ""  # whichever view is asked says that the database is away
        timezone.deactivate()
        if zone:
            with suppress(ZoneInfoNotFoundError):  # this machine does not know it any more
                timezone.activate(ZoneInfo(zone))

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Speak the language of whoever has just signed in; remember the one that is chosen in the menu."""
        try:
            return self._language(request, response)
        except (OperationalError, InterfaceError) as error:
            # Here no view is asked any more, and Django would take it for an error of ours.
            return unavailable(request, error)

    def _language(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if request.path_info == reverse("set_language") and request.user.is_authenticated:
            chosen = response.cookies.get(settings.LANGUAGE_COOKIE_NAME)
            if chosen is not None:
                profile.change(actor=request.user, language=chosen.value)
        # A session that nobody changed is not read for it.
        elif request.session.modified and (language := request.session.pop("language", "")):
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                language,
                max_age=settings.LANGUAGE_COOKIE_AGE,
                secure=settings.LANGUAGE_COOKIE_SECURE,
                samesite="Lax",
            )
        return response


class UnavailableMiddleware(MiddlewareMixin):
    """Whatever view was asked: a database that does not answer is 503 and "try again", not an error of ours."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Refuse; None for every other exception."""
        if not isinstance(exception, OperationalError | InterfaceError):
            return None
        return unavailable(request, exception)


def unavailable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What is answered while the database is away, as API, page, fragment or script expect it."""
    logger.error("The database failed at %s", request.path, exc_info=exception)
    error = Unavailable()
    if request.path_info.startswith(errors.PREFIXES):
        answer: HttpResponse = errors.refusal(request, error)
    else:
        answer = refusal(cast(Request, request), error)
    answer["Retry-After"] = "1"
    return answer
