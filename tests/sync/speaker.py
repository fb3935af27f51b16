"""A client of the sync socket that says and hears raw frames, talking to the real ASGI application."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from channels.db import database_sync_to_async
from channels.testing.websocket import WebsocketCommunicator
from django.contrib.auth.models import User
from knox.models import get_token_model

from stars_site.asgi import application

#: What is told of time, and not of changes.
_CLOCK = ("hb",)


def token_of(user: User, **more: Any) -> str:
    """An API token of the user."""
    return str(get_token_model().objects.create(user=user, **more)[1])


class Speaker:
    """One socket. Every frame must come within 5 seconds."""

    def __init__(
        self,
        *headers: tuple[bytes, bytes],
        space: str = "lab",
        writable: asyncio.Event | None = None,
    ) -> None:
        path = f"/ws/v1/spaces/{space}/sync"
        self.socket = WebsocketCommunicator(application, path, headers=list(headers))
        self.binary = 0
        if writable is not None:
            scope: Any = self.socket.scope
            scope["extensions"] = {"stars.writable": writable}

    async def say(self, t: str, **fields: Any) -> None:
        """Send a frame."""
        await self.raw(msgspec.json.encode({"t": t, **fields}).decode())

    async def raw(self, text: str) -> None:
        """Send a text as it is."""
        await self.socket.send_to(text_data=text)

    async def hear(self, *kinds: str, timeout: float = 5) -> dict[str, Any]:
        """The next frame, of one of these kinds if any are named; heartbeats are passed over."""
        while True:
            message = await self.socket.receive_output(timeout=timeout)
            assert message["type"] == "websocket.send", message
            text = message.get("text")
            if text is None:
                self.binary += 1
                text = zlib.decompress(message["bytes"])
            frame: dict[str, Any] = msgspec.json.decode(text)
            if frame["t"] in _CLOCK and frame["t"] not in kinds:
                continue
            assert not kinds or frame["t"] in kinds, frame
            return frame

    async def hello(self, **fields: Any) -> dict[str, Any]:
        """Say hello and take the welcome."""
        await self.say("hello", proto=1, **fields)
        return await self.hear("welcome")

    async def sub(self, *states: str, number: int = 1, **fields: Any) -> dict[str, Any]:
        """Subscribe from a snapshot and take it, up to the first mark: {id: its state in the snapshot}, and under ""
        that mark."""
        await self.say("sub", sub=number, states=list(states), **fields)
        return await self.snapshot(number)

    async def snapshot(self, number: int = 1) -> dict[str, Any]:
        """Take a snapshot, up to its mark."""
        found: dict[str, Any] = {}
        last = False
        while not last:
            frame = await self.hear("snap")
            assert frame["sub"] == number
            found |= {each["id"]: each for each in frame["states"]}
            last = frame["last"]
        found[""] = await self.hear("mark")
        assert found[""]["synced"]
        return found

    async def ended(self) -> int:
        """The code with which the server closes; frames before that are passed over."""
        while True:
            output = await self.socket.receive_output(timeout=5)
            if output["type"] == "websocket.close":
                return int(output["code"])

    async def silent(self, seconds: float = 0.15) -> bool:
        """Whether nothing comes for so long."""
        return bool(await self.socket.receive_nothing(timeout=seconds))


@asynccontextmanager
async def speaking(
    user: User | None,
    *,
    space: str = "lab",
    writable: asyncio.Event | None = None,
    leaves_with: int = 1006,
) -> AsyncIterator[Speaker]:
    """A socket that the user opens with a token in its header; it breaks at the end of the block, or is closed with
    that code."""
    headers = []
    if user is not None:
        token = await database_sync_to_async(token_of)(user)
        headers.append((b"authorization", f"Token {token}".encode()))
    speaker = Speaker(*headers, space=space, writable=writable)
    accepted, _ = await speaker.socket.connect(timeout=5)
    assert accepted
    try:
        yield speaker
    finally:
        await speaker.socket.disconnect(code=leaves_with, timeout=5)
