"""A TCP proxy in the driver's process: delays, drops, resets, goes silent, repeats frames of websockets, as told."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from contextlib import suppress
from typing import Final

_CHUNK: Final = 64 * 1024
_HEAD_END: Final = b"\r\n\r\n"


class Proxy:
    """Passes connections from `port` on to `target`. Its attributes may be changed at any time; `counts` says how
    often what was done."""

    def __init__(self, target: int, seed: int = 0) -> None:
        self.target = target
        self.port = 0
        #: Seconds by which every chunk is late, either way; drawn from 0 to this.
        self.delay = 0.0
        #: Nothing is passed on, towards the server or towards the client; what is held back comes when it ends.
        self.hold_up = False
        self.hold_down = False
        #: New connections are refused.
        self.refusing = False
        #: Of the server's websocket messages, the share that is sent twice.
        self.repeat = 0.0
        self.counts: Counter[str] = Counter()
        self._chance = random.Random(seed)
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End all connections and listen no more."""
        if self._server is not None:
            self._server.close()
        self.reset()
        for link in list(self._links):
            await link.ended.wait()
        if self._server is not None:
            await self._server.wait_closed()

    def drop(self) -> None:
        """End all connections in an orderly way (FIN)."""
        self.counts["drop"] += len(self._links)
        for link in self._links:
            link.end(abruptly=False)

    def reset(self) -> None:
        """End all connections abruptly (RST)."""
        self.counts["reset"] += len(self._links)
        for link in self._links:
            link.end(abruptly=True)

    def heal(self) -> None:
        """Be a good network again."""
        self.delay = self.repeat = 0.0
        self.hold_up = self.hold_down = self.refusing = False

    async def late(self) -> None:
        """Wait as long as a chunk is late now."""
        if self.delay:
            self.counts["delay"] += 1
            await asyncio.sleep(self._chance.uniform(0, self.delay))

    def repeats(self) -> bool:
        """Whether the next message is sent twice."""
        twice = bool(self.repeat) and self._chance.random() < self.repeat
        self.counts["repeat"] += twice
        return twice

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            self.counts["refused"] += 1
            writer.transport.abort()
            return
        try:
            far = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(self, (reader, writer), far)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)


class _Link:
    """One connection through the proxy."""

    def __init__(
        self,
        proxy: Proxy,
        near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._near, self._far = near, far
        self._tasks: list[asyncio.Task[None]] = []
        self.ended = asyncio.Event()

    async def run(self) -> None:
        """Pass on until either side has ended."""
        up = self._pass(self._near[0], self._far[1], up=True)
        down = self._pass(self._far[0], self._near[1], up=False)
        self._tasks = [asyncio.create_task(up), asyncio.create_task(down)]
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for _, writer in (self._near, self._far):
                writer.close()
            self.ended.set()

    def end(self, *, abruptly: bool) -> None:
        """Both sides."""
        for _, writer in (self._near, self._far):
            if abruptly:
                own = writer.get_extra_info("socket")
                with suppress(OSError):
                    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
        for task in self._tasks:
            task.cancel()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool
    ) -> None:
        frames = None if up else Frames()
        with suppress(ConnectionError, OSError):
            while chunk := await reader.read(_CHUNK):
                await self._proxy.late()
                while self._proxy.hold_up if up else self._proxy.hold_down:
                    await asyncio.sleep(0.05)
                for piece in [chunk] if frames is None else frames.split(chunk):
                    writer.write(piece)
                    if frames is not None and is_message(piece) and self._proxy.repeats():
                        writer.write(piece)
                await writer.drain()


class Frames:
    """Cuts what a server sends into whole websocket frames once it has answered 101; passes anything else as it is."""

    def __init__(self) -> None:
        self._rest = b""
        self._kind = "unknown"

    def split(self, chunk: bytes) -> list[bytes]:
        """What can be passed on now."""
        if self._kind == "plain":
            return [chunk]
        self._rest += chunk
        pieces = []
        if self._kind == "unknown":
            if not (b"HTTP/1.1 101").startswith(self._rest[:12]):
                self._kind = "plain"
                return [self._rest]
            end = self._rest.find(_HEAD_END)
            if end < 0:
                return []
            self._kind = "websocket"
            pieces.append(self._rest[: end + 4])
            self._rest = self._rest[end + 4 :]
        while (size := _frame_size(self._rest)) and size <= len(self._rest):
            pieces.append(self._rest[:size])
            self._rest = self._rest[size:]
        return pieces


def _frame_size(data: bytes) -> int:
    """Of the frame at the beginning of the data, header included (RFC 6455, 5.2); 0: too little to know."""
    if len(data) < 2:
        return 0
    length, head = data[1] & 0x7F, 2
    if length == 126:
        if len(data) < 4:
            return 0
        length, head = int.from_bytes(data[2:4], "big"), 4
    elif length == 127:
        if len(data) < 10:
            return 0
        length, head = int.from_bytes(data[2:10], "big"), 10
    # Servers do not mask.
    return head + length + (4 if data[1] & 0x80 else 0)


def is_message(piece: bytes) -> bool:
    """Whether it is one whole uncompressed message: final, no extension bits, text or binary."""
    return bool(piece) and piece[0] in (0x81, 0x82)
