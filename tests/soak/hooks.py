"""A webhook's receiver in the driver: slow at times, refusing at times, and it writes down what it then holds."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from state import jsonvalue
from state.errors import StarsError
from state.sync import protocol, tokens
from state.sync.webhooks import signing
from tests.soak.records import Holds, Log, Watch
from tests.soak.replica import Replica

_END: Final = b"\r\n\r\n"


class Message(msgspec.Struct):
    """What receivers read of a message's body."""

    token: str
    entries: tuple[protocol.WireEntry, ...] = ()
    states: tuple[protocol.SnapState, ...] = ()
    snapshot: bool = False
    part: int = 1
    last: bool = True
    task: str = ""
    synced: bool = False


_decoder: Final = msgspec.json.Decoder(Message)


class Hook:
    """Takes messages at `address`; judged like the other subscribers, by what it holds."""

    def __init__(self, watch: Watch, seed: int) -> None:
        self.watch = watch
        self.replica = Replica()
        self.counts: Counter[str] = Counter()
        self.oddities: list[str] = []
        self.secret = ""
        self.address = ""
        self._chance = Random(seed)
        self._calm = self._failed = False
        self._bodies: dict[str, bytes] = {}
        self._came: list[tuple[str, bytes]] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port of this machine."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}/hook"

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def calm_down(self) -> None:
        """Take everything from now on, and at once."""
        self._calm = True

    def save(self, folder: Path) -> None:
        """Keep the messages as they came, `hook-<name>.ndjson`: one a line, its id before it."""
        lines = [f"{message_id} ".encode() + body for message_id, body in self._came]
        (folder / f"hook-{self.watch.name}.ndjson").write_bytes(b"\n".join(lines))

    def hold(self) -> None:
        """It has been written down with each message."""

    def has_all(self, log: Log) -> bool:
        """Whether it holds everything that it must at the end of the log."""
        return self.replica.has_all(self.watch, log)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request: sending keeps no connections."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(_END)).decode("latin-1").split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
            headers = {name.lower(): value for name, value in headers.items()}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            status = await self._answer(headers, body)
            writer.write(
                f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
            )
            await writer.drain()
        writer.close()

    async def _answer(self, headers: dict[str, str], body: bytes) -> int:
        # Never twice in a row, for whoever fails often is left alone for minutes.
        dice = 1.0 if self._calm or self._failed else self._chance.random()
        self._failed = dice < 0.1 or 0.2 <= dice < 0.3
        if dice < 0.1:
            self.counts["hook refused"] += 1
            return 503
        if dice < 0.2:
            await asyncio.sleep(self._chance.uniform(0, 0.5))
        while not self.secret:
            await asyncio.sleep(0.05)  # it is being connected just now
        try:
            signing.verify(self.secret, headers, body)
        except StarsError as error:
            self.oddities.append(f"{self.watch.name}: {error.message}")
            return 400
        self._take(headers[signing.ID], body)
        if dice < 0.3:
            self.counts["hook took and failed"] += 1
            return 500  # it has it, and the sender does not know
        return 200

    def _take(self, message_id: str, body: bytes) -> None:
        self._came.append((message_id, body))
        before = self._bodies.setdefault(message_id, body)
        if before != body and not self._same(before, body):
            self.oddities.append(f"{self.watch.name}: {message_id} is another message than before")
        if before is not body:
            self.counts["hook again"] += 1
            return
        self.counts["hook"] += 1
        message = _decoder.decode(body)
        if message.snapshot and message.part == 1:
            self.replica = Replica()
        rev = tokens.decode(message.token).revision if message.token else 0
        frame = protocol.Delta(sub=0, prev=0, rev=rev, entries=message.entries)
        snap = protocol.Snap(
            sub=0, part=message.part, last=message.last, rev=rev, states=message.states
        )
        for each in (frame, snap):
            self.replica.take(each)
        self.oddities += [f"{self.watch.name}: {each}" for each in self.replica.faults]
        self.replica.faults.clear()
        if message.token and not message.task:
            docs = {
                key: (doc.uid, doc.v, jsonvalue.digest(doc.data))
                for key, doc in self.replica.alive().items()
            }
            self.watch.steps.append(Holds(t=time.monotonic(), rev=rev, docs=docs))

    @staticmethod
    def _same(one: bytes, other: bytes) -> bool:
        """But for whether there is more by now, and for states that are whole: those may be newer."""
        first, second = (_decoder.decode(each) for each in (one, other))
        later = {"synced": second.synced, "states": second.states}
        return msgspec.structs.replace(first, **later) == second
