"""Django's ASGI handler, and one thing more: a request's database connections end with it."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections


class Handler(ASGIHandler):
    """Serves each request in a thread of its own, as Django does.

    A connection that CONN_MAX_AGE keeps for that thread's next request would wait there for the garbage collector.
    """

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """See ASGIHandler."""
        try:
            await super().handle(scope, receive, send)
        finally:
            await sync_to_async(connections.close_all)()
