"""The sync socket, `/ws/v1/spaces/<space>/sync` (docs/sync-protocol.md).

Channels gives it routing and its life; what is said on it comes from `state.sync.live`, no channel layer.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final, NamedTuple

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from state import conf
from state.fanout.outbox import Outbox, writable_of
from state.sync import protocol
from state.sync.live import Live

logger = logging.getLogger(__name__)

#: Code of the close frame of a client that ends its session (RFC 6455, normal closure).
GOODBYE: Final = 1000
#: Seconds that a client gets to take what was said before the socket is closed.
LAST_WORDS: Final = 1.0


class _Close(NamedTuple):
    code: int


def _is_encrypted(scope: Any) -> bool:
    """Whether the client's connection is under TLS: here, or up to the proxy that says so and is trusted to."""
    if scope.get("scheme") == "wss":
        return True
    return settings.STARS_HTTPS and (b"x-forwarded-proto", b"https") in scope["headers"]


class SyncConsumer(AsyncWebsocketConsumer):
    """One socket: reads frames and writes what is in its outbox."""

    live: Live | None = None
    writing: asyncio.Task[None] | None = None
    closing: asyncio.TimerHandle | None = None
    ending: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The socket's whole life; whatever ends it, nothing stays behind."""
        self.outbox = Outbox(writable_of(scope))
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()

    async def dispatch(self, message: Any) -> None:
        """Past Channels' own, which goes through a thread that all sockets share to look after database connections:
        nothing here uses one outside of `in_thread`."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        """Accept, for a client learns a close code only of an accepted socket; whoever is not signed in by header or
        session has to send a token in hello."""
        asked = self.scope.get("subprotocols") or ()
        await self.accept(protocol.SUBPROTOCOL if protocol.SUBPROTOCOL in asked else None)
        session = self.scope.get("session")
        try:
            pool = await conf.opened_sync_pool()
            who = await pool.directory.identify(
                self.scope["headers"], getattr(session, "session_key", None)
            )
        except Exception:
            logger.exception("whoever opens a socket cannot be looked up")
            await self.close(protocol.AWAY)
            return
        if pool.config.encryption and not _is_encrypted(self.scope):
            await self.close(protocol.DENIED)
            return
        space = self.scope["url_route"]["kwargs"]["space"]
        self.live = Live(pool, space, self.outbox, who, self._end)
        pool.greet(self.live)
        self.writing = asyncio.get_running_loop().create_task(self._write())

    async def disconnect(self, code: int) -> None:
        """The other end has gone: with 1000 for good; with another code, or none, it may come back to its session."""
        if code == GOODBYE and self.live is not None:
            self.live.goodbye()
        self._leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer one frame of the client."""
        if self.live is not None:
            await self.live.receive(text_data)

    def _end(self, code: int) -> None:
        """Close once everything said was sent, or soon."""
        self.outbox.put(_Close(code), 0)
        loop = asyncio.get_running_loop()
        self.closing = loop.call_later(LAST_WORDS, self._give_up, code)

    def _give_up(self, code: int) -> None:
        """It takes no last words."""
        loop = asyncio.get_running_loop()
        self.ending = loop.create_task(self._close(code))  # kept, for the loop does not keep it

    async def _close(self, code: int) -> None:
        self._leave()
        await self.close(code)

    async def _write(self) -> None:
        while True:
            item: str | bytes | _Close = await self.outbox.get()
            if isinstance(item, _Close):
                self.writing = None  # it is this task, which has to end the socket before it ends
                await self._close(item.code)
                return
            # Past Channels' own `send`, which would do the same in one more coroutine.
            kind = "text" if isinstance(item, str) else "bytes"
            message: Any = {"type": "websocket.send", kind: item}
            try:
                await self.base_send(message)
            except Exception:
                # Nothing may follow a frame that was not sent.
                logger.exception("a frame cannot be sent")
                self.writing = None
                await self._close(protocol.AWAY)
                return

    def _leave(self) -> None:
        """Give back everything that this socket holds; idempotent."""
        if self.closing is not None:
            self.closing.cancel()
            self.closing = None
        if self.live is not None:
            self.live.close()
            self.live = None
        if self.writing is not None:
            self.writing.cancel()
            self.writing = None
