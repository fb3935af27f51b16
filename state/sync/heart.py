"""Heartbeats of one socket: the server beats whether it is idle or not, and two beats without an answer end it
(shared-state 2.5); and how fast its frames may come. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from state.pace import Allowance
from state.sync.protocol import MAX_FRAME, Busy

#: Frames a client may send: at once, and per second in the long run; and refused ones in a row that end it.
BURST: Final = 1000.0
RATE: Final = 400.0
PATIENCE: Final = 200
#: What counts as one more frame: so many characters; and as how many a `sub` does, whose answer is long.
SIZE: Final = 8 * 1024
SUB_COST: Final = 8.0


class Heart:
    """Times are monotonic seconds."""

    def __init__(self, every: float, now: float) -> None:
        self.count = 0
        self._every, self._at = every, now
        self._answered = self._missed = 0

    def is_due(self, now: float) -> bool:
        """Whether the next beat is."""
        return now - self._at >= self._every

    def beat(self, now: float) -> bool:
        """The next one, numbered `count`; False when the last two were not answered."""
        self._missed = self._missed + 1 if self._answered < self.count else 0
        self._at = now
        self.count += 1
        return self._missed < 2

    def answered(self, number: int) -> None:
        """The client has answered that beat, and with it all before."""
        self._answered = max(self._answered, min(number, self.count))


class TooFast(Busy):
    """Frames come faster than they are looked at; this one was not."""

    reason = "flood"


class Pace:
    """Counts frames, long ones several times."""

    def __init__(self, end: Callable[[], None]) -> None:
        """`end` is called when refusals do not help."""
        self._end = end
        self._allowance, self._refused = Allowance(burst=BURST, rate=RATE), 0

    def check(self, size: int) -> None:
        """One more has come, of that many characters. Raises TooFast."""
        self.charge(1.0 + min(size, MAX_FRAME) / SIZE)

    def charge(self, cost: float) -> None:
        """What has come is as much work as so many frames. Raises TooFast."""
        if self._allowance.take(cost):
            self._refused = 0
            return
        self._refused += 1
        if self._refused > PATIENCE:
            self._end()
        raise TooFast
