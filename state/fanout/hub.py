"""Topics and their listeners within one process, and the thread-safe way from any thread to a listener's event loop."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import NamedTuple
from weakref import WeakKeyDictionary

logger = logging.getLogger(__name__)


class Outgoing(NamedTuple):
    """One message for one topic. `first` and `last` number what it carries (0: it is not numbered)."""

    topic: str
    payload: bytes
    first: int = 0
    last: int = 0


Listener = Callable[[Outgoing], None]
_Call = Callable[[], None]


class Subscription:
    """One listener on one topic, until `close()`.

    `ready` is done once every later message of the topic will be heard: `ready.result(timeout)` in a thread,
    `await asyncio.wrap_future(ready)` in a loop. While Redis is away it stays undone, and `resync` is called later.
    """

    __slots__ = ("_hub", "closed", "listener", "loop", "ready", "resync", "topic")

    def __init__(
        self,
        hub: Hub,
        topic: str,
        listener: Listener,
        loop: asyncio.AbstractEventLoop | None,
        resync: _Call | None,
    ) -> None:
        self._hub = hub
        self.topic = topic
        self.listener = listener
        self.loop = loop
        self.resync = resync
        self.closed = False
        self.ready: Future[None] = Future()

    def close(self) -> None:
        """Hear nothing more; idempotent, from any thread."""
        if not self.closed:
            self.closed = True
            self._hub.forget(self)

    def hear(self, message: Outgoing) -> None:
        """Call the listener; what it raises is logged, for no listener may disturb another."""
        if not self.closed:
            try:
                self.listener(message)
            except Exception:
                logger.exception("a listener failed", extra={"topic": message.topic})

    def check(self) -> None:
        """Tell the listener that it may have missed something."""
        if not self.closed and self.resync is not None:
            try:
                self.resync()
            except Exception:
                logger.exception("a listener failed to check", extra={"topic": self.topic})


class _Mailbox:
    """What waits to be called on one event loop; wakes the loop once, however much piles up meanwhile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[tuple[Subscription, Outgoing | None]] = []

    def post(
        self, loop: asyncio.AbstractEventLoop, calls: list[tuple[Subscription, Outgoing | None]]
    ) -> bool:
        """Hand the calls over; False when the loop is closed."""
        with self._lock:
            asleep = not self._calls
            self._calls += calls
        if asleep:
            try:
                # In a context of its own: what listeners start must not inherit the publisher's.
                loop.call_soon_threadsafe(self._open, context=contextvars.Context())
            except RuntimeError:
                return False
        return True

    def _open(self) -> None:
        with self._lock:
            calls, self._calls = self._calls, []
        for subscription, message in calls:
            if message is None:
                subscription.check()
            else:
                subscription.hear(message)


class Hub:
    """The embedded hub: what is published is heard by the listeners of this process and nobody else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._topics: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._mailboxes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Mailbox] = (
            WeakKeyDictionary()
        )

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Send to all listeners of the messages' topics. Never raises: a lost message is found by its number."""
        self._deliver(messages)

    def subscribe(
        self,
        topic: str,
        listener: Listener,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        resync: _Call | None = None,
    ) -> Subscription:
        """Have `listener` called with every message of the topic, in order: on `loop`, or without one on whichever
        thread brings the message (it must then be quick and thread-safe, as `queue.Queue.put` is).

        `resync` is called likewise whenever messages may have been missed. Wait for `Subscription.ready`.
        """
        subscription = Subscription(self, topic, listener, loop, resync)
        with self._lock:
            self._topics[topic].add(subscription)
        self._wanted(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Called by `Subscription.close`."""
        with self._lock:
            listeners = self._topics.get(subscription.topic)
            if listeners is not None:
                listeners.discard(subscription)
                if not listeners:
                    del self._topics[subscription.topic]
        subscription.ready.cancel()

    def close(self) -> None:
        """Drop all listeners."""
        with self._lock:
            everyone = [each for listeners in self._topics.values() for each in listeners]
        for subscription in everyone:
            subscription.close()

    def _wanted(self, subscription: Subscription) -> None:
        """A subscription was added; within the process it is in force at once."""
        subscription.ready.set_result(None)

    def _listeners(self, topic: str) -> tuple[Subscription, ...]:
        with self._lock:
            return tuple(self._topics.get(topic, ()))

    def _deliver(self, messages: Iterable[Outgoing]) -> None:
        """Call or post every listener of every message, one post per loop."""
        self._call((each, m) for m in messages for each in self._listeners(m.topic))

    def _call(self, calls: Iterable[tuple[Subscription, Outgoing | None]]) -> None:
        """`None` instead of a message asks the listener to check."""
        posts: defaultdict[
            asyncio.AbstractEventLoop, list[tuple[Subscription, Outgoing | None]]
        ] = defaultdict(list)
        for subscription, message in calls:
            if subscription.loop is not None:
                posts[subscription.loop].append((subscription, message))
            elif message is None:
                subscription.check()
            else:
                subscription.hear(message)
        for loop, batch in posts.items():
            with self._lock:
                mailbox = self._mailboxes.setdefault(loop, _Mailbox())
            if not mailbox.post(loop, batch):
                for subscription, _ in batch:  # its loop is gone, and with it the listener
                    subscription.close()
