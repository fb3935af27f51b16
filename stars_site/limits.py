"""Bodies of requests under Daphne: who may send how much, and from where they are read.

Left alone, Daphne stores whatever anybody sends, has Twisted parse forms in memory and queues the whole body there.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import IO, Any, Final, TypeAlias

from daphne import http_protocol
from django.conf import settings

from groups.api.errors import MEDIA_TYPE, problem
from groups.identity import identify
from groups.services import attachments

logger = logging.getLogger(__name__)

_Receive: TypeAlias = Callable[[], Awaitable[Any]]
_Send: TypeAlias = Callable[[Any], Awaitable[None]]
_Application: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

#: Bytes that anybody may send; more only after credentials were looked at.
STRANGERS: Final = 1024 * 1024
#: Bytes of a body that are kept in memory rather than in a file.
SMALL: Final = 100_000
#: Bytes handed to the application at a time.
CHUNK: Final = 1024 * 1024
#: Seconds in which a refused client may read the answer while what it still sends is dropped.
LINGER: Final = 5.0

_SENTENCES: Final = {
    401: ("not_authenticated", "Sign in, or send `Authorization: Token …`, to send so much."),
    413: ("too_large", "The request's body is larger than allowed."),
    503: ("unavailable", "A service that Stars needs did not answer; try again."),
}


def most() -> int:
    """Bytes that a signed-in user may send: all attachments of a run and the fields beside them."""
    return attachments.MAX_FILES * attachments.limit() + settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class Request(http_protocol.WebRequest):  # type: ignore[misc]  # Daphne has no types
    """Daphne's request with a limit, and with a large body in a file that the application reads."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, parsePOSTFormSubmission=False)
        #: A large body, once all of it is there.
        self.body: IO[bytes] | None = None
        self._received = 0
        self._refused = self._complete = False
        self._looking: asyncio.Task[None] | None = None

    # --- called by Twisted's channel, in this order ---

    def gotLength(self, length: int | None) -> None:
        """The headers are there; `length` is None when the body comes in chunks."""
        small = length is not None and length < SMALL
        self.content = BytesIO() if small else _file()
        if length is not None and length > most():
            self._refuse(413)
        elif length is not None and length > STRANGERS:
            self._look()

    def handleContentChunk(self, data: bytes) -> None:
        """Some of the body: what came at once, so not much."""
        if self._refused:
            return
        self._received += len(data)
        if self._received > most():
            self._refuse(413)
            return
        super().handleContentChunk(data)
        if self._received > STRANGERS and self._looking is None:
            self._look()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The whole body is there."""
        self._complete = True
        if not self._refused:
            super().requestReceived(command, path, version)

    def process(self) -> Any:
        """Let the application run; Daphne would queue all of the body in memory, so it sees an empty one."""
        if not isinstance(self.content, BytesIO):
            self.content.seek(0)
            self.body, self.content = self.content, BytesIO()
        return super().process()

    def connectionLost(self, reason: Any) -> None:
        """The client has gone."""
        if self._looking is not None:
            self._looking.cancel()
        super().connectionLost(reason)

    # --- who sends so much ---

    def _look(self) -> None:
        """Read nothing more until it is known whether the sender is signed in."""
        self.channel.transport.pauseProducing()
        self._looking = asyncio.ensure_future(self._look_at_credentials())

    async def _look_at_credentials(self) -> None:
        given = self.requestHeaders.getRawHeaders(b"authorization", [])
        session = self.received_cookies.get(settings.SESSION_COOKIE_NAME.encode(), b"")
        status = 0
        try:
            headers = [(b"authorization", value) for value in given]
            if await identify(headers, session.decode("ascii", "replace")) is None:
                status = 401
        except Exception:
            logger.exception("who sends a large body cannot be read")
            status = 503
        # A body that is complete by now was hardly too large; the application answers it.
        if status and not self._complete:
            self._refuse(status)
        if self.channel is not None:
            self.channel.transport.resumeProducing()

    def _refuse(self, status: int) -> None:
        """Answer at once, drop what still comes, and close."""
        self._refused = True
        if self.content is not None:
            self.content.close()
        channel = self.channel
        if channel is None:
            return
        # Twisted would invite the client to go on.
        self.requestHeaders.removeHeader(b"expect")
        reason, sentence = _SENTENCES[status]
        if b"text/html" in self.requestHeaders.getRawHeaders(b"accept", [b""])[0]:
            kind, text = "text/plain; charset=utf-8", sentence + "\n"
        else:
            kind, body = MEDIA_TYPE, problem(status, sentence, reason, instance="")
            del body["instance"]
            text = json.dumps(body)
        content = text.encode()
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            f"Content-Type: {kind}",
            f"Content-Length: {len(content)}",
            "Cache-Control: no-store",
            "Connection: close",
            *(["WWW-Authenticate: Token"] if status == 401 else []),
            *(["Retry-After: 1"] if status == 503 else []),
        ]
        channel.transport.write("\r\n".join([*lines, "", ""]).encode() + content)
        asyncio.get_running_loop().call_later(LINGER, channel.loseConnection)


def _file() -> IO[bytes]:
    # Whoever finishes the request closes it.
    return tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)


def install() -> None:
    """Have Daphne make our requests, whether `up` or its own command starts it."""
    http_protocol.WebRequest = Request


def reading_bodies(application: _Application) -> _Application:
    """The application; what a `Request` has put into a file is read from there, as fast as the application asks."""

    async def read(scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None:
        request = send.args[0] if isinstance(send, partial) and send.args else None
        body = request.body if isinstance(request, Request) else None
        if body is None:
            await application(scope, receive, send)
            return
        headers = scope["headers"]
        if all(name != b"content-length" for name, _ in headers):
            # It came in chunks. How long it was is known by now, and Django takes what has no length for empty.
            length = str(os.fstat(body.fileno()).st_size).encode()
            scope = {**scope, "headers": [*headers, (b"content-length", length)]}
        with body:
            await application(scope, _receiving(body, receive), send)

    return read


def _receiving(body: IO[bytes], receive: _Receive) -> _Receive:
    begun = ended = False

    async def receiving() -> Any:
        nonlocal begun, ended
        if not begun:
            begun = True
            first = await receive()
            if first["type"] != "http.request":  # the client has gone
                ended = True
                return first
        if ended:
            return await receive()
        chunk = await asyncio.to_thread(body.read, CHUNK)
        ended = len(chunk) < CHUNK
        if ended:
            body.close()  # Django has its own copy by now
        return {"type": "http.request", "body": chunk, "more_body": not ended}

    return receiving
