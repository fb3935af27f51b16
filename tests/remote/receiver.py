"""A receiver of webhooks on a real socket: checks signatures as Standard Webhooks says, then does as the test says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.remote.serving import listening, served

SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes or more").decode()
#: What is done with a request's body.
Handler: TypeAlias = Callable[[dict[str, Any]], Response]


def is_signed(headers: dict[str, str], body: bytes, secret: str = SECRET) -> bool:
    """Whether a receiver may believe it: https://github.com/standard-webhooks/standard-webhooks, "Signature"."""
    name, at = headers["webhook-id"], headers["webhook-timestamp"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{name}.{at}.".encode() + body
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [each.removeprefix("v1,") for each in headers["webhook-signature"].split(" ")]
    return abs(time.time() - int(at)) < 300 and any(
        hmac.compare_digest(right, each) for each in given
    )


@dataclass
class Receiver:
    """What it answers: the handlers in turn, the last one for all that follow."""

    url: str
    handlers: list[Handler]
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        """Refuse what is not signed, remember the rest."""
        body, headers = await request.body(), dict(request.headers)
        if not is_signed(headers, body):
            return Response("the signature is wrong", 401)
        self.bodies.append(json.loads(body))
        self.headers.append(headers)
        handler = self.handlers.pop(0) if len(self.handlers) > 1 else self.handlers[0]
        return handler(self.bodies[-1])

    @property
    def keys(self) -> list[str]:
        """The idempotency keys of all requests."""
        return [each["idempotency-key"] for each in self.headers]


@contextmanager
def receiving(*handlers: Handler) -> Iterator[Receiver]:
    """A receiver for as long as the block lasts."""
    with listening() as (server, url):
        receiver = Receiver(f"{url}/hook", list(handlers))
        app = Starlette(routes=[Route("/hook", receiver.take, methods=["POST"])])
        with served(app, server):
            yield receiver


def answer(**body: Any) -> Handler:
    """At once."""
    return lambda asked: JSONResponse(body)


def status(code: int, text: str = "", **headers: str) -> Handler:
    """With that status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked: Response(text, code, headers=named)


def ndjson(*frames: Any) -> Handler:
    """As a stream of JSON lines; a text stands for itself."""
    lines = [each if isinstance(each, str) else json.dumps(each) for each in frames]
    return _stream("application/x-ndjson", [f"{line}\n" for line in lines])


def sse(*frames: Any) -> Handler:
    """As server-sent events."""
    events = [f"id: {n}\ndata: {json.dumps(each)}\n\n" for n, each in enumerate(frames)]
    return _stream("text/event-stream; charset=utf-8", [": hello\n\n", *events])


def _stream(media_type: str, pieces: list[str]) -> Handler:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece.encode()

    return lambda asked: StreamingResponse(body(), media_type=media_type)
