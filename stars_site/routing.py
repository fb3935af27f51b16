"""The websockets. Only pages of this site may open them (origin), and the consumers want a session."""

from __future__ import annotations

from typing import Any, cast

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from django.urls import path

from groups.consumers import DialInConsumer, LiveConsumer
from stars_site.backpressure import telling_backpressure
from stars_site.inlet import bounding_inlets
from stars_site.origin import SiteOriginValidator
from state.consumers import SyncConsumer

# Django's and Channels' types of routes and applications do not know each other.
routes: list[Any] = [
    path("ws/v1/live/", cast(Any, LiveConsumer.as_asgi())),
    path("ws/v1/agents/<str:agent_id>/", cast(Any, DialInConsumer.as_asgi())),
    path("ws/v1/spaces/<str:space>/sync", cast(Any, SyncConsumer.as_asgi())),
]

_application = cast(Any, SiteOriginValidator(AuthMiddlewareStack(URLRouter(routes))))
websockets = telling_backpressure(bounding_inlets(_application))
