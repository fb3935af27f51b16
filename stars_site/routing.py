"""The websockets. Only pages of this site may open them (origin), and the consumers want a session."""

from __future__ import annotations

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.urls import path

from groups.consumers import LiveConsumer
from stars_site.backpressure import telling_backpressure

websocket_urlpatterns = [path("ws/v1/live/", LiveConsumer.as_asgi())]

websockets = telling_backpressure(
    AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))
)
