"""How fast requests may write."""

from __future__ import annotations

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from state import conf, pace


class WriteThrottle(BaseThrottle):
    """Limits.writes_per_second and writes_burst, for each user and each agent it acts for."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """True. Raises TooFast."""
        if request.method not in SAFE_METHODS:
            agent = request.headers.get("Stars-Agent", "").removeprefix("agent:")
            pace.check(conf.manager().limits, request.user.pk, agent)
        return True
