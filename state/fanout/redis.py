"""The grown hub: one Redis subscription for the process, in a thread of its own; every batch is one pipeline."""

from __future__ import annotations

import asyncio
import logging
import struct
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import InvalidStateError
from contextlib import suppress
from typing import Any, Final

import redis
import redis.asyncio
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from state.fanout.hub import Hub, Outgoing, Subscription

logger = logging.getLogger(__name__)

_PREFIX: Final = b"stars:"
#: Keeps the connection in subscriber mode while nobody listens to anything.
_ANCHOR: Final = b"stars"
#: `first` and `last` before the payload.
_NUMBERS: Final = struct.Struct(">qq")
#: Seconds: of silence before the connection is probed, and between attempts to reconnect (doubling).
_PROBE: Final = 10.0
_BACKOFF: Final = (0.05, 2.0)
#: Seconds that publishing rests after a failure, so that commits do not wait for a Redis that is away.
_REST: Final = 1.0


class RedisHub(Hub):
    """What is published is heard by every process on the same Redis, the publisher's own included."""

    def __init__(self, url: str) -> None:
        """`url` as redis-py reads it. Connects at first use, and again whenever the connection is lost."""
        super().__init__()
        self._url = url
        self._publisher = redis.Redis.from_url(
            url,
            socket_connect_timeout=1.0,
            socket_timeout=2.0,
            retry=Retry(NoBackoff(), 1),  # one, for a pooled connection that Redis has closed
        )
        self._resting_until = 0.0
        #: Topics that Redis sends us, by its own word.
        self._in_force: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="stars-hub", daemon=True)
        self._started = False

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Send all in one round trip. A Redis that does not answer is logged, and left alone for a second."""
        if time.monotonic() < self._resting_until:
            return
        try:
            with self._publisher.pipeline(transaction=False) as pipe:
                for topic, payload, first, last in messages:
                    pipe.publish(_channel(topic), _NUMBERS.pack(first, last) + payload)
                pipe.execute()
        except (redis.RedisError, OSError) as error:
            self._resting_until = time.monotonic() + _REST
            logger.warning("not published, viewers will read the database: %s", error)

    def close(self) -> None:
        """Drop all listeners, end the thread and close the connections."""
        super().close()
        with self._lock:
            self._closing, loop = True, self._loop
        if loop is not None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._changed.set)
            self._thread.join(5)
        self._publisher.close()

    def forget(self, subscription: Subscription) -> None:
        super().forget(subscription)
        self._wake()

    def _wanted(self, subscription: Subscription) -> None:
        with self._lock:
            start, self._started = not self._started and not self._closing, True
            in_force = subscription.topic in self._in_force
        if start:
            self._thread.start()
        if in_force:
            with suppress(InvalidStateError):  # confirmed just now, or closed
                subscription.ready.set_result(None)
        else:
            self._wake()

    def _wake(self) -> None:
        with self._lock:
            loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(self._changed.set)

    # --- in the hub's thread ---

    def _run(self) -> None:
        asyncio.run(self._keep_connected())

    async def _keep_connected(self) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
        wait = _BACKOFF[0]
        while not self._closing:
            client = redis.asyncio.Redis.from_url(
                self._url, socket_connect_timeout=2.0, retry=AsyncRetry(NoBackoff(), 0)
            )
            session = _Session(self, client.pubsub())
            try:
                await session.run()
            # Whatever it is: without this thread the process hears of nothing more. redis-py connects a lost connection
            # again within a SUBSCRIBE while the other task still reads from it, which ends in a RuntimeError.
            except Exception as error:
                if self._closing:
                    return
                wait = _BACKOFF[0] if session.was_up else min(wait * 2, _BACKOFF[1])
                logger.warning("hub lost Redis, next try in %.2f s: %s", wait, error)
                await asyncio.sleep(wait)
            finally:
                with self._lock:
                    self._in_force.clear()
                await session.pubsub.aclose()  # type: ignore[no-untyped-call]
                await client.aclose()

    def _confirmed(self, topic: str) -> None:
        """Redis sends us this topic from now on: tell who waits for that, and have the others check."""
        late = []
        with self._lock:
            self._in_force.add(topic)
        for subscription in self._listeners(topic):
            if subscription.ready.done():
                late.append((subscription, None))
            else:
                with suppress(InvalidStateError):  # closed meanwhile
                    subscription.ready.set_result(None)
        self._call(late)


class _Session:
    """One connection's life: keeps Redis' idea of our topics the same as ours, and passes on what comes."""

    def __init__(self, hub: RedisHub, pubsub: PubSub) -> None:
        self.hub = hub
        self.pubsub = pubsub
        self.was_up = False
        self._asked: set[str] = set()
        #: SUBSCRIBEs not yet confirmed, for a topic may be left and taken up again in between.
        self._pending: Counter[str] = Counter()

    async def run(self) -> None:
        """Until the hub closes. Raises RedisError or OSError when the connection is lost."""
        await self.pubsub.subscribe(_ANCHOR)
        tasks = [asyncio.ensure_future(self._steer()), asyncio.ensure_future(self._read())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _steer(self) -> None:
        """Send one SUBSCRIBE and one UNSUBSCRIBE for all that changed since the last time."""
        hub = self.hub
        while not hub._closing:
            hub._changed.clear()
            with hub._lock:
                wanted = set(hub._topics)
                new, old = wanted - self._asked, self._asked - wanted
                self._asked = wanted
                hub._in_force -= old
            if new:
                self._pending.update(new)
                await self.pubsub.subscribe(*map(_channel, new))
            if old:
                await self.pubsub.unsubscribe(*map(_channel, old))
            await hub._changed.wait()

    async def _read(self) -> None:
        probed = False
        while True:
            message: dict[str, Any] | None = await self.pubsub.get_message(timeout=_PROBE)
            if message is None:
                if probed:
                    raise TimeoutError("Redis does not answer")
                probed = True
                await self.pubsub.ping()
                continue
            probed, self.was_up = False, True
            if message["type"] == "message":
                first, last = _NUMBERS.unpack_from(message["data"])
                payload = message["data"][_NUMBERS.size :]
                self.hub._deliver([Outgoing(_topic(message["channel"]), payload, first, last)])
            elif message["type"] == "subscribe" and message["channel"] != _ANCHOR:
                topic = _topic(message["channel"])
                self._pending[topic] -= 1
                if not self._pending[topic]:
                    del self._pending[topic]
                    if topic in self._asked:
                        self.hub._confirmed(topic)


def _channel(topic: str) -> bytes:
    return _PREFIX + topic.encode()


def _topic(channel: bytes) -> str:
    return channel[len(_PREFIX) :].decode()
