"""How a file leaves the server: one that is stored, or one that is made meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from django.http import FileResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

from state.threads import in_thread


class Download(FileResponse):
    """A file sent piece by piece also by an ASGI server, for which Django would read it whole."""

    block_size = 256 * 1024

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self.file_to_stream
        if content is None:  # a middleware has put its own stream in place of the file
            async for piece in super().__aiter__():
                yield piece
            return
        while piece := await asyncio.to_thread(content.read, self.block_size):
            yield piece


class Made(StreamingHttpResponse):
    """A file that is made while it is sent, by a generator that may read the database; not held whole by any server."""

    def __init__(self, pieces: Iterator[bytes], *, filename: str, content_type: str) -> None:
        super().__init__(pieces, content_type=content_type)
        self["Content-Disposition"] = content_disposition_header(True, filename)
        self["X-Content-Type-Options"] = "nosniff"
        self["Cache-Control"] = "private, no-store"

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = iter(self)
        take = in_thread(lambda: next(pieces, None))
        while (piece := await take()) is not None:
            yield piece
