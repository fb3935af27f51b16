"""The ASGI application of the live benchmark: Stars as it is, and beside it what Channels' own groups would do."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stars_site.settings")
settings.CHANNEL_LAYERS = {
    "bench": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [settings.REDIS_URL]},
    }
}

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402

from stars_site.asgi import application as stars  # noqa: E402


class LayerConsumer(AsyncWebsocketConsumer):
    """Forwards what is sent to the group; no login, no database, no continuity."""

    channel_layer_alias = "bench"
    groups = ["bench"]  # noqa: RUF012

    async def event(self, message: dict[str, Any]) -> None:
        await self.send(text_data=message["text"])


_layer = LayerConsumer.as_asgi()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """`/layer/` is the group's, everything else is Stars'."""
    await (_layer if scope["path"] == "/layer/" else stars)(scope, receive, send)
