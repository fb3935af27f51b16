"""How a stored file leaves the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from django.http import FileResponse


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
