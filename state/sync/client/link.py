"""The living link of a client: connects, talks, and connects again after every break that is not for good."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from state.errors import StarsError
from state.sync.client.backoff import Backoff
from state.sync.client.connection import Connection, Lost
from state.sync.client.posting import Posting
from state.sync.client.refusals import ClientClosed, NotAuthenticated
from state.sync.client.store import Kept, Store, key_of
from state.sync.client.subscription import Subscription
from state.sync.client.talk import Talk
from state.sync.client.values import Written
from state.sync.protocol import Hello, Write
from state.values import ConnectionStatus

logger = logging.getLogger(__name__)

#: Seconds after which changed replicas are kept.
KEEP_S: Final = 1.0
#: Seconds that a connection has to stand for the next pause to be a first one again.
STEADY_S: Final = 5.0


class Link:
    """See above."""

    def __init__(
        self,
        dial: Callable[[], Awaitable[Connection]],
        hello: Callable[[str | None], Hello],
        *,
        renews: bool = False,
        store: Store | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        """`dial` opens a socket; `hello(session)` is what is said first on it, raises Lost, and with `renews` has
        another token each time."""
        self.status = ConnectionStatus.CONNECTING
        #: Who the server says this is (a principal).
        self.agent = ""
        self.session = store.kept.session if store else None
        #: Why it ended for good, and why the last connection did.
        self.failure: StarsError | None = None
        self.trouble = ""
        self.connected = asyncio.Event()
        self.subscriptions: dict[int, Subscription] = {}
        self.posting = Posting(store)
        self._dial, self._hello, self._store = dial, hello, store
        self._backoff = backoff or Backoff()
        #: Its token was refused, and another one not tried yet.
        self._renews, self._renewing = renews, False
        self._talk: Talk | None = None
        self._head = 0
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def head(self) -> int:
        """Where the space stood last, as the server said."""
        return self._talk.head if self._talk is not None else self._head

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
            try:
                self._store.keep(self._kept(self._store))
            except OSError as error:
                logger.warning("stars: the replicas could not be kept: %s", error)
            self._store.close()

    # -- what the client asks for ---------------------------------------------------------------

    def begin(self, subscription: Subscription) -> None:
        """Subscribe, now and after every break."""
        self._usable()
        self.subscriptions[subscription.number] = subscription
        if self._talk is not None:
            self._talk.ask(subscription)

    def leave(self, subscription: Subscription) -> None:
        """Subscribe no more."""
        found = self.subscriptions.pop(subscription.number, None)
        if found is not None and self._talk is not None:
            self._talk.leave(subscription)

    def resume(self, subscription: Subscription) -> None:
        """There is room again for what the subscription brings."""
        if subscription.number in self.subscriptions and self._talk is not None:
            self._talk.resume(subscription)

    def pull(self, subscription: Subscription, limit: int) -> None:
        """Ask for what is new, again after a break until a mark comes."""
        self._usable()
        subscription.pulls = limit
        if self._talk is not None:
            self._talk.pull(subscription)

    def write(self, write: Write, *, settled: bool) -> asyncio.Future[Written]:
        """Queue a write; the answer, or with `settled` the last one. Raises what the outbox and its store raise."""
        self._usable()
        future = self.posting.write(write, settled=settled)
        if self._talk is not None:
            self._talk.wake()
        return future

    def _usable(self) -> None:
        if self.failure is not None:
            raise self.failure
        if not self._tasks:
            raise ClientClosed

    # -- connecting -----------------------------------------------------------------------------

    async def _run(self) -> None:
        try:
            while True:
                pause = await self._connect()
                if self.agent:
                    self.status = ConnectionStatus.RECONNECTING
                await asyncio.sleep(pause)
        except StarsError as refusal:
            self._fail(refusal)
        except Exception as error:
            logger.exception("stars: the client failed")
            failure = StarsError(f"The client failed: {error!r}.")
            failure.__cause__ = error
            self._fail(failure)

    async def _connect(self) -> float:
        """Connect and talk; after that, seconds to wait before the next time. Raises what is final."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            connection = await self._dial()
            try:
                began = loop.time()
                await self._serve(connection)
            except Lost:
                await connection.close(for_good=False)
                raise
            finally:
                await connection.close()
        except Lost as lost:
            self.trouble = lost.why
            if lost.final is not None and not self._renew(lost.final):
                raise lost.final from lost
            if loop.time() - began >= STEADY_S:
                self._backoff.succeeded()
            if lost.session_gone:
                self.session = None
            if lost.too_large:
                self.posting.cut()
            pause = self._backoff.pause(lost.pause)
            logger.info("stars: %s; connecting again in %.1f s", lost.why, pause)
            return pause
        raise AssertionError("talking ends by being lost")

    def _renew(self, refusal: StarsError) -> bool:
        """Whether a fresh token may help, once in a row."""
        helps = refusal.status == NotAuthenticated.status and self._renews and not self._renewing
        self._renewing = helps
        return helps

    async def _serve(self, connection: Connection) -> None:
        """Raises Lost in the end."""
        welcome = await connection.hello(self._hello(self.session))
        self.agent, self.session, self._renewing = welcome.agent, welcome.session, False
        self.status, self.trouble = ConnectionStatus.CONNECTED, ""
        self._changed.set()
        self._talk = Talk(connection, welcome, self.subscriptions, self.posting, self._changed.set)
        self.connected.set()
        loop, broke_at = asyncio.get_running_loop(), None
        self.posting.connected(loop.time())
        try:
            await self._talk.run()
        except Lost as lost:
            broke_at = loop.time() if lost.broke else None
            raise
        finally:
            self._head, self._talk = self._talk.head, None
            self.connected.clear()
            self.posting.disconnected(broke_at)
            for each in self.subscriptions.values():
                each.is_asked = False

    def _fail(self, failure: StarsError) -> None:
        self.failure, self.status = failure, ConnectionStatus.ERROR
        self._end(failure)
        self.connected.set()

    def _end(self, why: StarsError) -> None:
        for each in tuple(self.subscriptions.values()):
            each.end(why)
        self.posting.end(why)

    # -- keeping --------------------------------------------------------------------------------

    async def _keep(self, store: Store) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(KEEP_S)
            self._changed.clear()
            try:
                await asyncio.to_thread(store.keep, self._kept(store))
            except OSError as error:
                # What was kept before stays; the next change is another attempt.
                logger.warning("stars: the replicas could not be kept: %s", error)

    def _kept(self, store: Store) -> Kept:
        """As it is now; a replica that is being fetched anew stays as it was kept."""
        kept = store.kept
        kept.session = self.session
        for each in self.subscriptions.values():
            saved = each.replica.saved()
            if saved is not None:
                kept.replicas[key_of(each.patterns, each.mode)] = saved
        return Kept(
            space=kept.space, agent=kept.agent, session=kept.session, replicas=dict(kept.replicas)
        )
