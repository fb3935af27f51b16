"""One run's log as an async iterator of frames: what event streams and the doors for foreign clients are made of."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Final
from weakref import finalize

import msgspec

from groups import selectors
from groups.execution.statuses import RUN_ENDED
from groups.identity import Identity
from groups.live import run_topic
from groups.viewing.outbox import Frame
from groups.viewing.watcher import Watcher
from state.fanout.outbox import Outbox
from state.threads import in_thread

#: Seconds between signs of life of a quiet stream, which keep proxies from closing it.
HEARTBEAT: Final = 15.0


class _Hello(msgspec.Struct, tag_field="type", tag="hello"):
    """How a watcher begins."""

    last_seq: int
    status: str


class Following:
    """A run's log from some event on, for one viewer. Close it, whatever happens."""

    def __init__(self, who: Identity, run_id: uuid.UUID, writable: asyncio.Event | None) -> None:
        self.run_id = run_id
        #: As they were at the beginning.
        self.last_seq, self.status = 0, ""
        self._outbox = Outbox(writable)
        self._watcher = Watcher(who, self._outbox, self._end)

    @classmethod
    async def begin(
        cls,
        who: Identity,
        run_id: uuid.UUID,
        after: int = 0,
        *,
        writable: asyncio.Event | None = None,
    ) -> Following:
        """Follow the run from the event after that number. Raises RunNotFound, BadAfter.

        `writable` is clear while the client's connection takes no more.
        """
        following = cls(who, run_id, writable)
        try:
            await following._watcher.subscribe(run_topic(run_id), after)
            hello = msgspec.json.decode(await following._outbox.get(), type=_Hello)
        except BaseException:
            following.close()
            raise
        following.last_seq, following.status = hello.last_seq, hello.status
        return following

    async def _end(self, code: int) -> None:
        self._outbox.put(None, 0)

    @property
    def had_ended(self) -> bool:
        """Whether the run had ended when this began."""
        return self.status in RUN_ENDED

    def close(self) -> None:
        """Give everything back; idempotent."""
        self._watcher.close()

    def close_with(self, owner: object) -> None:
        """Close when `owner` is no more: a client that goes before the first byte leaves a generator that never
        began, and so never ends either."""
        loop = asyncio.get_running_loop()
        finalize(owner, lambda: loop.is_closed() or loop.call_soon_threadsafe(self.close))

    async def frames(self, beat: float = HEARTBEAT) -> AsyncIterator[Frame | None]:
        """The frames as they come, None after every `beat` seconds without one.

        Ends after the one in which the run's log is at rest, and when the viewer may watch no more.
        """
        try:
            while True:
                try:
                    async with asyncio.timeout(beat):
                        item: Frame | str | None = await self._outbox.get()
                except TimeoutError:
                    yield None
                    continue
                if not isinstance(item, Frame):
                    # The session or token has ended, or the run is there no more for this user.
                    return
                yield item
                if item.at_rest:
                    found = await in_thread(selectors.last_seq)(self.run_id)
                    if found is None or found[0] == item.last:
                        return
        finally:
            self.close()
