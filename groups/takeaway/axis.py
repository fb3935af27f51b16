"""Where moments stand in a report's timeline: where nobody worked for most of a run, that is drawn short. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from groups.takeaway.digest import Span

#: Idle for less is left as it is: so long, or that share of the whole.
_IDLE: Final = timedelta(seconds=2)
_IDLE_SHARE: Final = 0.04
#: How wide a stretch that is left out is drawn: a share of what is left.
_BREAK: Final = 0.02


@dataclass(frozen=True)
class Axis:
    """Moments from `begin` to `end` as shares of a line; `breaks` are stretches that are left out, in order."""

    begin: datetime
    end: datetime
    breaks: tuple[tuple[datetime, datetime], ...] = ()

    @property
    def left_out(self) -> timedelta:
        """How long all that is left out was."""
        return sum((end - begin for begin, end in self.breaks), timedelta())

    def share(self, at: datetime) -> float:
        """Where a moment stands, from 0 to 1."""
        return self._place(at) / max(self._place(self.end), 0.001)

    def _place(self, at: datetime) -> float:
        kept = (self.end - self.begin - self.left_out).total_seconds()
        place = (at - self.begin).total_seconds()
        for begin, end in self.breaks:
            if at <= begin:
                break
            over = (min(at, end) - begin).total_seconds()
            place -= over * (1 - kept * _BREAK / (end - begin).total_seconds())
        return place


def axis(begin: datetime, end: datetime, spans: Iterable[Span]) -> Axis:
    """The axis of a run with these spans of its subtasks."""
    whole = end - begin
    least = max(_IDLE, whole * _IDLE_SHARE)
    work = sorted((s.begin, s.end or end) for s in spans if s.state == "running")
    breaks, last = [], begin
    for start, stop in (*work, (end, end)):
        if start - last >= least:
            breaks.append((last, start))
        last = max(last, stop)
    found = Axis(begin, end, tuple(breaks))
    return found if work and found.left_out > whole / 2 else Axis(begin, end)
