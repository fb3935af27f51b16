"""Redis servers of several promises, and layers on them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from state.persistence.codec import Codec
from state.persistence.keyring import Keyring
from state.persistence.redis import RedisPersistence
from state.values import Committed, PersistenceConfig, PersistenceType
from tests.persistence.build import SPACE, a_tx, a_write
from tests.servers import RedisServer, free_port

PLAIN = Codec(False, False, Keyring())
SAFE = ("--appendonly", "yes", "--appendfsync", "always")
RELAXED = ("--appendonly", "yes", "--appendfsync", "everysec")


def layer_on(
    url: str, codec: Codec = PLAIN, *, seconds: float = 10, **changes: Any
) -> RedisPersistence:
    """A layer; the test closes it."""
    config = PersistenceConfig(
        type=PersistenceType.REDIS,
        connection_string=url,
        timeout=timedelta(seconds=seconds),
        **changes,
    )
    return RedisPersistence(config, codec)


@contextmanager
def server(*options: str) -> Iterator[RedisServer]:
    """A Redis of its own."""
    running = RedisServer(*options)
    running.start()
    try:
        yield running
    finally:
        running.remove()


class Proxy:
    """Stands between a layer and its Redis, and can cut the connection at either end of a command."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", free_port()))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        #: The next command that has this in it reaches Redis, and its answer nobody.
        self.swallow_answer_of = b""
        #: The next command that has this in it is cut in the middle.
        self.cut_within = b""
        #: Set once Redis has answered what is swallowed.
        self.swallowed = threading.Event()
        self._sockets: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                redis = socket.create_connection(("127.0.0.1", self._to))
                self._sockets += [client, redis]
                threading.Thread(target=self._carry, args=(client, redis), daemon=True).start()

    def _carry(self, client: socket.socket, redis: socket.socket) -> None:
        with suppress(OSError), client, redis:
            threading.Thread(target=self._answer, args=(redis, client), daemon=True).start()
            while sent := client.recv(1 << 20):
                if self.cut_within and self.cut_within in sent:
                    self.cut_within = b""
                    redis.sendall(sent[: len(sent) // 2])
                    client.shutdown(socket.SHUT_RDWR)
                    return
                if self.swallow_answer_of and self.swallow_answer_of in sent:
                    self.swallow_answer_of = b""
                    self.swallowed.clear()
                    redis.sendall(sent)
                    assert self.swallowed.wait(10)
                    client.shutdown(socket.SHUT_RDWR)
                    return
                self.swallowed.set()
                redis.sendall(sent)

    def _answer(self, redis: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while answer := redis.recv(1 << 20):
                if not self.swallowed.is_set():
                    self.swallowed.set()
                    return
                client.sendall(answer)

    def close(self) -> None:
        """Cut everything."""
        for each in self._sockets:
            with suppress(OSError):
                each.close()


def increments(layer: RedisPersistence, many: int) -> int:
    """Add to one counter as everybody does: read, add, commit on condition. How often somebody else was first."""
    losses = done = 0
    while done < many:
        known = layer.load_states(SPACE, ["counter"])
        version = known["counter"].version if known else 0
        value = known["counter"].data["n"] if known else 0
        result = layer.commit(
            SPACE, [a_tx(a_write("counter", {"n": value + 1}, expect=version, minute=0))]
        )[0]
        done, losses = (done + 1, losses) if isinstance(result, Committed) else (done, losses + 1)
    return losses
