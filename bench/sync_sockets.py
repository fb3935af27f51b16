"""Websocket clients that do no more than they must, so that one process can be five hundred (RFC 6455)."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import time
from functools import lru_cache
from typing import Any, Final

import msgspec

#: What a client of `stars.sync.v1` acknowledges at the latest: after so many entries, or seconds.
ACK_ENTRIES: Final = 64
ACK_S: Final = 1.0
_NUMBER: Final = re.compile(rb'^\{"n": ?(\d+)')


class Tally:
    """What arrived at all sockets: per frame the numbers of what was in it, and when."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Count from here on."""
        self.arrivals: list[tuple[tuple[int, ...], int]] = []
        self.count = self.broken = 0

    def add(self, numbers: tuple[int, ...]) -> None:
        """One frame came."""
        self.arrivals.append((numbers, time.monotonic_ns()))
        self.count += len(numbers)

    def report(self, said: dict[int, int], sockets: int) -> dict[str, float]:
        """Latencies in ms from `said[number]` (nanoseconds) on; what is missing, what did not continue what came
        before it; per second of the time from the first said to the last arrival."""
        late = sorted(
            (now - said[number]) / 1e6
            for numbers, now in self.arrivals
            for number in numbers
            if number in said
        ) or [float("nan")]
        last = max((now for _, now in self.arrivals), default=time.monotonic_ns())
        return {
            "p50": late[len(late) // 2],
            "p99": late[int(len(late) * 0.99)],
            "missing": len(said) * sockets - self.count,
            "expected": len(said) * sockets,
            "broken": self.broken,
            "frames": len(self.arrivals),
            "per_second": self.count / max(1, last - min(said.values(), default=0)) * 1e9,
        }


class Socket(asyncio.Protocol):
    """A client; frames of the servers are whole and unmasked. `ready` is set by whoever knows when it is."""

    def __init__(self, path: str, headers: str = "") -> None:
        self.path, self.headers = path, headers
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._buffer, self._upgraded = b"", False

    def connection_made(self, transport: Any) -> None:
        """Ask for the upgrade."""
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{self.headers}\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take frames apart."""
        self._buffer += data
        if not self._upgraded:
            if b"\r\n\r\n" not in self._buffer:
                return
            head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
            assert b" 101 " in head, head
            self._upgraded = True
            self.upgraded()
        buffer, at = self._buffer, 0
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
            elif opcode == 1:
                self.text(payload)
        self._buffer = buffer[at:]

    def send(self, payload: bytes) -> None:
        """A text message; masked with zeros, which is allowed and costs nothing."""
        length = len(payload)
        if length < 126:
            head = bytes([0x81, 0x80 | length])
        elif length < 2**16:
            head = b"\x81\xfe" + length.to_bytes(2, "big")
        else:
            head = b"\x81\xff" + length.to_bytes(8, "big")
        self.transport.write(head + b"\0\0\0\0" + payload)

    def upgraded(self) -> None:
        """The websocket is open."""
        self.ready.set_result(None)

    def text(self, payload: bytes) -> None:
        """A message came."""


class Plain(Socket):
    """Gets `{"n": 17, …}`, numbered from 0 on."""

    def __init__(self, tally: Tally, path: str) -> None:
        super().__init__(path)
        self.tally, self.at = tally, 0

    def text(self, payload: bytes) -> None:
        """One more."""
        found = _NUMBER.match(payload)
        if found:
            number = int(found[1])
            self.tally.broken += number != self.at
            self.at = number + 1
            self.tally.add((number,))


class _Entry(msgspec.Struct):
    id: str
    rev: int
    v: int


class _State(msgspec.Struct):
    id: str
    v: int


class _Frame(msgspec.Struct):
    t: str
    prev: int = 0
    rev: int = 0
    token: str = ""
    synced: bool = False
    entries: tuple[_Entry, ...] = ()
    states: tuple[_State, ...] = ()
    n: int = 0
    status: int = 0


_decode: Final = lru_cache(maxsize=64)(msgspec.json.Decoder(_Frame).decode)


class Subscriber(Socket):
    """A client of `stars.sync.v1` with one subscription, which acknowledges as it should and holds the server to the
    chain of its frames and to the versions of its states."""

    def __init__(
        self, tally: Tally, space: str, headers: str, *, token: str = "", acks: bool = True
    ) -> None:
        super().__init__(f"/ws/v1/spaces/{space}/sync", headers)
        self.tally, self.token, self._acks = tally, token, acks
        self.versions: dict[str, int] = {}
        #: Up to where it has everything: a token ends with that.
        self.rev = int(token.rpartition(".")[2] or 0)
        self._unacked = self.states = 0
        self._ack_due: asyncio.TimerHandle | None = None
        #: When it subscribed, and when it was told that it had everything (nanoseconds).
        self.asked = self.synced = 0

    def upgraded(self) -> None:
        """Say hello."""
        self.send(b'{"t":"hello","proto":1}')

    def text(self, payload: bytes) -> None:
        """As the protocol wants it (docs/sync-protocol.md)."""
        frame = _decode(payload)
        match frame.t:
            case "delta":
                self._take(frame)
            case "mark":
                self.tally.broken += frame.prev != self.rev
            case "snap":
                self.states += len(frame.states)
                self.versions |= {each.id: each.v for each in frame.states}
            case "hb":
                self.send(b'{"t":"hb","n":%d,"applied":%d}' % (frame.n, self.rev))
            case "welcome":
                self.asked = time.monotonic_ns()
                start = b'"%s"' % self.token.encode() if self.token else b"null"
                self.send(b'{"t":"sub","sub":1,"states":["bench/*"],"from":%s}' % start)
            case "bye":
                return
            case "res" if frame.status < 300:
                return
            case _:
                raise RuntimeError(f"unexpected: {payload[:500]!r}")
        if frame.t in ("delta", "mark", "snap"):
            self.rev, self.token = frame.rev, frame.token or self.token
            if frame.synced and not self.ready.done():
                self.synced = time.monotonic_ns()
                self.ready.set_result(None)

    def _take(self, frame: _Frame) -> None:
        tally, versions = self.tally, self.versions
        tally.broken += frame.prev != self.rev
        for each in frame.entries:
            before = versions.get(each.id)
            tally.broken += before is not None and before != each.v - 1
            versions[each.id] = each.v
        tally.add(tuple([each.rev for each in frame.entries]))
        if not self._acks:
            return
        self._unacked += len(frame.entries)
        if self._unacked >= ACK_ENTRIES:
            self.rev = frame.rev
            self._ack()
        elif self._ack_due is None:
            self._ack_due = asyncio.get_running_loop().call_later(ACK_S, self._ack)

    def _ack(self) -> None:
        if self._ack_due is not None:
            self._ack_due.cancel()
            self._ack_due = None
        self._unacked = 0
        self.send(b'{"t":"ack","sub":1,"rev":%d}' % self.rev)

    def connection_lost(self, error: Exception | None) -> None:
        """Acknowledge no more."""
        if self._ack_due is not None:
            self._ack_due.cancel()
