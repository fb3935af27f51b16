"""Who reads over HTTP for a while, and what it may see: looked up again when that may have changed.

For long polls and streams what `live` is for sockets. Belongs to one event loop.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from state.errors import NotAllowed
from state.fanout import Outgoing, Subscription, hub
from state.policy import Caller
from state.sync import control
from state.threads import in_thread

if TYPE_CHECKING:
    from state.sync.pool import Identity, Pool

#: Seconds after which it is looked up again who reads, at the latest.
RENEW: Final = 60.0


class NotSignedIn(NotAllowed):
    """Sign in, or send `Authorization: Token …`."""

    reason = "not_authenticated"
    status = 401


class Standing:
    """See above. `begin` first, `close` at the end."""

    caller: Caller

    def __init__(self, pool: Pool, who: Identity | None, space: str, agent: str = "") -> None:
        """`who` as the request says, None when nobody is signed in; `agent`: in whose name it reads."""
        self.pool, self.who, self.space, self.agent = pool, who, space, agent
        #: Set when there is a reason to look: at this here, or at what the owner sets it for.
        self.news = asyncio.Event()
        self._changed = False
        self._read_at = 0.0
        self._heard: list[Subscription] = []

    async def begin(self) -> None:
        """Find out who it is. Raises NotSignedIn, and as `Directory.caller`."""
        loop = asyncio.get_running_loop()
        for topic in (*self.pool.directory.topics(self.space), control.TOPIC):
            self._heard.append(hub().subscribe(topic, self._hear, loop=loop, resync=self._doubt))
        try:
            await self._read()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hear nothing more; idempotent."""
        for each in self._heard:
            each.close()

    @property
    def is_due(self) -> bool:
        """Whether it has to be looked up again."""
        return self._changed or self._left() <= 0

    async def wait(self, seconds: float) -> None:
        """Until there are news, `review` is due, or for so many seconds."""
        try:
            async with asyncio.timeout(max(0.0, min(seconds, self._left()))):
                await self.news.wait()
        except TimeoutError:
            pass
        self.news.clear()

    async def review(self) -> bool:
        """Look it up again; whether `caller` is another one now. Raises NotSignedIn when token or session has ended or
        the user was deactivated, and as `Directory.caller`."""
        before = self.caller
        assert self.who is not None
        self.who = await self.who.renewed()
        await self._read()
        return self.caller != before

    async def _read(self) -> None:
        self._changed, self._read_at = False, time.monotonic()
        if self.who is None:
            raise NotSignedIn
        find = in_thread(self.pool.directory.caller)
        self.caller = await find(self.who.user, self.space, agent=self.agent)

    def _left(self) -> float:
        """Seconds until it is to be looked up again."""
        left = self._read_at + RENEW - time.monotonic()
        expires = None if self.who is None else self.who.expires_at
        if expires is not None:
            left = min(left, (expires - datetime.now(UTC)).total_seconds())
        return left

    def _hear(self, message: Outgoing) -> None:
        if message.topic == control.TOPIC:
            match control.read(message.payload):
                case control.Review(space=self.space):
                    self._doubt()
        elif self.pool.directory.concerns_rights(message.payload):
            self._doubt()

    def _doubt(self) -> None:
        self._changed = True
        self.news.set()
