"""The ASGI application: HTTP to Django, websockets to Channels."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stars_site.settings")

# Before anything that imports models.
_http = get_asgi_application()

from stars_site import limits  # noqa: E402
from stars_site.backpressure import telling_backpressure  # noqa: E402
from stars_site.routing import websockets  # noqa: E402

limits.install()
application = ProtocolTypeRouter(
    {"http": limits.reading_bodies(telling_backpressure(_http)), "websocket": websockets}
)
