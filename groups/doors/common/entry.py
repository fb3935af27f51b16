"""A run's log as doors read it: typed entries. Pure."""

from __future__ import annotations

from typing import Any

import msgspec


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
