"""A model's server that sends more than anybody can hold: it is cut off, and the worker goes on."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from groups.agents.base import AgentError
from groups.agents.llm import provider
from groups.execution.statuses import SubtaskKind
from tests.llm.asking import config, heard, request

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"
#: Small, and too large when it is unpacked.
PACKED = gzip.compress(b"data: " + b" " * (64 << 20))


@asynccontextmanager
async def answering(head: bytes, pieces: Iterator[bytes]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """The address of a server that answers so, and the heads of the requests."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(head + b"\r\n")
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", asked


async def test_a_packed_answer_is_refused_before_it_is_unpacked() -> None:
    head = HEAD + b"content-encoding: gzip\r\n"
    async with answering(head, iter([PACKED])) as (url, asked):
        with pytest.raises(AgentError, match="compressed"):
            await heard(request(SubtaskKind.WORK, config(url)))
    assert b"accept-encoding: identity" in asked[0].lower()


async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "MAX_ANSWER", 1 << 20)
    line = b": " + b"x" * 65_536
    async with answering(HEAD, iter([line] * 64)) as (url, _):
        with pytest.raises(AgentError, match="longer than 1,048,576 bytes"):
            await heard(request(SubtaskKind.WORK, config(url)))
