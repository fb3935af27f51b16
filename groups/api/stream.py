"""A run's log as server-sent events (HTML, 9.2), the streaming twin of `runs/<id>/events/`. `id:` is the seq."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Final
from weakref import finalize

import msgspec
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.views.decorators.http import require_GET

from groups import selectors
from groups.api.errors import MEDIA_TYPE, problem
from groups.errors import RunNotFound
from groups.execution.statuses import RUN_ENDED
from groups.identity import Identity, identify
from groups.live import run_topic
from groups.viewing.outbox import Frame
from groups.viewing.protocol import BadAfter
from groups.viewing.watcher import Watcher
from state.errors import NotAllowed, StarsError
from state.fanout.outbox import Outbox, writable_of
from state.threads import in_thread

#: Seconds between comments that keep proxies from closing a quiet stream.
HEARTBEAT: Final = 15.0


class _Hello(msgspec.Struct, tag_field="type", tag="hello"):
    """How a watcher begins."""

    last_seq: int
    status: str


class NotAuthenticated(NotAllowed):
    """Sign in, or send `Authorization: Token …`."""

    reason = "not_authenticated"
    status = 401


@require_GET
async def event_stream(request: HttpRequest, run_id: str) -> HttpResponseBase:
    """Follow the run's log from the event after `Last-Event-ID` (a reconnecting client sends it) or `?after=`.

    Ends when the run has ended (204 then tells an EventSource not to come back), and when the user may watch no more.
    """
    try:
        who, key, after = await _who(request), _key(run_id), _after(request)
        outbox = Outbox(writable_of(getattr(request, "scope", {})))

        async def end(code: int) -> None:
            outbox.put(None, 0)

        watcher = Watcher(who, outbox, end)
        try:
            await watcher.subscribe(run_topic(key), after)
            hello = msgspec.json.decode(await outbox.get(), type=_Hello)
        except BaseException:
            watcher.close()
            raise
    except StarsError as refusal:
        return _refuse(request, refusal)
    if hello.status in RUN_ENDED and after == hello.last_seq:
        watcher.close()
        return HttpResponse(status=204)
    response = StreamingHttpResponse(
        _events(watcher, outbox, key), content_type="text/event-stream; charset=utf-8"
    )
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    # A client that goes before the first byte leaves a generator that never began, and so never ends either.
    loop = asyncio.get_running_loop()
    finalize(response, lambda: loop.is_closed() or loop.call_soon_threadsafe(watcher.close))
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


def _key(run_id: str) -> uuid.UUID:
    try:
        return uuid.UUID(run_id)
    except ValueError:
        raise RunNotFound from None


async def _events(watcher: Watcher, outbox: Outbox, run_id: uuid.UUID) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 1000\n\n"
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT):
                    item: Frame | str | None = await outbox.get()
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if not isinstance(item, Frame):
                # The session or token has ended, or the run is there no more for this user.
                return
            yield b"".join(
                b"id: %d\nevent: %s\ndata: %s\n\n" % (seq, kind.encode(), text)
                for seq, kind, text in item.events
            )
            if item.at_rest:
                found = await in_thread(selectors.last_seq)(run_id)
                if found is None or found[0] == item.last:
                    yield b": the run has ended\n\n"
                    return
    finally:
        watcher.close()


def _refuse(request: HttpRequest, refusal: StarsError) -> HttpResponse:
    body = problem(refusal.status, refusal.message, refusal.reason, instance=request.path)
    response = JsonResponse(body, status=refusal.status, content_type=MEDIA_TYPE)
    if refusal.status == 401:
        response["WWW-Authenticate"] = "Token"
    return response
