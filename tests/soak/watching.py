"""Subscribers by the raw protocol, ordinary and odd, that write down all they are sent; see `records.Watch`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from random import Random
from typing import Final

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from state import jsonvalue
from state.sync import protocol, tokens
from tests.soak.records import Cut, Data, Got, Holds, Log, Subscribed, Watch
from tests.soak.replica import Replica
from tests.soak.talking import PATIENCE, open_socket, socket_url

#: Seconds between two accounts of what is held, beside those at marks.
HOLD_EVERY: Final = 1.0


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscriber does otherwise than an ordinary one."""

    #: It keeps its replica and token over connections; else it begins anew each time.
    resumes: bool = True
    #: It acknowledges; who never does is parked.
    acks: bool = True
    #: It takes so long for each frame, in seconds.
    takes: float = 0.0
    #: It ends its connection itself after about so many seconds; 0: never.
    leaves_after: float = 0.0
    #: And stays away for so many seconds.
    away: float = 0.0
    #: Seconds of silence after which it connects again.
    silence: float = protocol.SILENCE


class Watcher:
    """Follows one subscription over as many connections as it takes, from any of the web processes."""

    def __init__(
        self,
        urls: list[str],
        space: str,
        token: str,
        watch: Watch,
        *,
        habits: Habits | None = None,
        seed: int = 0,
    ) -> None:
        self.watch = watch
        self.habits = habits or Habits()
        self.replica = Replica()
        self.counts: Counter[str] = Counter()
        #: Sentences about what no server should do.
        self.oddities: list[str] = []
        self._urls = [socket_url(url, space) for url in urls]
        self._auth = token
        self._chance = Random(seed)
        self._sub = 0
        self._session: str | None = None
        #: Where to go on: a token, and the revision that it is of.
        self._place: tuple[str, int] | None = None
        self._last: Data | None = None
        self._held = 0.0
        #: What is held is of no one revision: a snapshot, or a state that comes whole, is under way.
        self._partial = False
        self._socket: ClientConnection | None = None

    async def calm_down(self) -> None:
        """The end is near: acknowledge, hurry, stay."""
        self.habits = Habits(resumes=self.habits.resumes, silence=self.habits.silence)
        if self._socket is not None:
            with suppress(ConnectionClosed):
                await self._ack(self._socket)

    def has_all(self, log: Log) -> bool:
        """Whether it holds everything that it must at the end of the log."""
        return self.replica.has_all(self.watch, log)

    def hold(self) -> None:
        """Write down what is held now, at the end of a frame that names a place."""
        if self.replica.rev is None or self._partial:
            return
        self._held = time.monotonic()
        docs = {
            state_id: (doc.uid, doc.v, jsonvalue.digest(doc.data))
            for state_id, doc in self.replica.alive().items()
        }
        self.watch.steps.append(Holds(t=self._held, rev=self.replica.rev, docs=docs))

    async def run(self) -> None:
        """Until cancelled."""
        attempt = 0
        while True:
            self._chance.shuffle(self._urls)
            try:
                socket = await open_socket(self._urls[0])
            except (OSError, EOFError, TimeoutError, WebSocketException):
                self.counts["not connected"] += 1
            else:
                try:
                    if await self._follow(socket):
                        attempt = 0
                finally:
                    with suppress(ConnectionClosed, TimeoutError):
                        await socket.close()
            # Quicker than 2.5 asks of real clients, for the soak is short.
            pause = self._chance.uniform(0, min(2.0, 0.1 * 2**attempt))
            await asyncio.sleep(pause + self.habits.away)
            attempt += 1

    async def _follow(self, socket: ClientConnection) -> bool:
        """One connection to its end; whether it was welcome."""
        hello = protocol.Hello(
            proto=protocol.PROTO,
            agent=self.watch.reader.removeprefix("agent:"),
            name=self.watch.name,
            session=self._session if self.habits.resumes else None,
            token_auth=self._auth,
        )
        welcomed = False
        leave = self._chance.uniform(0.5, 1.5) * self.habits.leaves_after
        end = time.monotonic() + leave if leave else float("inf")
        try:
            await socket.send(protocol.encode(hello))
            while not welcomed or time.monotonic() < end:
                patience = min(self.habits.silence, max(0.0, end - time.monotonic()))
                if not welcomed:
                    patience = PATIENCE
                frame = protocol.parse_server(await asyncio.wait_for(socket.recv(), patience))
                if isinstance(frame, protocol.Welcome):
                    welcomed = True
                    self._session = frame.session
                    self._socket = socket
                    await self._subscribe(socket)
                else:
                    await self._hear(socket, frame)
            self.counts["left"] += 1
        except TimeoutError:
            self.counts["left" if time.monotonic() >= end else "silence"] += 1
        except ConnectionClosed as closed:
            self.counts[f"closed {closed.rcvd.code if closed.rcvd else 'abruptly'}"] += 1
        finally:
            self._socket = None
            self.watch.steps.append(Cut(t=time.monotonic()))
        return welcomed

    async def _subscribe(self, socket: ClientConnection) -> None:
        self._sub += 1  # a number of its own, so that late frames of an older one are told apart
        if not self.habits.resumes:
            self._place = None
        since = self._place
        if since is None:
            self.replica = Replica()
        else:
            self.counts["resumed"] += 1
            self.replica.rev = since[1]
        self._last = None
        frame = protocol.Sub(
            sub=self._sub,
            states=self.watch.states,
            from_=since[0] if since else None,
            mode=self.watch.mode,
        )
        self.watch.steps.append(Subscribed(t=time.monotonic(), since=since[1] if since else None))
        await socket.send(protocol.encode(frame))

    async def _hear(self, socket: ClientConnection, frame: protocol.ServerFrame) -> None:
        if self.habits.takes:
            await asyncio.sleep(self.habits.takes)
        match frame:
            case (
                protocol.Snap()
                | protocol.Delta()
                | protocol.Mark()
                | protocol.Reset()
                | protocol.Revoked()
            ):
                if frame.sub == self._sub:
                    await self._take(socket, frame)
            case protocol.ServerHb():
                self.counts["hb"] += 1
                applied = self.replica.rev or 0
                await socket.send(protocol.encode(protocol.ClientHb(n=frame.n, applied=applied)))
            case protocol.Bye():
                self.counts[f"bye {frame.code}"] += 1
            case protocol.ErrorFrame():
                self.counts[f"error {frame.reason}"] += 1
                if frame.reason not in ("states_not_found", "unavailable", "store_down"):
                    self.oddities.append(
                        f"{self.watch.name}: error {frame.reason}: {frame.message}"
                    )
                if frame.reason == "bad_token":
                    self._place = None

    async def _take(self, socket: ClientConnection, frame: Data) -> None:
        again, self._last = frame == self._last, frame
        self.watch.steps.append(Got(t=time.monotonic(), frame=frame))
        self.counts["repeated" if again else type(frame).__name__.lower()] += 1
        if again:
            return
        if isinstance(frame, protocol.Delta | protocol.Mark) and self.replica.rev != frame.prev:
            self.counts["gap"] += 1  # the judges say what it is; a client subscribes again
            await socket.send(protocol.encode(protocol.Unsub(sub=self._sub)))
            await self._subscribe(socket)
            return
        self.replica.take(frame)
        if isinstance(frame, protocol.Snap):
            self._partial = True
        if isinstance(frame, protocol.Delta | protocol.Mark):
            self._partial = not frame.token or (self._partial and not frame.synced)
        if isinstance(frame, protocol.Reset):
            self._place = None
            self.counts[f"reset {frame.reason}"] += 1
        if isinstance(frame, protocol.Delta | protocol.Mark) and frame.token:
            self._place = (frame.token, tokens.decode(frame.token).revision)
            if self._place[1] != frame.rev:
                self.oddities.append(
                    f"{self.watch.name}: the token of {frame.rev} says {self._place[1]}"
                )
        if isinstance(frame, protocol.Mark) or time.monotonic() - self._held > HOLD_EVERY:
            self.hold()
        if self.habits.acks:
            await self._ack(socket)

    async def _ack(self, socket: ClientConnection) -> None:
        if self.replica.rev is not None:
            ack = protocol.Ack(sub=self._sub, rev=self.replica.rev)
            await socket.send(protocol.encode(ack))
