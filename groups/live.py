"""The only sender to the hub (`state.fanout`): what viewers and workers hear, after commit. Encodes each batch once.

Topics: `run:<id>` carries the log itself; `group:<id>` and `dashboard` carry pokes ("look again");
`control` tells workers that a run they may be driving was changed by somebody else.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from django.db import transaction

from groups.models import Run, RunEvent
from state import fanout

CONTROL: Final = "control"
DASHBOARD: Final = "dashboard"

_encode = msgspec.json.Encoder().encode


def run_topic(run_id: uuid.UUID | str) -> str:
    """The topic of one run's log."""
    return f"run:{run_id}"


def group_topic(group_id: str) -> str:
    """The topic of what changes in a group."""
    return f"group:{group_id}"


def event_json(event: RunEvent) -> dict[str, Any]:
    """The event as every wire shows it (ARCHITECTURE 8)."""
    return {
        "seq": event.seq,
        "type": event.type,
        "at": event.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "agent_id": event.agent_id or None,
        "subtask": str(event.subtask) if event.subtask else None,
        "data": event.data,
    }


def events_frame(run_id: uuid.UUID | str, status: str, events: Sequence[RunEvent]) -> bytes:
    """The frame that carries these consecutive events; `seq` is the last one's, `first` the first one's."""
    return _encode(
        {
            "type": "events",
            "topic": run_topic(run_id),
            "first": events[0].seq,
            "seq": events[-1].seq,
            "status": status,
            "events": [event_json(event) for event in events],
        }
    )


def poke_frame(topic: str, what: str, **data: Any) -> bytes:
    """A frame that says what to look at again."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _encode({"type": "poke", "topic": topic, "what": what, "at": at, **data})


def announce(
    *,
    logs: Sequence[tuple[Run, Sequence[RunEvent]]] = (),
    pokes: Sequence[tuple[str, str, dict[str, Any]]] = (),
    control: Sequence[uuid.UUID] = (),
) -> None:
    """After commit, publish in one go: new log entries per run, pokes (topic, what, data), runs for the workers' ears."""

    def send() -> None:
        messages: list[fanout.Outgoing] = [
            fanout.Outgoing(
                run_topic(run.id), events_frame(run.id, run.status, rows), rows[0].seq, rows[-1].seq
            )
            for run, rows in logs
            if rows
        ]
        messages += [fanout.Outgoing(t, poke_frame(t, what, **data)) for t, what, data in pokes]
        messages += [fanout.Outgoing(CONTROL, str(run_id).encode()) for run_id in control]
        if messages:
            fanout.hub().publish(messages)

    transaction.on_commit(send)
