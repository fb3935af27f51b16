"""A run's log as doors read it: typed entries, batch by batch, in order and without gaps."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec

from groups import selectors
from groups.live import FRAME_EVENTS, event_json
from groups.viewing.following import HEARTBEAT, Following
from state.threads import in_thread


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


def stored(run_id: uuid.UUID) -> Iterator[Entry]:
    """The log as it stands in the database, from its beginning. Blocks."""
    after = 0
    while rows := selectors.events_after(run_id, after, FRAME_EVENTS):
        after = rows[-1].seq
        yield from (msgspec.convert(event_json(row), Entry) for row in rows)


async def is_last(run_id: uuid.UUID, seq: int) -> bool:
    """Whether the log ends with that event as of now (or the run is gone)."""
    found = await in_thread(selectors.last_seq)(run_id)
    return found is None or found[0] == seq
