"""`/metrics` for Prometheus: what this process counts, and gauges of store and database.

Scraped with `STARS_METRICS_TOKEN`, an administrator's API token or session; a store or database that is away leaves its
gauges out and says so, so that the rest can still be watched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from rest_framework.exceptions import AuthenticationFailed

from groups import selectors
from groups.api.authentication import TokenAuthentication
from state import conf
from state.errors import StarsError
from state.sync import exposition
from state.sync.metrics import counts


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics of this process as text, or as OpenMetrics to whoever asks for it; 401 and 403 otherwise."""
    if not _has_token(request):
        user = _user(request)
        if user is None:
            return HttpResponse(
                "Send the token of STARS_METRICS_TOKEN, or an administrator's: see docs/deploy.md.\n",
                content_type="text/plain; charset=utf-8",
                status=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        if not user.is_staff:
            raise PermissionDenied
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(_Everything()), content_type=content_type)


class _Everything(Collector):
    """All families, of the process itself (memory, open files …) too."""

    def collect(self) -> Iterable[Metric]:
        yield from REGISTRY.collect()
        yield from _if_up("stars_state_up", "Whether the store of states answered", _states)
        yield from _if_up("stars_database_up", "Whether the database answered", _rows)


def _if_up(name: str, text: str, families: Callable[[], Iterable[Metric]]) -> Iterator[Metric]:
    """These families, if whom they ask answers; and whether it did."""
    try:
        found = list(families())
    except (DatabaseError, InterfaceError, OSError, StarsError):
        found = None
    yield GaugeMetricFamily(name, text, found is not None)
    yield from found or ()


def _states() -> Iterator[Metric]:
    manager = conf.manager()
    yield from exposition.of_states(manager.get_metrics(), manager.counts)
    yield from exposition.of_spaces(manager.store.spaces())


def _rows() -> Iterator[Metric]:
    """Of what lies in the database whichever store has the states: sessions, sync tasks, runs."""
    yield from exposition.of_syncing(conf.sync_metrics(), counts)
    runs, subtasks = selectors.under_way()
    yield exposition.levels("stars_runs", "Runs that have not ended", "status", runs)
    yield exposition.levels("stars_subtasks", "Subtasks of them", "status", subtasks)


def _has_token(request: HttpRequest) -> bool:
    wanted: str = settings.STARS_METRICS_TOKEN
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return (
        bool(wanted) and scheme.lower() == "bearer" and constant_time_compare(given.strip(), wanted)
    )


def _user(request: HttpRequest) -> User | None:
    """Whose API token was sent, else who is signed in; a wrong token is not made good by a session."""
    if "Authorization" not in request.headers:
        return request.user if isinstance(request.user, User) else None
    try:
        found = TokenAuthentication().authenticate(request)
    except (AuthenticationFailed, StarsError):
        return None
    return found[0] if found else None
