"""Agents elsewhere that say much in very small pieces: taking them keeps nobody else on the worker waiting."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
from a2a.types.a2a_pb2 import Artifact, Part, TaskArtifactUpdateEvent

from groups.agents.a2a.gathering import Gathered
from groups.agents.webhook import frames

#: Seconds of the worker's event loop; joining at every piece took ten times as long.
MOST = 3.0


async def pieces(text: str, size: int) -> AsyncIterator[str]:
    """The text, `size` characters at a time."""
    for start in range(0, len(text), size):
        yield text[start : start + size]


async def test_a_long_frame_in_small_pieces() -> None:
    said = "x" * 1_500_000
    begin = time.monotonic()
    found = [line async for line in frames.of_ndjson(pieces(f"{said}\r\n\n{said}", 10))]
    assert time.monotonic() - begin < MOST
    assert [len(line) for line in found] == [len(said), len(said)]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_lines_are_the_same_however_they_are_cut(size: int) -> None:
    text = 'data: one\r\ndata: two\n\n\ndata: {"a": 3}\n\nrest: no\ndata: last'
    found = [frame async for frame in frames.of_sse(pieces(text, size))]
    assert found == ["one\ntwo", '{"a": 3}', "last"]


def test_a_long_artifact_that_grows_by_small_pieces() -> None:
    def grow(text: str) -> str:
        artifact = Artifact(artifact_id="report", parts=[Part(text=text)])
        return gathered.piece(TaskArtifactUpdateEvent(artifact=artifact, append=True))

    gathered = Gathered()
    assert grow("x" * 3_900_000).startswith("xx")
    begin = time.monotonic()
    assert "".join(grow("y") for _ in range(40_000)) == "y" * 40_000
    assert time.monotonic() - begin < MOST
    assert gathered.text == "x" * 3_900_000 + "y" * 40_000
