"""The ASGI application: HTTP to Django, websockets to Channels."""

from __future__ import annotations

import os

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stars_site.settings")

# Before anything that imports models.
django.setup(set_prefix=False)

from stars_site import draining, limits, logs, pulse, websocket  # noqa: E402
from stars_site.backpressure import telling_backpressure  # noqa: E402
from stars_site.handler import Handler  # noqa: E402
from stars_site.routing import websockets  # noqa: E402

limits.install()
draining.install()
logs.install()
websocket.install()
pulse.install()
application = ProtocolTypeRouter(
    {"http": limits.reading_bodies(telling_backpressure(Handler())), "websocket": websockets}
)
