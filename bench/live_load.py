"""The load process of the live benchmark: N raw sockets (or one Redis subscriber) that time what arrives.

Told by one JSON object on standard input; says "ready", and at the end one JSON object.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import sys
import threading
import time
from functools import lru_cache, partial
from typing import Any

import redis.asyncio
import uvloop

_NUMBER = re.compile(rb'"n": ?(\d+)')


@lru_cache(maxsize=64)
def numbers(payload: bytes) -> list[int]:
    """The numbers, from 0, of the events in a frame; the same bytes arrive at every socket."""
    return [int(n) for n in _NUMBER.findall(payload)]


class Tally:
    """What arrived."""

    def __init__(self) -> None:
        #: (number of the event, nanoseconds of the clock)
        self.arrivals: list[tuple[int, int]] = []
        self.frames = 0
        self.broken = 0

    def add(self, payload: bytes, socket: Socket | None = None) -> None:
        now = time.monotonic_ns()
        found = numbers(payload)
        if found and socket is not None:
            self.broken += found[0] != socket.position
            socket.position = found[-1] + 1
        self.arrivals += [(number, now) for number in found]
        self.frames += 1

    def report(self, said: list[int], sockets: int) -> dict[str, float]:
        """`said[n]` is the time of event n. Deliveries per second count from the first event said to the last arrival,
        or to now when some have not arrived."""
        late = sorted((now - said[number]) / 1e6 for number, now in self.arrivals) or [float("nan")]
        missing = len(said) * sockets - len(self.arrivals)
        end = time.monotonic_ns() if missing else self.arrivals[-1][1]
        return {
            "p50": late[len(late) // 2],
            "p99": late[int(len(late) * 0.99)],
            "missing": missing,
            "broken": self.broken,
            "frames": self.frames,
            "per_second": len(self.arrivals) / (end - said[0]) * 1e9,
        }


class Socket(asyncio.Protocol):
    """A websocket client that does no more than it must (RFC 6455; frames of the server are whole and unmasked)."""

    def __init__(
        self, tally: Tally, path: str, headers: str, first_frame: str, ready: asyncio.Future[None]
    ) -> None:
        self.tally, self.path, self.headers, self.first_frame = tally, path, headers, first_frame
        self.ready, self.buffer, self.upgraded, self.position = ready, b"", False, 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{self.headers}\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.upgraded:
            if b"\r\n\r\n" not in self.buffer:
                return
            head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            assert b" 101 " in head, head
            self.upgraded = True
            if self.first_frame:
                body = self.first_frame.encode()
                self.transport.write(bytes([0x81, 0x80 | len(body)]) + b"\0\0\0\0" + body)
            else:
                self.ready.set_result(None)
        buffer, at = self.buffer, 0
        while len(buffer) - at >= 2:
            opcode, length, head_size = buffer[at] & 15, buffer[at + 1] & 127, 2
            if length >= 126:
                head_size = 4 if length == 126 else 10
                if len(buffer) - at < head_size:
                    break
                length = int.from_bytes(buffer[at + 2 : at + head_size], "big")
            if len(buffer) - at < head_size + length:
                break
            payload = buffer[at + head_size : at + head_size + length]
            at += head_size + length
            if opcode == 9:
                self.transport.write(b"\x8a\x80\0\0\0\0")
            elif opcode == 1 and not self.ready.done():
                assert b'"hello"' in payload, payload
                self.ready.set_result(None)
            elif opcode == 1:
                self.tally.add(payload, self)
        self.buffer = buffer[at:]


async def main(order: dict[str, Any]) -> None:
    loop, tally = asyncio.get_running_loop(), Tally()
    sockets = order["sockets"]
    if order["kind"] == "redis":
        asyncio.create_task(subscribe(order["redis"], tally))  # noqa: RUF006
        await asyncio.sleep(0.5)
    for _ in range(sockets if order["kind"] != "redis" else 0):
        socket = Socket(
            tally, order["path"], order["headers"], order["frame"], loop.create_future()
        )
        await loop.create_connection(partial(_itself, socket), "127.0.0.1", order["port"])
        await asyncio.wait_for(socket.ready, 30)
    print("ready", flush=True)
    told = loop.create_future()
    threading.Thread(
        target=lambda: loop.call_soon_threadsafe(told.set_result, sys.stdin.readline()), daemon=True
    ).start()
    said: list[int] = json.loads(await told)
    deadline = time.monotonic() + order["patience"]
    while len(tally.arrivals) < len(said) * sockets and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    print(json.dumps(tally.report(said, sockets)), flush=True)
    os._exit(0)


def _itself(socket: Socket) -> Socket:
    return socket


async def subscribe(url: str, tally: Tally) -> None:
    async with redis.asyncio.Redis.from_url(url).pubsub() as pubsub:
        await pubsub.subscribe("bench")
        async for message in pubsub.listen():
            if message["type"] == "message":
                tally.add(message["data"])


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main(json.loads(sys.stdin.readline())))
