"""A run's log, entry by entry: as it grows, and as it stands."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator

import msgspec

from groups import selectors
from groups.doors.common.entry import Entry, decode
from groups.live import FRAME_EVENTS, event_json
from groups.viewing.following import HEARTBEAT, Following
from state.threads import in_thread

__all__ = ["Entry", "entries", "is_last", "stored"]


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
