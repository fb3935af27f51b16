"""Server-sent events (HTML, 9.2) of any door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from django.http import StreamingHttpResponse

from groups.viewing.following import Following

#: Keeps proxies from closing a quiet stream.
BEAT: Final = b": still here\n\n"

encode = msgspec.json.Encoder().encode


def frame(data: Any, *, event: str = "", id: int | str | None = None) -> bytes:
    """One event; `data` is anything msgspec can encode."""
    name = f"event: {event}\n" if event else ""
    number = f"id: {id}\n" if id is not None else ""
    return f"{name}{number}data: ".encode() + encode(data) + b"\n\n"


def streaming(frames: AsyncIterator[bytes], log: Following) -> StreamingHttpResponse:
    """The response that sends these frames; `log` is closed with it."""
    response = StreamingHttpResponse(frames, content_type="text/event-stream; charset=utf-8")
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    log.close_with(response)
    return response
