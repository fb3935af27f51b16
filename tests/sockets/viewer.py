"""A client of the live socket, talking to the real ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from channels.db import database_sync_to_async
from channels.testing.websocket import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from groups import live
from stars_site.asgi import application
from tests import factories

PATH = "/ws/v1/live/"
ORIGIN = (b"origin", b"http://localhost:8000")

append_events = database_sync_to_async(factories.append_events)


@database_sync_to_async
def poke(topic: str, what: str, **data: Any) -> None:
    """What a service says after commit."""
    live.announce(pokes=[(topic, what, data)])


def session_cookie(user: User) -> tuple[bytes, bytes]:
    """The Cookie header of a browser in which the user has signed in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    name = settings.SESSION_COOKIE_NAME
    return b"cookie", f"{name}={client.cookies[name].value}".encode()


class Viewer:
    """One socket. Every frame must come within 5 seconds."""

    def __init__(
        self, *headers: tuple[bytes, bytes], writable: asyncio.Event | None = None
    ) -> None:
        self.socket = WebsocketCommunicator(application, PATH, headers=list(headers))
        if writable is not None:
            scope: Any = self.socket.scope
            scope["extensions"] = {"stars.writable": writable}

    async def subscribe(self, topic: str, **fields: Any) -> dict[str, Any]:
        """Subscribe and take the answer."""
        await self.say({"type": "subscribe", "topic": topic, **fields})
        return await self.hear()

    async def say(self, frame: Any) -> None:
        """Send an object, or text as it is."""
        text = frame if isinstance(frame, str) else msgspec.json.encode(frame).decode()
        await self.socket.send_to(text_data=text)

    async def hear(self) -> dict[str, Any]:
        """The next frame."""
        frame: dict[str, Any] = msgspec.json.decode(await self.socket.receive_from(timeout=5))
        return frame

    async def hear_up_to(self, seq: int) -> list[int]:
        """The numbers of the events that come until that one does."""
        numbers: list[int] = []
        while not numbers or numbers[-1] < seq:
            frame = await self.hear()
            assert frame["type"] == "events", frame
            assert frame["first"] == frame["events"][0]["seq"]
            assert frame["seq"] == frame["events"][-1]["seq"]
            numbers += [event["seq"] for event in frame["events"]]
        return numbers

    async def closed(self) -> int:
        """The code with which the server closes; frames before that are passed over."""
        while True:
            output = await self.socket.receive_output(timeout=5)
            if output["type"] == "websocket.close":
                return int(output["code"])

    async def silent(self) -> bool:
        """Whether nothing more has come by the time that a ping is answered, and nothing is under way."""
        await self.say({"type": "ping"})
        answer = await self.hear()
        return answer["type"] == "pong" and bool(await self.socket.receive_nothing(timeout=0.1))


@asynccontextmanager
async def watching(user: User, *, writable: asyncio.Event | None = None) -> AsyncIterator[Viewer]:
    """A browser's socket of that user, until the end of the block."""
    cookie = await database_sync_to_async(session_cookie)(user)
    viewer = Viewer(ORIGIN, cookie, writable=writable)
    accepted, _ = await viewer.socket.connect(timeout=5)
    assert accepted
    try:
        yield viewer
    finally:
        await viewer.socket.disconnect(timeout=5)
