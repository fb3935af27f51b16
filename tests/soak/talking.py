"""Writers and readers as agents are: over HTTP and over the sync socket, with honest accounts of what they know.

Whoever was not answered does not know (`info`), and asks again under the same op_id, at another web process if it can.
"""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from random import Random
from typing import Any, Final, Literal, Protocol

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from state.sync import protocol
from state.values import ConnectionType, Operation
from tests.soak.history import End

#: Seconds until a writer gives an answer up.
PATIENCE: Final = 5.0


class Answer(msgspec.Struct, kw_only=True):
    """What a request came to. `status` 0: there was none."""

    end: End
    status: int = 0
    version: int | None = None
    rev: int | None = None
    queued: bool = False
    replayed: bool = False
    merged: bool = False
    note: str = ""
    body: Any = None


class Writer(Protocol):
    """Someone who writes."""

    async def write(
        self,
        state: str,
        ops: list[Operation],
        *,
        op_id: str,
        base: int | None = None,
        resolution: str | None = None,
    ) -> Answer:
        """Operations on a state; asked once."""


def new_op_id(chance: Random) -> str:
    """A name for a write, from the run's seed."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def end_of(status: int, reason: str, queued: bool = False) -> End:
    """What an answer of that status means: only a success is done; of failures it is known that nothing was done,
    but for those that say the opposite, and for errors of the server."""
    if 200 <= status < 300:
        return "ok"
    if status == 503 and reason in ("store_down", "rate"):
        return "fail"
    return "fail" if 400 <= status < 500 else "info"


class Http:
    """Talks to web processes, each request to one of them in turn."""

    def __init__(self, urls: list[str], space: str, token: str, agent: str = "") -> None:
        self._urls = [f"{url}/api/v1/spaces/{space}" for url in urls]
        self._turn = 0
        headers = {"Authorization": f"Token {token}"}
        if agent:
            headers["Stars-Agent"] = agent
        self._client = httpx.AsyncClient(headers=headers, timeout=PATIENCE, trust_env=False)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request; never raises for what the network or the server does."""
        self._turn += 1
        url = f"{self._urls[self._turn % len(self._urls)]}/{path}"
        content = None if body is None else msgspec.json.encode(body)
        kind = {"Content-Type": "application/json"} if content is not None else {}
        try:
            got = await self._client.request(
                method, url, content=content, headers={**kind, **headers}
            )
        except httpx.ConnectError as error:
            return Answer(end="fail", note=f"not connected: {error!r}")
        except httpx.HTTPError as error:
            return Answer(end="info", note=repr(error))
        try:
            found = msgspec.json.decode(got.content) if got.content else {}
        except msgspec.DecodeError:
            return Answer(end="info", status=got.status_code, note=got.text[:200])
        reason = str(found.get("reason", "")) if isinstance(found, dict) else ""
        end = end_of(got.status_code, reason)
        answer = Answer(end=end, status=got.status_code, note=reason, body=found)
        if end == "ok" and isinstance(found, dict):
            answer.version, answer.rev = found.get("version"), found.get("revision")
            answer.queued = got.status_code == 202
            answer.replayed = bool(found.get("replayed"))
            answer.merged = bool(found.get("merged"))
        return answer

    async def write(
        self,
        state: str,
        ops: list[Operation],
        *,
        op_id: str,
        base: int | None = None,
        resolution: str | None = None,
    ) -> Answer:
        """See `Writer`."""
        body: dict[str, Any] = {"op_id": op_id, "ops": msgspec.to_builtins(ops)}
        if base is not None:
            body["base_version"] = base
        if resolution is not None:
            body["resolution"] = resolution
        return await self.ask("POST", f"states/{state}/ops/", body)

    async def read(self, state: str) -> Answer:
        """The state as it stands."""
        return await self.ask("GET", f"states/{state}/")

    async def create(self, state: str, **fields: Any) -> Answer:
        """A new state."""
        return await self.ask("POST", "states/", {"id": state, **fields})


class Socket:
    """Writes over a sync socket of its own, opened again whenever it is lost."""

    def __init__(self, urls: list[str], space: str, token: str, agent: str) -> None:
        self._urls = [socket_url(url, space) for url in urls]
        self._turn = 0
        self._hello = protocol.Hello(
            proto=protocol.PROTO,
            agent=agent,
            name="writer",
            mode=ConnectionType.BIDIRECTIONAL,
            token_auth=token,
        )
        self._socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._waiting: dict[str, asyncio.Future[protocol.Res]] = {}

    async def close(self) -> None:
        """End the connection; who waits for an answer does not know."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.close()
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
            self._reading = None
        self._forget()

    async def write(
        self,
        state: str,
        ops: list[Operation],
        *,
        op_id: str,
        base: int | None = None,
        resolution: str | None = None,
    ) -> Answer:
        """See `Writer`."""
        frame = protocol.Write(
            op_id=op_id, state=state, ops=tuple(ops), base=base, resolution=resolution
        )
        try:
            socket = await self._connected()
        except (OSError, EOFError, TimeoutError, WebSocketException) as error:
            return Answer(end="fail", note=f"not connected: {error!r}")
        waiting = self._waiting[op_id] = asyncio.get_running_loop().create_future()
        try:
            await socket.send(protocol.encode(frame))
            res = await asyncio.wait_for(waiting, PATIENCE)
        except (ConnectionClosed, TimeoutError) as error:
            await self.close()
            return Answer(end="info", note=repr(error))
        finally:
            self._waiting.pop(op_id, None)
            if waiting.done() and not waiting.cancelled():
                waiting.exception()  # is known by now
        reason = str((res.problem or {}).get("reason", ""))
        return Answer(
            end=end_of(res.status, reason),
            status=res.status,
            version=res.v if isinstance(res.v, int) else None,
            rev=res.rev if isinstance(res.rev, int) else None,
            queued=res.queued,
            replayed=res.replayed,
            merged=res.merged,
            note=reason,
            body=res.problem,
        )

    async def _connected(self) -> ClientConnection:
        if self._socket is not None:
            return self._socket
        if self._reading is not None:
            await self.close()
        self._turn += 1
        url = self._urls[self._turn % len(self._urls)]
        socket = await open_socket(url)
        try:
            await socket.send(protocol.encode(self._hello))
            first = protocol.parse_server(await asyncio.wait_for(socket.recv(), PATIENCE))
            if not isinstance(first, protocol.Welcome):
                raise ConnectionRefusedError(str(first))
        except BaseException:
            await socket.close()
            raise
        self._socket = socket
        self._reading = asyncio.create_task(self._read(socket))
        return socket

    async def _read(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for text in socket:
                match protocol.parse_server(text):
                    case protocol.Res() as res:
                        self._answer(res.op_id, res)
                    case protocol.ServerHb() as hb:
                        await socket.send(protocol.encode(protocol.ClientHb(n=hb.n)))
                    case protocol.ErrorFrame() as error if isinstance(error.op_id, str):
                        problem = {"reason": error.reason, "detail": error.message}
                        res = protocol.Res(op_id=error.op_id, status=error.code, problem=problem)
                        self._answer(error.op_id, res)
        if self._socket is socket:
            self._socket = None
        self._forget()

    def _answer(self, op_id: str, res: protocol.Res) -> None:
        waiting = self._waiting.get(op_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(res)

    def _forget(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(TimeoutError("the socket was lost"))


def socket_url(url: str, space: str) -> str:
    """Of the space's sync socket at a web process."""
    return f"{url.replace('http', 'ws', 1)}/ws/v1/spaces/{space}/sync"


async def open_socket(url: str) -> ClientConnection:
    """Without compression, so that the proxy can see frames. Raises what `websockets` raises."""
    return await connect(
        url,
        compression=None,
        open_timeout=PATIENCE,
        close_timeout=0.2,
        ping_interval=None,
        max_size=None,
        proxy=None,
    )


async def insist(
    writer: Writer,
    state: str,
    ops: list[Operation],
    *,
    op_id: str,
    base: int | None = None,
    tries: int = 3,
) -> tuple[Answer, Literal["", "asked again"]]:
    """Write, and ask again under the same op_id as long as nobody knows; what is known at last.

    An attempt that certainly failed tells nothing about an earlier one that nobody knows of, unless it is a judgement.
    """
    unknown = ""
    answer = await writer.write(state, ops, op_id=op_id, base=base)
    for attempt in range(1, tries):
        unknown = unknown or (answer.note or "no answer" if answer.end == "info" else "")
        if not unknown or answer.end == "ok" or (answer.end == "fail" and _judged(answer)):
            break
        await asyncio.sleep(0.2 * attempt)
        answer = await writer.write(state, ops, op_id=op_id, base=base)
    if unknown and answer.end == "fail" and not _judged(answer):
        answer.end = "info"
    return answer, "asked again" if unknown else ""


def _judged(answer: Answer) -> bool:
    """Whether the server looked at the write itself, so that it says what became of it."""
    return answer.status in (404, 409, 410, 412, 422, 423, 428)
