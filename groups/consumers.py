"""The live socket, `/ws/v1/live/` (docs/live.md): says who it is once, then follows any number of topics. And the
socket of agents' processes, `/ws/v1/agents/<agent_id>/` (docs/agent-protocol.md).

Channels gives them routing and life; what is said comes from `groups.viewing`, `groups.dialin` and the hub.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, NamedTuple

from channels.generic.websocket import AsyncWebsocketConsumer

from groups.agents.connected import protocol as dialled
from groups.dialin.greeting import identify as identify_agent
from groups.dialin.session import Session
from groups.identity import identify
from groups.viewing import protocol
from groups.viewing.outbox import Frame
from groups.viewing.watcher import Watcher
from state.errors import StarsError
from state.fanout.outbox import Outbox, writable_of
from state.pace import Allowance

logger = logging.getLogger(__name__)


class LiveConsumer(AsyncWebsocketConsumer):
    """One socket: reads frames and writes what is in its outbox."""

    watcher: Watcher | None = None
    writing: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The socket's whole life; whatever ends it, nothing stays behind."""
        self.outbox = Outbox(writable_of(scope))
        self.allowance = Allowance()
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()

    async def connect(self) -> None:
        """Accept, for a browser learns a close code only of an accepted socket; nobody is then closed with 4401."""
        session = self.scope.get("session")
        who = await identify(self.scope["headers"], getattr(session, "session_key", None))
        await self.accept()
        if who is None:
            await self.close(protocol.NOT_AUTHENTICATED)
            return
        self.watcher = Watcher(who, self.outbox, self._end)
        self.writing = asyncio.get_running_loop().create_task(self._write())

    async def disconnect(self, code: int) -> None:
        """The other end has gone."""
        self._leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer one frame of the client."""
        watcher, topic = self.watcher, None
        if watcher is None:
            return
        if not self.allowance.take():
            await self._end(protocol.FLOOD)
            return
        try:
            frame = protocol.parse(text_data)
            if isinstance(frame, protocol.Ping):
                watcher.say(protocol.pong())
                return
            topic = frame.topic
            if isinstance(frame, protocol.Subscribe):
                await watcher.subscribe(topic, frame.after)
            else:
                watcher.drop(topic)
                watcher.say(protocol.unsubscribed(topic))
        except StarsError as refusal:
            watcher.say(protocol.error(refusal, topic))
        except Exception:
            logger.exception("a frame was not answered")
            failure = StarsError("Stars could not answer this; its log says why.")
            watcher.say(protocol.error(failure, topic))

    async def _write(self) -> None:
        while True:
            item: Frame | str = await self.outbox.get()
            text = item if isinstance(item, str) else item.text
            # Past Channels' own `send`, which would do the same in one more coroutine.
            message: Any = {"type": "websocket.send", "text": text}
            await self.base_send(message)

    async def _end(self, code: int) -> None:
        self._leave()
        await self.close(code)

    def _leave(self) -> None:
        """Give back everything that this socket holds; idempotent."""
        if self.watcher is not None:
            self.watcher.close()
            self.watcher = None
        if self.writing is not None:
            self.writing.cancel()
            self.writing = None


class _Close(NamedTuple):
    code: int


class DialInConsumer(AsyncWebsocketConsumer):
    """One socket of an agent's process."""

    session: Session | None = None
    writing: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The socket's whole life; whatever ends it, nothing stays behind."""
        self.outbox = Outbox(writable_of(scope))
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._leave()

    async def connect(self) -> None:
        """Accept, for a client learns a close code only of an accepted socket; a wrong credential is then 4401."""
        asked = self.scope.get("subprotocols") or ()
        await self.accept(dialled.SUBPROTOCOL if dialled.SUBPROTOCOL in asked else None)
        agent_id = self.scope["url_route"]["kwargs"]["agent_id"]
        try:
            credential = await identify_agent(agent_id, self.scope["headers"], asked)
        except Exception:
            logger.exception("whoever dials in cannot be looked up")
            await self.close(dialled.AWAY)
            return
        if credential is None or credential.agent.kind != "connected":
            await self.close(dialled.NOT_AUTHENTICATED if credential is None else dialled.DENIED)
            return
        self.session = Session(credential, self.outbox, self._end)
        self.writing = asyncio.get_running_loop().create_task(self._write())

    async def disconnect(self, code: int) -> None:
        """The other end has gone."""
        self._leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take one frame of the process."""
        if self.session is not None:
            await self.session.receive(text_data)

    def _end(self, code: int) -> None:
        self.outbox.put(_Close(code), 0)

    async def _write(self) -> None:
        while True:
            item: str | _Close = await self.outbox.get()
            if isinstance(item, _Close):
                self.writing = None  # it is this task, which has to end the socket before it ends
                self._leave()
                await self.close(item.code)
                return
            message: Any = {"type": "websocket.send", "text": item}
            await self.base_send(message)

    def _leave(self) -> None:
        """Give back everything that this socket holds; idempotent."""
        if self.session is not None:
            self.session.close()
            self.session = None
        if self.writing is not None:
            self.writing.cancel()
            self.writing = None
