"""Loosens the Content-Security-Policy for the pages of installed packages, and for nothing else."""

from __future__ import annotations

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase


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
