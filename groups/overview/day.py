"""The runs of a day as bars, an hour each: what went well stands above the line, what failed hangs below. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple

HOURS: Final = 24
STEP: Final = 5
WIDTH: Final = HOURS * STEP - 1
#: Units above the line for what went well, and below it for what failed.
UP: Final = 20
DOWN: Final = 10
HEIGHT: Final = UP + DOWN + 1
LINE: Final = UP + 0.5
#: A bar that stands for something can be seen, however small its share.
LEAST: Final = 2.5


class Bar(NamedTuple):
    """One hour's runs of one kind."""

    x: int
    y: float
    height: float
    failed: bool


class Day(NamedTuple):
    """The bars, oldest first, and what they add up to."""

    bars: tuple[Bar, ...]
    runs: int
    failed: int


def day(counts: Mapping[datetime, tuple[int, int]], now: datetime) -> Day:
    """`counts` is (all, failed) runs by the hour in which they began; what lies outside of the last day is left out."""
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    hours = [counts.get(first + timedelta(hours=place), (0, 0)) for place in range(HOURS)]
    most = max((total for total, _ in hours), default=0) or 1
    bars = []
    for place, (total, failed) in enumerate(hours):
        if total > failed:
            height = _height(total - failed, most, UP)
            bars.append(Bar(place * STEP, round(LINE - 1 - height, 1), height, failed=False))
        if failed:
            bars.append(Bar(place * STEP, LINE + 1, _height(failed, most, DOWN - 1), failed=True))
    return Day(tuple(bars), sum(total for total, _ in hours), sum(bad for _, bad in hours))


def _height(count: int, most: int, room: int) -> float:
    return round(max(LEAST, (room - 1) * count / most), 1)
