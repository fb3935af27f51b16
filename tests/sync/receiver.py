"""A receiver of webhooks: a real HTTP server on this machine that records requests and misbehaves when told to."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request; header names in lower case, `at` in seconds of `time.monotonic`."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """What a request is answered with, `delay` seconds later; `raw` instead of HTTP, and with neither just hung up.

    `drip`: seconds between the bytes of the answer, its head included. `endless`: the body has no length and is sent
    over and over until the other side has had enough.
    """

    status: int | None = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    drip: float = 0.0
    raw: bytes = b""
    endless: bool = False

    def octets(self) -> bytes:
        if self.status is None:
            return self.raw
        lines = [f"HTTP/1.1 {self.status} As Told"]
        if not self.endless:
            lines.append(f"Content-Length: {len(self.body)}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + self.body


class Receiver:
    """Answers 200 unless told otherwise; what it is told holds for the next requests, in the order told."""

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        """`port` 0: any that is free. `tls`: speak https."""
        self.received: list[Received] = []
        self._answers: deque[Answer] = deque()
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._server = _Server((host, port), _handler_of(self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://{host}:{self.port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        """Stop listening and let go of whoever waits for a slow answer."""
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, answer: Answer, times: int = 1) -> None:
        with self._changed:
            self._answers.extend([answer] * times)

    def fail(self, times: int = 1, status: int = 503, **headers: str) -> None:
        """`headers` by their names with underscores, such as `retry_after`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer(Answer(status, named), times)

    def slow(self, seconds: float, times: int = 1) -> None:
        self.answer(Answer(delay=seconds), times)

    def redirect(self, to: str, times: int = 1, status: int = 302) -> None:
        self.answer(Answer(status, {"Location": to}), times)

    def hang_up(self, times: int = 1) -> None:
        """Close the connection without an answer, having read the request."""
        self.answer(Answer(None), times)

    def wait(self, count: int, timeout: float = 10.0) -> list[Received]:
        """The first `count` requests, once they are there; TimeoutError if that takes longer than `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.received) >= count, timeout):
                raise TimeoutError(f"{len(self.received)} of {count} requests came")
            return self.received[:count]

    def take(self, request: Received) -> Answer:
        """Record a request; what it is to be answered with."""
        with self._changed:
            self.received.append(request)
            self._changed.notify_all()
            return self._answers.popleft() if self._answers else Answer()

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    def pause(self, seconds: float) -> None:
        """Sleep, though not past `close`."""
        self._closing.wait(seconds)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Senders that give up, or do not trust the certificate, are what is tested."""


def _handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.take(
                Received(self.command, self.path, headers, body, time.monotonic())
            )
            receiver.pause(answer.delay)
            self.close_connection = True
            self._write(answer.octets(), answer.drip)
            while answer.endless and not receiver.closing:
                self._write(answer.body, answer.drip)

        def _write(self, octets: bytes, drip: float) -> None:
            if not drip:
                self.wfile.write(octets)
                return
            for octet in octets:
                self.wfile.write(bytes([octet]))
                receiver.pause(drip)

        do_GET = do_PUT = do_DELETE = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """Silent: what came is in `received`."""

    return Handler


@contextmanager
def listening(
    host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """A receiver for as long as the block lasts."""
    receiver = Receiver(host, port, tls)
    try:
        yield receiver
    finally:
        receiver.close()
