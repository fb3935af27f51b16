"""Where middleware of others is right but for a path: a looser Content-Security-Policy, and the API's language."""

from __future__ import annotations

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.utils import translation


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
        """Speak the language chosen in the menu, else the browser's; under `/api/` English."""
        if request.path_info.startswith("/api/"):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE
        else:
            super().process_request(request)
