"""The living link of a client: connects, subscribes again after every break, acknowledges, posts writes, keeps.

One task runs it; one more posts everything that is said, in order, and one acknowledges what came. Nothing here waits
for the application: frames are applied and heartbeats answered whether it looks or not.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from msgspec import UNSET

from state.errors import StarsError
from state.sync.client.acks import Acks
from state.sync.client.backoff import Backoff, Resets
from state.sync.client.connection import Connection, Lost
from state.sync.client.posting import Posting
from state.sync.client.refusals import ClientClosed
from state.sync.client.replica import Frame
from state.sync.client.store import Kept, Store, key_of
from state.sync.client.subscription import Subscription
from state.sync.client.values import Written
from state.sync.protocol import (
    ClientFrame,
    ClientHb,
    ConflictFrame,
    Delta,
    ErrorFrame,
    Hello,
    Mark,
    Res,
    Reset,
    Revoked,
    ServerFrame,
    ServerHb,
    Snap,
    UnknownSubscription,
    Unsub,
    Welcome,
    Window,
    Write,
)
from state.values import ConnectionStatus

logger = logging.getLogger(__name__)

#: Seconds after which what was applied is acknowledged, at the latest.
ACK_S: Final = 0.5
#: Seconds after which changed replicas are kept.
KEEP_S: Final = 1.0
#: Reason of a refused token (`sync.tokens`).
BAD_TOKEN: Final = "bad_token"
#: Seconds that a connection has to stand for the next pause to be a first one again.
STEADY_S: Final = 5.0


class Link:
    """See above."""

    def __init__(
        self,
        dial: Callable[[], Awaitable[Connection]],
        hello: Callable[[str | None], Hello],
        *,
        store: Store | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        """`dial` opens a socket; `hello(session)` is what is said first on it."""
        self.status = ConnectionStatus.CONNECTING
        #: Who the server says this is (a principal), and where the space stood last.
        self.agent, self.head = "", 0
        self.session = store.kept.session if store else None
        #: Why it ended for good, and why the last connection did.
        self.failure: StarsError | None = None
        self.trouble = ""
        self.connected = asyncio.Event()
        self.subscriptions: dict[int, Subscription] = {}
        self.posting = Posting(store)
        self._dial, self._hello, self._store = dial, hello, store
        self._backoff, self._resets = backoff or Backoff(), Resets()
        self._acks = Acks(Window())
        self._connection: Connection | None = None
        self._out: deque[ClientFrame] = deque()
        self._wake, self._came, self._changed = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    # -- for the client ----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to connect."""
        self._tasks.append(asyncio.create_task(self._run()))
        if self._store is not None:
            self._tasks.append(asyncio.create_task(self._keep(self._store)))

    async def stop(self) -> None:
        """End for good; what is not answered stays kept. Idempotent."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.failure is None:
            self.status = ConnectionStatus.DISCONNECTED
            self._end(ClientClosed())
        if self._store is not None and tasks:
            self._store.save(self._kept())
            self._store.close()

    def begin(self, subscription: Subscription) -> None:
        """Subscribe, now and after every break."""
        self._usable()
        self.subscriptions[subscription.number] = subscription
        if self._connection is not None:
            self._say(subscription.ask(fresh=True))

    def leave(self, subscription: Subscription) -> None:
        """Subscribe no more."""
        if self.subscriptions.pop(subscription.number, None) is not None:
            self._acks.forget(subscription.number)
            if self._connection is not None:
                self._say(Unsub(sub=subscription.number))

    def resume(self, subscription: Subscription) -> None:
        """There is room again for what the subscription brings."""
        if subscription.is_closed or self._connection is None:
            return
        if subscription.is_asked:
            self._acks.applied(subscription.number, subscription.revision)
            self._acknowledge()
        else:
            self._say(subscription.ask(fresh=True))

    def say(self, frame: ClientFrame) -> None:
        """Send a frame on the present connection; without one it is dropped."""
        self._usable()
        if self._connection is not None:
            self._say(frame)

    def write(self, write: Write, *, settled: bool) -> asyncio.Future[Written]:
        """Queue a write; the answer, or with `settled` the last one. Raises what the outbox and its store raise."""
        self._usable()
        future = self.posting.write(write, settled=settled)
        self._wake.set()
        return future

    def _usable(self) -> None:
        if self.failure is not None:
            raise self.failure
        if not self._tasks:
            raise ClientClosed

    # -- connecting --------------------------------------------------------------------------------

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                connection = await self._dial()
                try:
                    began = loop.time()
                    await self._serve(connection)
                finally:
                    await connection.close()
            except Lost as lost:
                self.trouble = lost.why
                if lost.final is not None:
                    self._fail(lost.final)
                    return
                if loop.time() - began >= STEADY_S:
                    self._backoff.succeeded()
                pause = self._backoff.pause(lost.pause)
                logger.info("stars: %s; connecting again in %.1f s", lost.why, pause)
            except StarsError as error:
                self._fail(error)
                return
            except Exception as error:
                logger.exception("stars: the client failed")
                failed = StarsError(f"The client failed: {error!r}.")
                failed.__cause__ = error
                self._fail(failed)
                return
            if self.session is not None:
                self.status = ConnectionStatus.RECONNECTING
            await asyncio.sleep(pause)

    async def _serve(self, connection: Connection) -> None:
        """Until the connection is lost. Raises Lost."""
        welcome = await connection.hello(self._hello(self.session))
        self._begin(welcome)
        self._connection = connection
        helpers = [
            asyncio.create_task(self._post(connection)),
            asyncio.create_task(self._acknowledge_soon()),
        ]
        try:
            for each in self.subscriptions.values():
                if not each.is_stalled:
                    self._say(each.ask(fresh=True))
            self._wake.set()
            self.connected.set()
            while True:
                frame, size = await connection.receive()
                self._take(frame, size)
        finally:
            self._connection = None
            self.connected.clear()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            self.posting.disconnected()
            for each in self.subscriptions.values():
                each.is_asked = False

    def _begin(self, welcome: Welcome) -> None:
        self.status, self.trouble = ConnectionStatus.CONNECTED, ""
        self.agent, self.session = welcome.agent, welcome.session
        self.head = welcome.head
        self._acks = Acks(welcome.window)
        self._out.clear()
        self._changed.set()

    def _fail(self, failure: StarsError) -> None:
        self.failure, self.status = failure, ConnectionStatus.ERROR
        self._end(failure)
        self.connected.set()

    def _end(self, why: StarsError) -> None:
        for each in tuple(self.subscriptions.values()):
            each.end(why)
        self.subscriptions.clear()
        self.posting.end(why)

    # -- saying ------------------------------------------------------------------------------------

    def _say(self, frame: ClientFrame) -> None:
        self._out.append(frame)
        self._wake.set()

    async def _post(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        with suppress(Lost):  # whoever reads hears of it
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._out:
                    await connection.send(self._out.popleft())
                if wait := self.posting.wait(loop.time()):
                    loop.call_later(wait, self._wake.set)
                    continue
                for write in self.posting.outbox.take():
                    await connection.send(write)

    async def _acknowledge_soon(self) -> None:
        while True:
            await self._came.wait()
            await asyncio.sleep(ACK_S)
            self._came.clear()
            for each in self.subscriptions.values():
                if each.is_stalled:
                    self._came.set()  # look again whether there is room
                elif each.is_asked:
                    self._acks.applied(each.number, each.revision)
            self._acknowledge()

    def _acknowledge(self) -> None:
        for ack in self._acks.take():
            self._say(ack)

    # -- hearing -----------------------------------------------------------------------------------

    def _take(self, frame: ServerFrame, size: int) -> None:
        match frame:
            case Snap() | Delta() | Mark() | Reset() | Revoked():
                self._feed(frame, size)
            case ServerHb():
                self.head = max(self.head, frame.head)
                places = [each.revision for each in self.subscriptions.values()]
                self._say(ClientHb(n=frame.n, applied=min(places, default=0)))
            case Res():
                self.posting.answered(frame)
                self._wake.set()
            case ErrorFrame():
                self._refused(frame)
            case ConflictFrame():
                about = self.subscriptions.get(frame.sub)
                if about is not None:
                    about.collided(frame)
            case _:
                pass  # a second welcome; bye, which the connection keeps

    def _feed(self, frame: Frame, size: int) -> None:
        subscription = self.subscriptions.get(frame.sub)
        if subscription is None or not subscription.is_asked:
            return
        if isinstance(frame, Delta | Snap):
            self._acks.came(len(frame.entries if isinstance(frame, Delta) else frame.states), size)
        if isinstance(frame, Reset):
            self._acks.forget(frame.sub)
        elif not isinstance(frame, Revoked):
            self.head = max(self.head, frame.rev)
        subscription.receive(frame)
        self._changed.set()
        # A reset for integrity was asked for, and counted.
        was_reset = isinstance(frame, Reset) and frame.reason != "integrity"
        if was_reset or subscription.replica.lost:
            self._anew(subscription)
        if not subscription.is_stalled:
            self._acks.applied(frame.sub, subscription.revision)
        if self._acks.are_urgent:
            self._acknowledge()
        else:
            self._came.set()

    def _anew(self, subscription: Subscription) -> None:
        """It was reset, or cannot go on: ask again, unless that goes on and on. Raises Lost."""
        lost = subscription.replica.lost
        if lost:
            logger.warning("stars: %s in %s", lost, ", ".join(subscription.patterns))
        if self._resets.are_too_many(asyncio.get_running_loop().time()):
            raise Lost("sent back to the beginning again and again", pause=self._backoff.pause())
        if lost:
            self._acks.forget(subscription.number)
            self._say(subscription.ask(fresh=False))

    def _refused(self, frame: ErrorFrame) -> None:
        if frame.op_id is not UNSET:
            self.posting.refused(frame)
            self._wake.set()
            return
        subscription = self.subscriptions.get(frame.sub) if frame.sub is not UNSET else None
        if subscription is None:
            logger.warning("stars: the server refused: %s (%s)", frame.message, frame.reason)
        elif frame.reason == BAD_TOKEN and subscription.replica.token:
            subscription.replica.forget_token()
            self._say(subscription.ask(fresh=True))
        elif frame.reason != UnknownSubscription.reason:
            subscription.refused(frame)
            if subscription.is_closed:
                self.subscriptions.pop(subscription.number, None)

    # -- keeping -----------------------------------------------------------------------------------

    async def _keep(self, store: Store) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(KEEP_S)
            self._changed.clear()
            await asyncio.to_thread(store.save, self._kept())

    def _kept(self) -> Kept:
        """As it is now; a replica that is being fetched anew stays as it was kept."""
        assert self._store is not None
        kept = self._store.kept
        kept.session = self.session
        for each in self.subscriptions.values():
            saved = each.replica.saved()
            if saved is not None:
                kept.replicas[key_of(each.patterns, each.mode)] = saved
        return Kept(
            space=kept.space, agent=kept.agent, session=kept.session, replicas=dict(kept.replicas)
        )
