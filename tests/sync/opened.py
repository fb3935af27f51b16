"""Sockets without a websocket, in a space `lab` in memory: what they are sent stays in their outboxes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from state.fanout.outbox import Outbox
from state.policy import Caller
from state.sync.feed import Feed
from state.sync.live import Live
from state.sync.pool import Pool
from state.sync.protocol import Hello
from state.sync.sessions import Opened
from state.values import ConnectionType

ADMIN = Caller(space="lab", name="human:ada", admin=True)
WIM = Caller(space="lab", name="agent:wim")
#: On which the directory's news of rights come.
TOPIC = "rights-of-lab"


@dataclass
class _User:
    pk: Any = 1


@dataclass
class Who:
    """Somebody signed in."""

    user: Any = field(default_factory=_User)
    expires_at: datetime | None = None

    async def renewed(self) -> Who:
        return self


class Directory:
    """Everybody is wim; `look` may be replaced."""

    def __init__(self) -> None:
        self.looks = 0

    def look(self) -> Caller:
        return WIM

    def caller(self, user: Any, space: str, *, agent: str = "") -> Caller:
        self.looks += 1
        return self.look()

    async def identify(self, headers: Any, session_key: Any) -> None:
        return None

    def topics(self, space: str) -> tuple[str, ...]:
        return (TOPIC,)

    def concerns_rights(self, payload: bytes) -> bool:
        return True


class Socket:
    """A socket of the pool that has said hello, or (`opened` False) not."""

    def __init__(
        self,
        pool: Pool,
        feed: Feed | None = None,
        *,
        name: str = "s",
        generation: int = 1,
        caller: Caller = WIM,
        who: Who | None = None,
        mode: ConnectionType = ConnectionType.BIDIRECTIONAL,
    ) -> None:
        self.outbox, self.codes = Outbox(), list[int]()
        self.live = Live(pool, "lab", self.outbox, who or Who(), self.codes.append)
        pool.greet(self.live)
        if feed is not None:
            self.live.hello, self.live.caller, self.live.feed = (
                Hello(proto=1, mode=mode),
                caller,
                feed,
            )
            feed.guests += 1
            self.live.opened = Opened(id=name, generation=generation)
            pool.enter(self.live)

    async def say(self, t: str, **fields: Any) -> None:
        await self.live.receive(json.dumps({"t": t, **fields}))

    def taken(self) -> list[dict[str, Any]]:
        """What has come, which is read by that."""
        found = []
        while self.outbox._items:
            item, size = self.outbox._items.popleft()
            self.outbox._size -= size
            found.append(json.loads(item))
        self.outbox._emptied.set()
        return found
