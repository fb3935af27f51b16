"""How any process talks to the one that holds a session's socket: over the hub, to all, and whom it concerns acts.

Messages may be lost. They are hints: what they say is in rows that `sessions.Sessions.note` and `tasks` look at again.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from state import fanout
from state.fanout import Outgoing

#: Of the hub.
TOPIC: Final = "sync:control"


class End(msgspec.Struct, frozen=True, tag="end"):
    """The socket of that session is to close with `code`, if it is of that generation or an earlier one."""

    session: str
    code: int
    reason: str
    generation: int


class Deliver(msgspec.Struct, frozen=True, tag="deliver"):
    """A sync task wants `agent` to acknowledge `revision` of `state`: call `tasks.acked` when it has. With kind
    "full" the state goes as a snapshot first, whatever was sent before."""

    session: str
    task: str
    agent: str
    state: str
    kind: str  # "full" or "delta"
    revision: int


class Review(msgspec.Struct, frozen=True, tag="review"):
    """Who may do what in that space may have changed otherwise than by an entry of its log."""

    space: str


Message: TypeAlias = End | Deliver | Review
_decoder: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)


def send(*messages: Message) -> None:
    """To all processes, this one included."""
    outgoing = [Outgoing(TOPIC, msgspec.json.encode(each)) for each in messages]
    if outgoing:
        fanout.hub().publish(outgoing)


def read(payload: bytes) -> Message | None:
    """What was said; None for what this version does not know."""
    try:
        return _decoder.decode(payload)
    except msgspec.DecodeError:
        return None


def end(session: str, code: int, reason: str, *, generation: int) -> None:
    """Have the socket of the session closed."""
    send(End(session, code, reason, generation))


def review(space: str) -> None:
    """Have all readers of the space judged anew."""
    send(Review(space))
