"""Database connections of the bus's own threads, which no request opens and closes."""

from __future__ import annotations

from django.conf import settings
from django.db import close_old_connections, connections


def fresh_connections() -> None:
    """Close connections that broke or outlived their age, so that a handler does not meet them."""
    if settings.configured:
        close_old_connections()


def no_connections() -> None:
    """Close this thread's connections, at its end."""
    if settings.configured:
        connections.close_all()
