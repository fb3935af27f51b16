"""What Daphne holds unsent reaches applications as an event: real Twisted transports, no network."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from daphne.http_protocol import WebRequest
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.testing import StringTransport

from stars_site.backpressure import telling_backpressure


class Scope:
    """Keeps what the wrapped application was given."""

    scope: dict[str, Any]
    send: Any

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self.send = scope, send

    @property
    def writable(self) -> asyncio.Event:
        event: asyncio.Event = self.scope["extensions"]["stars.writable"]
        return event


async def _receive() -> Any:
    pass


async def _reply(protocol: Any, message: Any) -> None:
    pass


async def test_a_websocket_is_told_by_its_transport() -> None:
    protocol: Any = WebSocketProtocol()
    make_transport: Any = StringTransport
    protocol.transport = make_transport()
    transport: Any = protocol.transport
    transport.registerProducer(object(), True)  # the HTTP channel before the upgrade
    given = Scope()
    await telling_backpressure(given)({"type": "websocket"}, _receive, partial(_reply, protocol))
    assert given.writable.is_set()
    transport.producer.pauseProducing()
    assert not given.writable.is_set()
    transport.producer.resumeProducing()
    assert given.writable.is_set()
    transport.producer.pauseProducing()
    transport.producer.stopProducing()  # the connection is lost: nobody must wait for it
    assert given.writable.is_set()


class Channel:
    """As much of Twisted's HTTP channel as a request registers itself with."""

    producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None


@pytest.mark.parametrize(
    ("kind", "told"), [(b"text/event-stream; charset=utf-8", True), (b"text/html", False)]
)
async def test_only_event_streams_are_told_and_only_until_their_end(
    kind: bytes, told: bool
) -> None:
    request: Any = WebRequest.__new__(WebRequest)
    request.channel, request.producer = Channel(), None
    given = Scope()
    await telling_backpressure(given)({"type": "http"}, _receive, partial(_reply, request))
    headers = [(b"Content-Type", kind)]
    await given.send({"type": "http.response.start", "status": 200, "headers": headers})
    assert (request.channel.producer is not None) == told
    await given.send({"type": "http.response.body", "body": b"x", "more_body": True})
    if told:
        request.channel.producer.pauseProducing()
        assert not given.writable.is_set()
    await given.send({"type": "http.response.body", "body": b""})
    assert request.channel.producer is None


async def test_other_servers_tell_nothing() -> None:
    given = Scope()

    async def send(message: Any) -> None:
        pass

    await telling_backpressure(given)({"type": "websocket"}, _receive, send)
    assert "extensions" not in given.scope
    assert given.send is send
