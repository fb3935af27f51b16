"""Django's ASGI handler, and two things more: the database connections of a request end with it, and requests that
wait hold no thread meanwhile."""

from __future__ import annotations

import re
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.exception import convert_exception_to_response
from django.db import connections
from django.utils.module_loading import import_string

#: Addresses whose views wait or stream, all of them asynchronous.
WAITING: Final = re.compile(
    r"/api/v1/(spaces/[^/]+/(changes|changes/stream|snapshot)|runs/[^/]+/events/stream)"
    r"|/a2a/.*|/mcp|/v1/.*|/agui/.*"
)


class _Handler(ASGIHandler):
    """A connection that CONN_MAX_AGE keeps for a thread's next request would wait there for the garbage collector."""

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        """See ASGIHandler."""
        try:
            await super().handle(scope, receive, send)
        finally:
            await sync_to_async(connections.close_all)()


class _Waiting(_Handler):
    """Serves all its requests without threads of their own.

    Synchronous middleware would hold one per request as long as the view takes, so there is none (WhiteNoise, which
    serves files at other addresses); of the others each runs for a moment in one thread that all share.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        """See BaseHandler."""
        super().load_middleware(is_async)
        handler: Any = self  # whose stubs leave out what is for subclasses
        chain: Any = convert_exception_to_response(handler._get_response_async)
        for middleware in map(import_string, reversed(settings.MIDDLEWARE)):
            if getattr(middleware, "async_capable", False):
                chain = convert_exception_to_response(middleware(chain))
        self._middleware_chain = chain

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See ASGIHandler, which makes a thread here."""
        await self.handle(scope, receive, send)


class Handler(_Handler):
    """Serves each request in a thread of its own, as Django does, but for those that wait."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = _Waiting()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See ASGIHandler."""
        waits = scope["type"] == "http" and WAITING.fullmatch(scope["path"])
        await (self._waiting if waits else super().__call__)(scope, receive, send)
