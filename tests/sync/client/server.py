"""A server of `stars.sync.v1` that does as it is told, on a real socket: for what no well-behaved one would do."""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
from websockets.asyncio.server import Server as Listener
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from state import jsonvalue
from state.sync.filters import filter_of
from state.sync.protocol import (
    Ack,
    Bye,
    ClientFrame,
    ClientHb,
    ErrorFrame,
    Hello,
    Pull,
    Res,
    ServerFrame,
    ServerHb,
    Sub,
    Unsub,
    Welcome,
    Window,
    Write,
    encode,
    parse,
)
from tests.sync.client.world import World


class Server:
    """Serves one world to whoever comes; what it is told to do is in its attributes."""

    def __init__(self) -> None:
        self.world = World()
        self.url = ""
        #: All that clients said.
        self.heard: list[ClientFrame] = []
        #: By op_id: what became of writes, as the server remembers.
        self.outcomes: dict[str, Res] = {}
        #: How often each write was carried out; must be once.
        self.carried_out: Counter[str] = Counter()
        self.window = Window()
        #: Close each newcomer with this; refuse writes with what this gives, if anything; say nothing of outcomes.
        self.turn_away: Bye | None = None
        self.refuse: Callable[[Write], Res | ErrorFrame | None] = lambda write: None
        self.mute = False
        self.deflate = False
        self.sockets: list[ServerConnection] = []
        #: Positions of subscriptions, by socket.
        self._subs: dict[ServerConnection, dict[int, Sub]] = {}
        self._places: dict[ServerConnection, dict[int, int]] = {}

    def said(self, kind: type[ClientFrame]) -> list[ClientFrame]:
        return [each for each in self.heard if isinstance(each, kind)]

    async def tell(self, frame: ServerFrame, *, times: int = 1) -> None:
        """A frame to all."""
        for socket in tuple(self.sockets):
            for _ in range(times):
                await self._send(socket, frame)

    async def follow(self, *, times: int = 1, skip: bool = False) -> None:
        """Tell all what is new; `skip` loses it on the way."""
        for socket in tuple(self.sockets):
            for number, sub in self._subs.get(socket, {}).items():
                prev = self._places[socket][number]
                if prev == self.world.head:
                    continue
                wanted = filter_of(sub.states)
                frame = self.world.delta(prev, self.world.head, number)
                frame = msgspec.structs.replace(
                    frame, entries=tuple(e for e in frame.entries if wanted.matches(e.id))
                )
                self._places[socket][number] = self.world.head
                if not skip:
                    for _ in range(times):
                        await self._send(socket, frame)

    async def drop(self) -> None:
        """Cut all sockets, without a word."""
        present = tuple(self.sockets)
        for socket in present:
            socket.transport.abort()
        await until(lambda: not set(present) & set(self.sockets))

    async def say_bye(self, code: int, reason: str = "so", *, retry_after_ms: int = 0) -> None:
        for socket in tuple(self.sockets):
            await self._send(socket, Bye(code=code, reason=reason, retry_after_ms=retry_after_ms))
            await socket.close(code)

    # -- one socket --------------------------------------------------------------------------

    async def _send(self, socket: ServerConnection, frame: ServerFrame) -> None:
        text = encode(frame)
        await socket.send(zlib.compress(text.encode()) if self.deflate else text)

    async def handle(self, socket: ServerConnection) -> None:
        try:
            async for raw in socket:
                frame = parse(raw if isinstance(raw, str) else None)
                self.heard.append(frame)
                await self._answer(socket, frame)
        except ConnectionClosed:
            pass
        finally:
            if socket in self.sockets:
                self.sockets.remove(socket)

    async def _answer(self, socket: ServerConnection, frame: ClientFrame) -> None:
        match frame:
            case Hello():
                if self.turn_away is not None:
                    await self._send(socket, self.turn_away)
                    await socket.close(self.turn_away.code)
                    return
                self.sockets.append(socket)
                self._subs[socket], self._places[socket] = {}, {}
                welcome = Welcome(
                    session=frame.session or "s1",
                    agent=f"agent:{frame.agent}",
                    epoch=self.world.epoch,
                    head=self.world.head,
                    window=self.window,
                    resumed=frame.session is not None,
                )
                await self._send(socket, welcome)
            case Sub():
                await self._subscribe(socket, frame)
            case Unsub():
                self._subs[socket].pop(frame.sub, None)
            case Write():
                await self._write(socket, frame)
            case Pull() | Ack() | ClientHb():
                pass

    async def _subscribe(self, socket: ServerConnection, sub: Sub) -> None:
        self._subs[socket][sub.sub] = sub
        self._places[socket][sub.sub] = self.world.head
        wanted = filter_of(sub.states)
        place = self.world.place(sub.from_) if sub.from_ and not sub.why else None
        if place is not None:
            frame = self.world.delta(place, self.world.head, sub.sub)
            frame = msgspec.structs.replace(
                frame, entries=tuple(e for e in frame.entries if wanted.matches(e.id))
            )
            if frame.entries:
                await self._send(socket, frame)
                place = frame.rev
            await self._send(socket, self.world.mark(place, sub.sub))
            return
        if sub.from_ or sub.why:
            await self._send(socket, self.world.reset(sub.sub))
        for snap in self.world.snaps(sub.sub):
            seen = tuple(each for each in snap.states if wanted.matches(each.id))
            await self._send(socket, msgspec.structs.replace(snap, states=seen))
        await self._send(socket, self.world.mark(self.world.head, sub.sub))

    async def _write(self, socket: ServerConnection, write: Write) -> None:
        answer = self.refuse(write)
        if answer is None:
            answer = self.outcomes.get(write.op_id) or self._carry_out(write)
        if not self.mute:
            await self._send(socket, answer)
        await self.follow()

    def _carry_out(self, write: Write) -> Res:
        self.carried_out[write.op_id] += 1
        held = self.world.states.get(write.state)
        data = (
            write.create.data
            if write.create
            else jsonvalue.apply(held.data if held else {}, write.ops)
        )
        gone = write.create is None and any(op.op == "delete" and not op.path for op in write.ops)
        entry = self.world.commit([(write.state, None if gone else data)], write.op_id)[0]
        res = Res(
            op_id=write.op_id,
            status=201 if write.create else 200,
            state=write.state,
            uid=entry.uid,
            v=entry.v,
            rev=entry.rev,
        )
        self.outcomes[write.op_id] = res
        return res


@asynccontextmanager
async def running(server: Server, port: int = 0) -> AsyncIterator[Listener]:
    """Listen until the end of the block."""
    async with serve(
        server.handle, "127.0.0.1", port, compression=None, close_timeout=1
    ) as listener:
        host, number = next(iter(listener.sockets)).getsockname()[:2]
        server.url = f"ws://{host}:{number}"
        yield listener


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until it holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


async def beat(server: Server, n: int) -> ClientHb:
    """A heartbeat, and the answer."""
    await server.tell(ServerHb(n=n, head=server.world.head))

    def answers() -> list[ClientHb]:
        return [each for each in server.heard if isinstance(each, ClientHb) and each.n == n]

    await until(lambda: bool(answers()))
    return answers()[0]
