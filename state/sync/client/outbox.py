"""Own writes until they are answered: sent in their order, again after every reconnect, each under one op_id. Pure.

A write that breaks the connection is sent alone in the end, and given up, for it would come again for ever.
Of one state no write is sent while an earlier one waits to be sent again. Those that were on their way when the server
could not store an earlier one (503) may overtake it; let them name a base, or wait for each answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import UNSET

from state.errors import Conflict, StarsError
from state.refusals import TooMany
from state.sync.client.refusals import BreaksConnection, from_frame, from_problem
from state.sync.client.values import Written
from state.sync.protocol import MAX_WRITES, ErrorFrame, FrameTooLarge, Res, Write, encode
from state.values import Json

#: Times that a write is sent again because the server was busy or its store down; reconnects do not count.
TRIES: Final = 8
#: Times that the socket is ended for the length of a write before that is given up.
CUTS: Final = 3
#: Times that a connection may break right after a write was sent, by that write's fault as it seems, and the seconds
#: within which it has to; from the second time on such a write is sent alone.
BREAKS: Final = 3
BREAK_S: Final = 5.0
#: Answers per state that are remembered, to tell what later writes build on.
REMEMBERED: Final = 32
#: Writes of one state that may wait: each names those before it.
PER_STATE: Final = 1000
_PASSING: Final = frozenset({429, 503})


class OnItsWay(Conflict):
    """A write with this op_id is on its way already; take another op_id for another write."""

    reason = "on_its_way"


class TooManyWrites(TooMany):
    """A thousand writes of this state wait to be sent; wait for some of their answers."""

    reason = "too_many_writes"


class WriteStatus(StrEnum):
    """Where an own write stands."""

    WAITING = "waiting"  # to be sent
    SENT = "sent"  # not yet answered
    JOURNALLED = "journalled"  # durable at the server, not yet carried out


class OwnWrite(msgspec.Struct):
    """One write in the outbox."""

    number: int
    write: Write
    status: WriteStatus = WriteStatus.WAITING
    tries: int = 0
    #: Times that it was sent, and times that the socket was ended for its length.
    sent: int = 0
    cuts: int = 0
    #: Times that the connection broke right after it was sent; and when it was, monotonic.
    breaks: int = 0
    sent_at: float = 0.0

    @property
    def is_suspect(self) -> bool:
        """Whether it has to be sent alone."""
        return self.breaks >= BREAKS - 1


class Answer(msgspec.Struct, frozen=True):
    """What came for a write: done, refused, or (with neither `ended`) to be sent again or waited for."""

    op_id: str
    written: Written | None = None
    refusal: StarsError | None = None
    #: It left the outbox.
    ended: bool = True
    #: Pause before anything is sent, as the server does not keep up.
    pause: bool = False


class Outbox:
    """See above."""

    def __init__(self, kept: Iterable[Write] = ()) -> None:
        """`kept`: what an earlier process did not get answers for."""
        self._waiting: deque[OwnWrite] = deque()
        self._sent: dict[str, OwnWrite] = {}
        #: op_ids of all, by state and in their order.
        self._open: dict[str, dict[str, None]] = {}
        self._flying = 0
        self._count = 0
        #: By state: own answered writes, and the version that each became.
        self._versions: dict[str, deque[tuple[str, int]]] = {}
        for each in kept:
            self.add(each)

    def __len__(self) -> int:
        """Writes that are not at their end."""
        return len(self._waiting) + len(self._sent)

    def check(self, write: Write) -> None:
        """Whether it may be added. Raises OnItsWay, and TooManyWrites of one state."""
        open_ = self._open.get(write.state, {})
        if write.op_id in open_:
            raise OnItsWay
        if len(open_) >= PER_STATE:
            raise TooManyWrites

    def add(self, write: Write) -> None:
        """Queue a write. Raises as `check`."""
        self.check(write)
        self._count += 1
        self._open.setdefault(write.state, {})[write.op_id] = None
        self._waiting.append(OwnWrite(self._count, write))

    def writes(self) -> tuple[OwnWrite, ...]:
        """All that are not at their end, in their order."""
        return tuple(sorted((*self._waiting, *self._sent.values()), key=_number))

    def after(self, state: str, base: int) -> tuple[str, ...]:
        """Own writes on a state that one upon version `base` builds on although `base` does not hold them."""
        later = [op_id for op_id, version in self._versions.get(state, ()) if version > base]
        return (*later, *self._open.get(state, ()))

    @property
    def has_suspects(self) -> bool:
        """Whether one of them may be what breaks the connection."""
        return any(own.is_suspect for own in self._waiting)

    def take(self, now: float = 0.0) -> list[Write]:
        """What may be sent at the monotonic time `now`; it counts as sent."""
        found = []
        while self._waiting and self._flying < self._room():
            own = self._waiting.popleft()
            own.status, own.sent_at = WriteStatus.SENT, now
            own.sent += 1
            self._flying += 1
            self._sent[own.write.op_id] = own
            found.append(own.write)
        return found

    def _room(self) -> int:
        """Writes that may be on their way together with the next one."""
        alone = self._waiting[0].is_suspect or (
            self._flying == 1
            and any(
                own.is_suspect and own.status is WriteStatus.SENT for own in self._sent.values()
            )
        )
        return 1 if alone else MAX_WRITES

    def disconnected(self, broke_at: float | None = None) -> list[Answer]:
        """What was sent and not answered is sent again, before what waited; the answers are what was given up.

        `broke_at`: the monotonic time at which the connection broke, if what was sent on it may be why.
        """
        given_up = []
        for own in sorted(self._sent.values(), key=_number, reverse=True):
            was_sent = own.status is WriteStatus.SENT
            if was_sent and broke_at is not None and broke_at - own.sent_at <= BREAK_S:
                own.breaks += 1
            if own.breaks >= BREAKS:
                self._end(own)
                given_up.append(Answer(own.write.op_id, refusal=BreaksConnection()))
            else:
                self._back(own)
        return given_up

    def cut(self) -> Answer | None:
        """The connection was ended for the length of a frame, which must be the longest of those not answered. After
        CUTS times it is given up, or nothing behind it would ever be carried out."""
        sent = [own for own in self._waiting if own.sent]
        if not sent:
            return None
        own = max(sent, key=lambda each: len(encode(each.write)))
        own.cuts += 1
        if own.cuts < CUTS:
            return None
        self._waiting.remove(own)
        self._forget(own)
        return Answer(own.write.op_id, refusal=FrameTooLarge(extra={"op_id": own.write.op_id}))

    def answered(self, res: Res) -> Answer | None:
        """What a `res` means; None: it is about none of these (a second answer)."""
        own = self._sent.get(res.op_id)
        if own is None:
            return None
        if res.problem is not None:
            return self._refused(own, from_problem(res.status, res.problem))
        written = _written(own.write, res)
        if res.queued:
            if own.status is WriteStatus.SENT:
                own.status = WriteStatus.JOURNALLED
                self._flying -= 1
            return Answer(res.op_id, written, ended=False)
        if written.version:
            kept = self._versions.setdefault(own.write.state, deque(maxlen=REMEMBERED))
            kept.append((res.op_id, written.version))
        self._end(own)
        return Answer(res.op_id, written)

    def refused(self, frame: ErrorFrame) -> Answer | None:
        """What an `error` frame with an op_id means; None: it is about none of these."""
        own = self._sent.get(frame.op_id) if frame.op_id is not UNSET else None
        return None if own is None else self._refused(own, from_frame(frame))

    def _refused(self, own: OwnWrite, refusal: StarsError) -> Answer:
        if refusal.status in _PASSING and own.tries < TRIES:
            own.tries += 1
            self._back(own)
            return Answer(own.write.op_id, refusal=refusal, ended=False, pause=True)
        self._end(own)
        return Answer(own.write.op_id, refusal=refusal)

    def _back(self, own: OwnWrite) -> None:
        """To the place among those that wait where it was."""
        del self._sent[own.write.op_id]
        if own.status is WriteStatus.SENT:
            self._flying -= 1
        own.status = WriteStatus.WAITING
        place = 0
        while place < len(self._waiting) and self._waiting[place].number < own.number:
            place += 1
        self._waiting.insert(place, own)

    def _end(self, own: OwnWrite) -> None:
        del self._sent[own.write.op_id]
        if own.status is WriteStatus.SENT:
            self._flying -= 1
        self._forget(own)

    def _forget(self, own: OwnWrite) -> None:
        open_ = self._open[own.write.state]
        open_.pop(own.write.op_id, None)
        if not open_:
            del self._open[own.write.state]


def _number(own: OwnWrite) -> int:
    return own.number


def _written(write: Write, res: Res) -> Written:
    conflict: dict[str, Json] | None = res.conflict
    return Written(
        op_id=res.op_id,
        status=res.status,
        state=write.state,
        uid=res.uid if res.uid is not UNSET else "",
        version=res.v if res.v is not UNSET else 0,
        revision=res.rev if res.rev is not UNSET else 0,
        merged=res.merged,
        changed=res.changed,
        replayed=res.replayed,
        queued=res.queued,
        conflict=conflict,
    )
