"""The clients of the sync benchmark: a process told by lines of JSON (`bench.sync_site.Talker`)."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import uvloop

from bench.sync_sockets import Plain, Socket, Subscriber, Tally

#: Seconds without any arrival after which what is missing counts as lost.
SILENCE: Final = 6.0
#: Messages that may be on their way to all sockets, where nobody else says when to go on.
WINDOW: Final = 16
#: Seconds after which a reader that is stuck comes back, for its socket is closed by then; and stays stuck.
AGAIN: Final = 65.0
PAD: Final = "x" * 1024


class Clients:
    """All sockets of this process."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.sockets: list[Socket] = []
        self.stuck: list[Socket] = []
        self.port = 0

    async def connect(self, socket: Socket, *, wait: bool = True) -> Socket:
        """Open it and wait until it has begun."""
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: socket, "127.0.0.1", self.port)
        if wait:
            await asyncio.wait_for(socket.ready, 60)
        return socket

    async def open(
        self, kind: str, port: int, sockets: int, space: str = "", token: str = ""
    ) -> int:
        """So many of that kind, some at a time."""
        self.close()
        self.port = port
        self.space, self.headers = space, f"Authorization: Token {token}\r\n"
        self.tally.clear()
        for _ in range(0, sockets, 10):
            some = [self._new(kind) for _ in range(min(10, sockets - len(self.sockets)))]
            self.sockets += await asyncio.gather(*map(self.connect, some))
        self.tally.clear()
        return len(self.sockets)

    def _new(self, kind: str) -> Socket:
        if kind == "stars":
            return Subscriber(self.tally, self.space, self.headers)
        return Plain(self.tally, "/layer/" if kind == "layer" else "/")

    def close(self) -> None:
        """Drop all."""
        for each in [*self.sockets, *self.stuck]:
            each.transport.abort()
        self.sockets, self.stuck = [], []

    async def expect(self, said: list[tuple[int, int]], patience: float = 120) -> dict[str, float]:
        """Wait for what was said, pairs of number and nanoseconds, as long as anything comes or `patience` lasts; then
        tell how it went, and count anew."""
        expected, end = len(said) * len(self.sockets), time.monotonic() + patience
        await self._settle(lambda: self.tally.count >= expected or time.monotonic() > end)
        found = self.tally.report(dict(said), len(self.sockets))
        self.tally.clear()
        return found

    async def _settle(self, done: Callable[[], bool]) -> None:
        seen, at = -1, time.monotonic()
        while not done() and time.monotonic() - at < SILENCE:
            if self.tally.count != seen:
                seen, at = self.tally.count, time.monotonic()
            await asyncio.sleep(0.005)

    async def drive(self, kind: str, seconds: float, redis: str = "") -> dict[str, float]:
        """Have messages sent to all as fast as they arrive."""
        say = await self._sayer(kind, redis)
        sockets, said = len(self.sockets), dict[int, int]()
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            if len(said) * sockets - self.tally.count < WINDOW * sockets:
                number = len(said)
                said[number] = time.monotonic_ns()
                await say(json.dumps({"n": number, "text": PAD}))
                # Or nothing would be read where sending never waits.
                await asyncio.sleep(0)
            elif self.tally.arrivals and now - self.tally.arrivals[-1][1] / 1e9 > 2:
                break  # what is missing is lost, and nothing more would be sent
            else:
                await asyncio.sleep(0.001)
        return await self.expect(list(said.items()))

    async def _sayer(self, kind: str, redis: str) -> Callable[[str], Awaitable[object]]:
        if kind == "layer":
            from channels_redis.pubsub import RedisPubSubChannelLayer

            layer = RedisPubSubChannelLayer(hosts=[redis])
            return lambda text: layer.group_send("bench", {"type": "event", "text": text})
        publisher = await self.connect(Socket("/publish"))

        async def say(text: str) -> None:
            publisher.send(text.encode())

        return say

    async def write(self, seconds: float, rate: float, states: int) -> int:
        """Write to the states over a socket of its own, in the process that serves."""
        writer = await self.connect(Subscriber(Tally(), self.space, self.headers))
        begun = time.monotonic()
        count = int(seconds * rate)
        for number in range(count):
            op = {"op": "set", "path": "/body", "value": f"{number:08}{PAD[8:]}"}
            writer.send(
                json.dumps(
                    {
                        **{"t": "write", "op_id": f"{self.port}-{time.monotonic_ns()}"},
                        **{"state": f"bench/{number % states}", "ops": [op]},
                    }
                ).encode()
            )
            await asyncio.sleep(max(0.0, begun + (number + 1) / rate - time.monotonic()))
        await self._settle(lambda: self.tally.count >= count * len(self.sockets))
        writer.transport.abort()
        return count

    async def stick(self) -> str:
        """Have two readers join, of whom one reads nothing and the other acknowledges nothing, again and again."""
        self._sticking = asyncio.create_task(self._stick())
        await asyncio.sleep(1)
        return "stuck"

    async def _stick(self) -> None:
        while True:
            deaf, mute = (
                Subscriber(Tally(), self.space, self.headers, acks=False) for _ in range(2)
            )
            for each in self.stuck:
                each.transport.abort()
            self.stuck = [await self.connect(each) for each in (deaf, mute)]
            deaf.transport.pause_reading()
            await asyncio.sleep(AGAIN)

    async def leave(self) -> str:
        """One subscriber's token, which then goes."""
        last = self.sockets[-1]
        assert isinstance(last, Subscriber)
        token = last.token
        self.close()
        return token

    async def resume(self, token: str) -> dict[str, float]:
        """Come back with that token ("": from nothing)."""
        self.tally.clear()
        begun = time.monotonic_ns()
        socket = Subscriber(self.tally, self.space, self.headers, token=token)
        await self.connect(socket)
        self.sockets.append(socket)
        return {
            "seconds": (socket.synced - socket.asked) / 1e9,
            "with_connect": (socket.synced - begun) / 1e9,
            "entries": self.tally.count,
            "states": socket.states,
            "broken": self.tally.broken,
        }


async def main() -> None:
    """Carry out commands until the input ends."""
    clients, loop = Clients(), asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command: dict[str, Any] = json.loads(line)
        do = getattr(clients, command.pop("do"))
        print(json.dumps(await do(**command)), flush=True)


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main())
