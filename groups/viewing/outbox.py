"""Frames with consecutive events of a run, as they wait to be written to its viewers."""

from __future__ import annotations

from functools import cached_property

import msgspec

from groups.events import RUN_END_TYPES
from groups.live import EventsFrame, encode
from state.fanout import Outgoing


class _Head(msgspec.Struct):
    seq: int
    type: str


class Frame:
    """A frame with consecutive events of one run, shared by all its viewers: each form of it is made once."""

    def __init__(self, outgoing: Outgoing) -> None:
        self.first = outgoing.first
        self.last = outgoing.last
        self.payload = outgoing.payload

    @cached_property
    def text(self) -> str:
        """The JSON text of the frame."""
        return self.payload.decode()

    @cached_property
    def content(self) -> EventsFrame:
        """The frame decoded, its events still bytes."""
        return msgspec.json.decode(self.payload, type=EventsFrame)

    @cached_property
    def events(self) -> list[tuple[int, str, bytes]]:
        """(seq, type, JSON) of each event."""
        raws = msgspec.json.decode(self.content.events, type=list[msgspec.Raw])
        heads = (msgspec.json.decode(raw, type=_Head) for raw in raws)
        return [(head.seq, head.type, bytes(raw)) for head, raw in zip(heads, raws, strict=True)]

    @property
    def at_rest(self) -> bool:
        """Whether the run had ended when this frame's last event was written."""
        return self.events[-1][1] in RUN_END_TYPES


def merged(messages: list[Outgoing]) -> Frame:
    """One frame for messages that follow each other without a gap."""
    if len(messages) == 1:
        return Frame(messages[0])
    parts = [msgspec.json.decode(message.payload, type=EventsFrame) for message in messages]
    arrays = b",".join(memoryview(part.events)[1:-1] for part in parts)
    first, last = parts[0].first, parts[-1]
    frame = EventsFrame(last.topic, first, last.seq, last.status, msgspec.Raw(b"[" + arrays + b"]"))
    return Frame(Outgoing(last.topic, encode(frame), first, last.seq))
