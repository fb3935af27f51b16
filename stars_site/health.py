"""Answers for machines that watch the service: is the process up, can it do its work."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from state import conf
from state.errors import StarsError

PROBE_SECONDS: Final = 2.0

#: This process has seen all its migrations applied.
_migrated: Final = Event()


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers; asks nobody else."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database, migrations, broker and states are as they must be, else 503 and the name of what is wrong."""
    checks = {name: _state(check) for name, check in CHECKS.items()}
    ready = all(state == "ok" for state in checks.values())
    return JsonResponse(
        {"status": "ready" if ready else "unavailable", "checks": checks},
        status=200 if ready else 503,
    )


def _state(check: Callable[[], str]) -> str:
    try:
        return check()
    except (DatabaseError, OSError, StarsError):
        # The message may hold host names and users; it is not for anonymous eyes.
        return "unreachable"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _migrations() -> str:
    """Looks until they are all applied, and not again: it takes some 50 ms, and anybody may ask."""
    if not _migrated.is_set():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "pending"
        _migrated.set()
    return "ok"


def _broker() -> str:
    """The in-memory broker is part of the process; Redis, which also carries the hub, is asked."""
    if not settings.REDIS_URL:
        return "ok"
    # Loaded only where there is a Redis: it takes a noticeable part of the start.
    import redis

    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=PROBE_SECONDS, socket_connect_timeout=PROBE_SECONDS
    )
    try:
        client.ping()
    except redis.RedisError:
        return "unreachable"
    finally:
        client.close()
    return "ok"


def _states() -> str:
    """The store of shared states, where it is not the database."""
    if settings.STARS_STATES["type"] != "database":
        conf.manager().store.spaces()
    return "ok"


CHECKS: Final[dict[str, Callable[[], str]]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
    "states": _states,
}
