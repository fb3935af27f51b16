"""Which pages may open websockets."""

from __future__ import annotations

from typing import Any

from channels.security.websocket import OriginValidator
from django.conf import settings


class SiteOriginValidator(OriginValidator):
    """Pages of ALLOWED_HOSTS, and clients that are no pages: browsers always send an Origin (RFC 6455, 10.2).

    So a foreign page cannot use a visitor's session, and a script with a token need not invent one.
    """

    def __init__(self, application: Any) -> None:
        super().__init__(application, settings.ALLOWED_HOSTS)

    def valid_origin(self, parsed_origin: Any) -> bool:
        """Whether the connection may go on; None when there is no Origin."""
        return parsed_origin is None or bool(super().valid_origin(parsed_origin))
