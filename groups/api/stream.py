"""A run's log as server-sent events (HTML, 9.2), the streaming twin of `runs/<id>/events/`. `id:` is the seq."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Final

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.views.decorators.http import require_GET

from groups.api.errors import MEDIA_TYPE, problem
from groups.errors import RunNotFound
from groups.identity import Identity, known
from groups.viewing import following
from groups.viewing.following import Following
from groups.viewing.protocol import BadAfter
from state.errors import StarsError
from state.fanout.outbox import writable_of

#: Seconds between comments that keep proxies from closing a quiet stream.
HEARTBEAT: Final = following.HEARTBEAT


@require_GET
async def event_stream(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """Follow the run's log from the event after `Last-Event-ID` (a reconnecting client sends it) or `?after=`.

    Ends when the run has ended (204 then tells an EventSource not to come back), and when the user may watch no more.
    """
    try:
        who, key, after = await _who(request), _key(run_id), _after(request)
        writable = writable_of(getattr(request, "scope", {}))
        log = await Following.begin(who, key, after, writable=writable)
    except StarsError as refusal:
        return _refuse(request, refusal)
    if log.had_ended and after == log.last_seq:
        log.close()
        return HttpResponse(status=204)
    response = StreamingHttpResponse(_events(log), content_type="text/event-stream; charset=utf-8")
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    log.close_with(response)
    return response


async def _who(request: HttpRequest) -> Identity:
    return await known(request.headers.items(), request.session.session_key)


def _after(request: HttpRequest) -> int:
    text = request.headers.get("Last-Event-ID") or request.GET.get("after") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadAfter
    return int(text)


def _key(run_id: str) -> uuid.UUID:
    try:
        return uuid.UUID(run_id)
    except ValueError:
        raise RunNotFound from None


async def _events(log: Following) -> AsyncIterator[bytes]:
    at_rest = False
    try:
        yield b"retry: 1000\n\n"
        async for frame in log.frames(HEARTBEAT):
            if frame is None:
                yield b": still here\n\n"
                continue
            yield b"".join(
                b"id: %d\nevent: %s\ndata: %s\n\n" % (seq, kind.encode(), text)
                for seq, kind, text in frame.events
            )
            at_rest = frame.at_rest
        if at_rest:
            yield b": the run has ended\n\n"
    finally:
        log.close()


def _refuse(request: HttpRequest, refusal: StarsError) -> HttpResponse:
    body = problem(refusal.status, refusal.message, refusal.reason, instance=request.path)
    response = JsonResponse(body, status=refusal.status, content_type=MEDIA_TYPE)
    if refusal.status == 401:
        response["WWW-Authenticate"] = "Token"
    return response
