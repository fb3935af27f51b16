"""A run's log as server-sent events (HTML, 9.2), the streaming twin of `runs/<id>/events/`. `id:` is the seq."""

from __future__ import annotations

import asyncio
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

from groups import access, selectors
from groups.api.errors import MEDIA_TYPE, problem
from groups.errors import RunNotFound
from groups.execution.statuses import RUN_ENDED
from groups.models import Run
from groups.viewing.identity import Identity, identify
from groups.viewing.outbox import Frame, Outbox, writable_of
from groups.viewing.protocol import BadAfter
from groups.viewing.reading import in_thread
from groups.viewing.rooms import Seat, rooms
from state.errors import NotAllowed, StarsError

#: Seconds between comments that keep proxies from closing a quiet stream; access is read again each time.
HEARTBEAT: Final = 15.0


class NotAuthenticated(NotAllowed):
    """Sign in, or send `Authorization: Token …`."""

    reason = "not_authenticated"
    status = 401


@require_GET
async def event_stream(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """Follow the run's log from the event after `Last-Event-ID` (a reconnecting client sends it) or `?after=`.

    Ends when the run has ended; 204 then tells an EventSource not to come back.
    """
    try:
        who = await _who(request)
        after = _after(request)
        outbox = Outbox(writable_of(getattr(request, "scope", {})))
        # The seat first, the database second: what comes between the two is heard.
        run = await _run(who, run_id)
        seat = await rooms().sit(run.id, outbox, after, lambda: outbox.put(None, 0))
        try:
            run = await _run(who, run_id)
            if after > run.last_seq:
                raise BadAfter
        except BaseException:
            seat.close()
            raise
    except StarsError as refusal:
        return _refuse(request, refusal)
    if run.status in RUN_ENDED and after == run.last_seq:
        seat.close()
        return HttpResponse(status=204)
    response = StreamingHttpResponse(
        _events(seat, outbox, who), content_type="text/event-stream; charset=utf-8"
    )
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


async def _who(request: HttpRequest) -> Identity:
    headers = [
        (name.lower().encode(), value.encode("latin-1", "replace"))
        for name, value in request.headers.items()
    ]
    who = await identify(headers, request.session.session_key)
    if who is None:
        raise NotAuthenticated
    return who


def _after(request: HttpRequest) -> int:
    text = request.headers.get("Last-Event-ID") or request.GET.get("after") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise BadAfter
    return int(text)


async def _run(who: Identity, run_id: str) -> Run:
    return await in_thread(access.get_run)(who.user, run_id)


async def _events(seat: Seat, outbox: Outbox, who: Identity) -> AsyncIterator[bytes]:
    try:
        seat.follow()
        yield b"retry: 1000\n\n"
        while True:
            try:
                frame: Frame | None = await asyncio.wait_for(outbox.get(), HEARTBEAT)
            except TimeoutError:
                renewed = await who.renewed()
                if renewed is None:
                    return
                try:
                    await _run(renewed, str(seat.room.run_id))
                except RunNotFound:
                    return
                yield b": still here\n\n"
                continue
            if frame is None:
                return
            yield b"".join(
                b"id: %d\nevent: %s\ndata: %s\n\n" % (seq, kind.encode(), text)
                for seq, kind, text in frame.events
            )
            if frame.at_rest and frame.last == seat.position:
                found = await in_thread(selectors.last_seq)(seat.room.run_id)
                if found is None or found[0] == frame.last:
                    yield b": the run has ended\n\n"
                    return
    finally:
        seat.close()


def _refuse(request: HttpRequest, refusal: StarsError) -> HttpResponse:
    body = problem(refusal.status, refusal.message, refusal.reason, instance=request.path)
    response = JsonResponse(body, status=refusal.status, content_type=MEDIA_TYPE)
    if refusal.status == 401:
        response["WWW-Authenticate"] = "Token"
    return response
