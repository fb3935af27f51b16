"""A subscription in the user's hands: its replica, a stream of changes, waiting for what shall become true."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias
from weakref import WeakSet

from state.errors import StarsError
from state.sync.client.backoff import Resets
from state.sync.client.refusals import NotSubscribed, from_frame
from state.sync.client.replica import Frame, Replica, Saved
from state.sync.client.values import Change, ChangeKind, State
from state.sync.protocol import ConflictFrame, ErrorFrame, StatesNotFound, Sub

if TYPE_CHECKING:
    from state.sync.client.client import StarsClient

Mode: TypeAlias = Literal["all", "latest"]
States: TypeAlias = Mapping[str, State]
#: Changes that wait for whoever iterates over them, before the server is asked to wait.
BUFFER: Final = 1000


class Changes(AsyncIterator[Change]):
    """What happens to the replica from now on, in order. It ends when the subscription does.

    While `buffer` changes wait here, the client acknowledges nothing more for this subscription; after two seconds it
    leaves it, so that others do not wait too, and comes back to its place when half of them were taken: the replica
    then lags, and nothing is lost.
    """

    def __init__(self, subscription: Subscription, buffer: int) -> None:
        self._subscription, self._buffer = subscription, buffer
        self._queue: deque[Change] = deque()
        self._news = asyncio.Event()
        self._closed = False

    @property
    def is_full(self) -> bool:
        """Whether the server is made to wait."""
        return len(self._queue) >= self._buffer

    @property
    def has_room(self) -> bool:
        """Whether it is worth while to ask the server again."""
        return len(self._queue) <= self._buffer // 2

    def put(self, changes: list[Change]) -> None:
        """By the subscription: these happened."""
        if not self._closed:
            self._queue.extend(changes)
            self._news.set()

    def close(self) -> None:
        """Want no more; idempotent. What waits is dropped."""
        self._queue.clear()
        self.end()

    def end(self) -> None:
        """By the subscription: nothing more comes."""
        self._closed = True
        self._news.set()
        self._subscription.drained()

    async def __anext__(self) -> Change:
        while not self._queue:
            if self._subscription.failure is not None:
                raise self._subscription.failure
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        was_full = self.is_full
        change = self._queue.popleft()
        if was_full or len(self._queue) == self._buffer // 2:
            self._subscription.drained()
        return change

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


class Subscription:
    """States by id, or all below a prefix, as the server has them; made by `StarsClient.subscribe`."""

    def __init__(
        self,
        client: StarsClient,
        number: int,
        patterns: tuple[str, ...],
        mode: Mode,
        saved: Saved | None,
        *,
        verify: bool,
    ) -> None:
        self.number, self.patterns, self.mode = number, patterns, mode
        self.replica = Replica(verify=verify, saved=saved)
        #: Ids that the server said are not there, or not for you; they come when they are.
        self.missing: tuple[str, ...] = ()
        #: Why it ended, when it did not end by `close`.
        self.failure: StarsError | None = None
        self.is_closed = False
        #: The server was asked, on the present connection.
        self.is_asked = False
        #: When, on the loop's clock; and how often it had to begin anew.
        self.asked_at = 0.0
        self.resets = Resets()
        #: Entries that are asked for on a connection of mode "pull", until a mark comes.
        self.pulls = 0
        self._client = client
        self._consumers: WeakSet[Changes] = WeakSet()
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    # -- reading -----------------------------------------------------------------------------------

    @property
    def states(self) -> States:
        """The replica, by id; a view that follows. It only changes while you await something."""
        return self.replica.states

    def __getitem__(self, state: str) -> State:
        """Raises KeyError."""
        return self.states[state]

    def __contains__(self, state: object) -> bool:
        return state in self.states

    def get(self, state: str) -> State | None:
        """The state, or None."""
        return self.states.get(state)

    @property
    def synced(self) -> bool:
        """Whether the server said that this is all there is, and nothing hints at more."""
        return self.replica.synced and self.is_asked

    @property
    def revision(self) -> int:
        """The place in the space's history up to which everything was applied."""
        return self.replica.revision

    @property
    def is_stalled(self) -> bool:
        """Whether whoever iterates over `changes()` makes the server wait."""
        return any(each.is_full for each in self._consumers)

    @property
    def has_room(self) -> bool:
        """Whether all who iterate have taken half of what may wait for them."""
        return all(each.has_room for each in self._consumers)

    def changes(self, *, buffer: int = BUFFER) -> Changes:
        """What happens from now on: `async for change in subscription.changes()`."""
        consumer = Changes(self, buffer)
        if self.is_closed:
            consumer.end()
        else:
            self._consumers.add(consumer)
        return consumer

    async def wait_for(
        self, holds: Callable[[States], bool], *, timeout: float | None = None
    ) -> States:
        """Wait until this holds of the states; they are the answer.

        Raises TimeoutError after `timeout` seconds, and what ended the subscription.
        """
        await self.until(lambda: holds(self.states), timeout)
        return self.states

    async def pull(self, limit: int = 256) -> bool:
        """On a connection of mode "pull": fetch what is new, about `limit` entries; whether that was all."""
        return await self._client._pull(self, limit)

    async def close(self) -> None:
        """End it; idempotent. What it held stays readable, and follows no more."""
        await self._client._unsubscribe(self)

    # -- by the client -----------------------------------------------------------------------------

    async def until(self, holds: Callable[[], bool], timeout: float | None) -> None:
        """Wait until this holds, as seen after each frame. Raises TimeoutError, and what ended the subscription."""
        if self.failure is not None:
            raise self.failure
        if holds():
            return
        if self.is_closed:
            raise NotSubscribed
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (holds, waiter)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(timeout):
                await waiter
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)

    def ask(self, *, fresh: bool) -> Sub:
        """The frame that subscribes from where the replica is."""
        self.is_asked, self.asked_at = True, asyncio.get_running_loop().time()
        token, why = self.replica.ask(fresh=fresh)
        return Sub(sub=self.number, states=self.patterns, from_=token, mode=self.mode, why=why)

    def receive(self, frame: Frame) -> None:
        """Apply a frame and tell everybody."""
        self.tell(self.replica.receive(frame))

    def collided(self, frame: ConflictFrame) -> None:
        """Tell of a conflict."""
        self.tell([Change(kind=ChangeKind.CONFLICT, state=frame.state, conflict=frame)])

    def refused(self, frame: ErrorFrame) -> None:
        """The server said no to something about this subscription."""
        if frame.reason == StatesNotFound.reason:
            self.missing = tuple(frame.extra.get("states", ()))
        else:
            self.end(from_frame(frame))

    def tell(self, changes: list[Change]) -> None:
        """Give changes to whoever iterates, and look again at what is waited for."""
        if changes:
            for consumer in tuple(self._consumers):
                consumer.put(changes)
        for holds, waiter in tuple(self._waiting):
            if waiter.done():
                continue
            try:
                held = holds()
            except Exception as error:  # the user's own
                waiter.set_exception(error)
            else:
                if held:
                    waiter.set_result(None)

    def drained(self) -> None:
        """There is room again for changes."""
        if not self.is_stalled:
            self._client._resume(self)

    def end(self, failure: StarsError | None = None) -> None:
        """Nothing more comes."""
        if self.is_closed:
            return
        self.is_closed, self.failure = True, failure
        for consumer in tuple(self._consumers):
            consumer.end()
        for _, waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(failure or NotSubscribed())
        self._waiting.clear()
