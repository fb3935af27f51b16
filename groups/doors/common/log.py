"""A run's log as doors read it: typed entries, batch by batch, in order and without gaps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from groups.viewing.following import HEARTBEAT, Following


class Entry(msgspec.Struct, frozen=True):
    """One event of the log; `data` as in `groups.events`."""

    seq: int
    type: str
    at: str
    agent_id: str | None = None
    subtask: str | None = None
    data: dict[str, Any] = {}


_decoder = msgspec.json.Decoder(list[Entry])


def decode(events: bytes | msgspec.Raw) -> list[Entry]:
    """The entries of a JSON array of events."""
    return _decoder.decode(events)


async def entries(log: Following, beat: float = HEARTBEAT) -> AsyncIterator[list[Entry]]:
    """Batches as they come; an empty one after every `beat` seconds of silence, to show that the stream lives.

    Ends when the run's log is at rest, or when the viewer may watch no more.
    """
    async for frame in log.frames(beat):
        yield [] if frame is None else decode(frame.content.events)
