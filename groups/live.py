"""The only sender to the hub (`state.fanout`): what viewers and workers hear, after commit. Encodes each batch once.

Topics: `run:<id>` carries the log itself; `group:<id>` and `dashboard` carry pokes ("look again");
`control` tells workers that a run they may be driving was changed by somebody else.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec
from django.db import transaction

from groups.models import Run, RunEvent
from state import fanout

CONTROL: Final = "control"
DASHBOARD: Final = "dashboard"

#: A frame ends with the event that brings it to this many, or to this many bytes.
FRAME_EVENTS: Final = 500
FRAME_BYTES: Final = 256 * 1024

encode = msgspec.json.Encoder().encode


class EventsFrame(msgspec.Struct, tag_field="type", tag="events", frozen=True):
    """Consecutive events of a run as viewers get them; `seq` is the last one's number, `first` the first one's."""

    topic: str
    first: int
    seq: int
    status: str
    #: A JSON array of events, as bytes.
    events: msgspec.Raw


class LogEntry(NamedTuple):
    """An event on its way to the database and the hub: what a RunEvent holds, at a fraction of its cost."""

    run_id: uuid.UUID
    seq: int
    type: str
    at: datetime
    agent_id: str
    subtask: uuid.UUID | None
    data: dict[str, Any]


def run_topic(run_id: uuid.UUID | str) -> str:
    """The topic of one run's log."""
    return f"run:{run_id}"


def group_topic(group_id: str) -> str:
    """The topic of what changes in a group."""
    return f"group:{group_id}"


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as on every wire."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_json(event: RunEvent | LogEntry) -> dict[str, Any]:
    """The event as every wire shows it (ARCHITECTURE 8)."""
    return {
        "seq": event.seq,
        "type": event.type,
        "at": timestamp(event.at),
        "agent_id": event.agent_id or None,
        "subtask": str(event.subtask) if event.subtask else None,
        "data": event.data,
    }


def event_frames(
    run_id: uuid.UUID | str, status: str, events: Sequence[RunEvent | LogEntry]
) -> Iterator[fanout.Outgoing]:
    """The frames that carry these consecutive events, each of at most FRAME_EVENTS and about FRAME_BYTES."""
    topic = run_topic(run_id)
    first, parts, size = 0, list[bytes](), 0
    for event in events:
        part = encode(event_json(event))
        first, size = first or event.seq, size + len(part)
        parts.append(part)
        if len(parts) == FRAME_EVENTS or size >= FRAME_BYTES or event is events[-1]:
            array = msgspec.Raw(b"[" + b",".join(parts) + b"]")
            frame = EventsFrame(topic, first, event.seq, status, array)
            yield fanout.Outgoing(topic, encode(frame), first, event.seq)
            first, parts, size = 0, [], 0


def poke_frame(topic: str, what: str, **data: Any) -> bytes:
    """A frame that says what to look at again."""
    at = timestamp(datetime.now(UTC))
    return encode({"type": "poke", "topic": topic, "what": what, "at": at, **data})


def announce(
    *,
    logs: Sequence[tuple[Run, Sequence[RunEvent | LogEntry]]] = (),
    pokes: Sequence[tuple[str, str, dict[str, Any]]] = (),
    control: Sequence[uuid.UUID] = (),
) -> None:
    """After commit, publish in one go: new log entries per run, pokes (topic, what, data), runs for workers to hear."""

    def send() -> None:
        messages = [frame for run, rows in logs for frame in event_frames(run.id, run.status, rows)]
        messages += [fanout.Outgoing(t, poke_frame(t, what, **data)) for t, what, data in pokes]
        messages += [fanout.Outgoing(CONTROL, str(run_id).encode()) for run_id in control]
        if messages:
            fanout.hub().publish(messages)

    transaction.on_commit(send, robust=True)
