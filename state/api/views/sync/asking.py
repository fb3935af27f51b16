"""What the asynchronous views share: who asks, for what, and refusals in the form of all others.

DRF has no asynchronous views; these wait long, and must hold no thread meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Final, NamedTuple, TypeAlias, cast
from urllib.parse import urlencode

import msgspec
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_GET
from rest_framework.request import Request
from rest_framework.settings import api_settings

from state import conf
from state.api.base import AGENT
from state.api.queries import Query
from state.errors import Invalid, StarsError, Unavailable
from state.sync import filters
from state.sync.filters import Filter
from state.sync.protocol import MAX_PATTERNS
from state.sync.standing import Standing

View: TypeAlias = Callable[[HttpRequest, str], Coroutine[Any, Any, HttpResponseBase]]

#: What every address here knows besides its own.
PARAMETERS: Final = ("states", "mode", "agent")
MODES: Final = ("all", "latest")
ALL: Final = ("*",)
#: A token in a header: of an answer without a body.
TOKEN: Final = "Stars-Token"


class Wanted(NamedTuple):
    """Which states are asked for, and whether each change of them or only the latest."""

    states: Filter
    mode: str


def waiting(
    view: View,
) -> View:
    """A GET view of a space; what it raises is answered as DRF views answer it."""

    @require_GET
    @wraps(view)
    async def answer(request: HttpRequest, space: str) -> HttpResponseBase:
        if "\x00" in space:
            raise Http404
        try:
            return await view(request, space)
        except StarsError as error:
            return _refused(request, error)
        except (OperationalError, InterfaceError):
            return _refused(request, Unavailable())

    return answer


async def standing_of(request: HttpRequest, space: str) -> Standing:
    """Who asks; close it. Raises NotSignedIn, Invalid, and as `Directory.caller`."""
    pool = await conf.opened_sync_pool()
    headers = [
        (name.lower().encode(), value.encode("latin-1", "replace"))
        for name, value in request.headers.items()
    ]
    who = await pool.directory.identify(headers, request.session.session_key)
    agent = request.headers.get(AGENT, request.GET.get("agent"))
    if who is not None and agent is not None and not (agent and agent.isprintable()):
        raise Invalid(fields={AGENT: ["This must be the id of an agent."]})
    standing = Standing(pool, who, space, agent or "")
    await standing.begin()
    return standing


def query_of(request: HttpRequest, *known: str) -> Query:
    """The parameters: those of all addresses here, and `known`. Raises Invalid."""
    return Query(Request(request), *PARAMETERS, *known)


def wanted_of(query: Query, otherwise: tuple[str, ...] = ALL) -> Wanted:
    """Which states; without `states`, `otherwise`. Raises BadPattern, Invalid."""
    mode = query.text("mode") or MODES[0]
    if mode not in MODES:
        raise Invalid(fields={"mode": [f"This must be one of {', '.join(MODES)}."]})
    text = query.text("states")
    patterns = otherwise if text is None else text.split(",")
    if len(patterns) > MAX_PATTERNS:
        raise Invalid(fields={"states": [f"This may name {MAX_PATTERNS} states or prefixes."]})
    return Wanted(filters.filter_of(patterns), mode)


def where(request: HttpRequest, name: str, space: str, wanted: Wanted) -> str:
    """The full address at which the same is asked for."""
    agent = request.headers.get(AGENT, request.GET.get("agent"))
    asked = {"states": ",".join(wanted.states.patterns), "mode": wanted.mode}
    if agent:
        asked["agent"] = agent
    return request.build_absolute_uri(
        f"{reverse(f'states:{name}', args=[space])}?{urlencode(asked)}"
    )


def _refused(request: HttpRequest, error: StarsError) -> HttpResponse:
    handle = cast(Callable[..., Any], api_settings.EXCEPTION_HANDLER)
    found = handle(error, {"request": request, "view": None, "args": (), "kwargs": {}})
    assert found is not None  # it knows all of ours
    answer = HttpResponse(
        msgspec.json.encode(found.data), status=found.status_code, content_type=found.content_type
    )
    if "Retry-After" in found.headers:
        answer["Retry-After"] = found.headers["Retry-After"]
    if error.status == 401:
        answer["WWW-Authenticate"] = "Token"
    return answer
