"""The websockets. Only pages of this site may open them (origin), and the consumers want a session."""

from __future__ import annotations

from importlib.util import find_spec

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import URLPattern, path

websocket_urlpatterns: list[URLPattern] = []
if find_spec("groups.consumers"):
    from groups.consumers import LiveConsumer

    websocket_urlpatterns += [path("ws/v1/live/", LiveConsumer.as_asgi())]  # type: ignore[arg-type]

websockets = AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))
