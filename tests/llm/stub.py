"""A model server on a real socket that answers as the test says: in OpenAI's protocol, Anthropic's or Google's.

It can be slow, stall, break off, send broken JSON and refuse in every way that providers do.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tests.llm.wires import wire_of

#: A piece of text, or a call of a tool: (name, JSON arguments).
Said: TypeAlias = str | tuple[str, str]


@dataclass(kw_only=True)
class Reply:
    """One answer of the model."""

    said: Sequence[Said] = ()
    #: Seconds between pieces, and before anything is sent.
    pace: float = 0.0
    delay: float = 0.0
    #: None: the server does not say.
    usage: tuple[int, int] | None = (11, 7)
    finish: str = "stop"
    #: After so many pieces it sends nothing more and stays open, closes the connection, or sends half an event.
    stall_after: int | None = None
    break_after: int | None = None
    garble_after: int | None = None
    #: An HTTP refusal in place of an answer.
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


def text(said: str, **more: Any) -> Reply:
    """An answer that comes word by word."""
    words = said.split(" ")
    return Reply(said=[word + " " for word in words[:-1]] + words[-1:], **more)


def tool(name: str, arguments: object, **more: Any) -> Reply:
    """A call of a tool; its arguments as text are sent as they are."""
    wire = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return Reply(said=[(name, wire)], finish="tool_calls", **more)


def refusal(status: int, message: str = "", *, code: str = "", **headers: str) -> Reply:
    """An HTTP error as OpenAI words it."""
    body = {"error": {"message": message, "code": code or None, "type": "error"}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, body=body, headers=named)


Answering: TypeAlias = Callable[[dict[str, Any]], Reply]


class Stub:
    """The server, in a thread of its own. `answer` decides per request; `replies` are used up first."""

    def __init__(self) -> None:
        self.replies: list[Reply] = []
        self.answer: Answering = lambda body: text("It is done.")
        #: What was asked: bodies, paths and headers, in order of arrival.
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        #: Connections on which the client went away while the answer was being sent.
        self.abandoned = 0
        self.open = 0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        """As a `base_url`."""
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> Stub:
        """Listen on a free port."""
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        """Close every connection."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._end.wait()
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head[1:])
        }
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
        path = head[0].split(" ")[1]
        self.bodies.append(body)
        self.paths.append(path)
        self.headers.append(headers)
        reply = self.replies.pop(0) if self.replies else self.answer(body)
        await asyncio.sleep(reply.delay)
        if reply.status != 200:
            await self._refuse(writer, reply)
            return True
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
        writer.write(b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n")
        watch = asyncio.ensure_future(reader.read(1))
        try:
            async for frame in self._frames(path, reply):
                if watch.done():
                    self.abandoned += 1
                    return False
                writer.write(b"%x\r\n%s\r\n" % (len(frame), frame))
                await writer.drain()
            if reply.stall_after is not None:
                await watch
                self.abandoned += 1
                return False
        finally:
            watch.cancel()
        if reply.break_after is not None:
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        # Simple to reason about: an answer, then a new connection.
        return False

    async def _refuse(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        wire = json.dumps(reply.body).encode()
        lines = [f"{name}: {value}" for name, value in reply.headers.items()]
        head = [
            f"HTTP/1.1 {reply.status} No",
            f"content-length: {len(wire)}",
            "content-type: application/json",
            *lines,
        ]
        writer.write("\r\n".join([*head, "", ""]).encode() + wire)
        await writer.drain()

    async def _frames(self, path: str, reply: Reply) -> AsyncIterator[bytes]:
        wire = wire_of(path)
        begin, middle, end = wire(reply.said, reply.usage, reply.finish)
        for frame in begin:
            yield frame
        for number, frame in enumerate(middle):
            if number in (reply.stall_after, reply.break_after):
                return
            if number == reply.garble_after:
                yield frame[: len(frame) // 2] + b"\n\n"
                return
            if reply.pace:
                await asyncio.sleep(reply.pace)
            yield frame
        for frame in end:
            yield frame


def scripted(*replies: Reply) -> Iterator[Reply]:
    """The replies one after the other."""
    return iter(replies)
