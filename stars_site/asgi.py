"""The ASGI application: HTTP to Django, websockets to Channels."""

from __future__ import annotations

import os
from importlib import import_module

import django
from channels.routing import ProtocolTypeRouter

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stars_site.settings")

# Before anything that imports models.
django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402

from stars_site import draining, limits, logs, pulse, websocket  # noqa: E402
from stars_site.backpressure import telling_backpressure  # noqa: E402
from stars_site.handler import Handler  # noqa: E402
from stars_site.routing import websockets  # noqa: E402
from state import structs  # noqa: E402

# All that requests will need is loaded and learnt before the first one comes.
import_module(settings.ROOT_URLCONF)
structs.learn()
limits.install()
draining.install()
logs.install()
websocket.install()
pulse.install()
application = ProtocolTypeRouter(
    {
        "http": limits.reading_bodies(telling_backpressure(Handler())),
        "websocket": websockets,
        "lifespan": pulse.lifespan,
    }
)
