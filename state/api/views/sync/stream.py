"""Changes of a space as server-sent events. `id:` is a token, so that an EventSource comes back to where it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from weakref import finalize

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from state.api.views.sync.asking import query_of, standing_of, waiting, wanted_of
from state.errors import Invalid
from state.fanout.outbox import Outbox, writable_of
from state.sync.stream import Stream

#: Seconds between comments that keep proxies from closing a quiet stream.
HEARTBEAT: Final = 15.0


@waiting
async def stream(request: HttpRequest, space: str) -> HttpResponseBase:
    """Follow from `Last-Event-ID` (a reconnecting client sends it), else from `since`, else from a snapshot."""
    standing = await standing_of(request, space)
    outbox = Outbox(writable_of(getattr(request, "scope", {})))
    following = Stream(standing, outbox)
    try:
        query = query_of(request, "since")
        wanted = wanted_of(query)
        token = request.headers.get("Last-Event-ID") or query.text("since")
        if token == "":
            raise Invalid(fields={"since": ["This must be a token, or “now”."]})
        await following.begin(wanted.states, token, mode=wanted.mode)
    except BaseException:
        following.close()
        raise
    response = StreamingHttpResponse(
        _events(following, outbox), content_type="text/event-stream; charset=utf-8"
    )
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    # A client that goes before the first byte leaves a generator that never began, and so never ends either.
    loop = asyncio.get_running_loop()
    finalize(response, lambda: loop.is_closed() or loop.call_soon_threadsafe(following.close))
    return response


async def _events(following: Stream, outbox: Outbox) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 1000\n\n"
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT):
                    item: bytes | None = await outbox.get()
            except TimeoutError:
                following.beat()
                yield b": still here\n\n"
                continue
            if item is None:
                return
            yield item
    finally:
        following.close()
