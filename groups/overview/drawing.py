"""A group as a constellation: the leader in the middle, the others around it. Pure; the same group looks the same."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

WIDTH: Final = 112
HEIGHT: Final = 48
#: Stars of one drawing; more would be a cloud.
MOST: Final = 13
#: Radians between two neighbours on a sunflower, where no two lie in line (Vogel, 1979).
_GOLDEN: Final = math.pi * (3 - math.sqrt(5))


class Star(NamedTuple):
    """A member; x and y in units of the drawing."""

    x: float
    y: float
    radius: float
    leads: bool
    works: bool


class Line(NamedTuple):
    """From one star to another."""

    x1: float
    y1: float
    x2: float
    y2: float


class Constellation(NamedTuple):
    """Stars, and the lines between them."""

    stars: tuple[Star, ...]
    lines: tuple[Line, ...]


def constellation(
    seed: str, members: Sequence[tuple[str, bool]], working: frozenset[str] = frozenset()
) -> Constellation:
    """`members` are (agent id, whether it leads), the leader first; `working` those that carry something out now."""
    shown = members[:MOST]
    turn = (zlib.crc32(seed.encode()) % 628) / 100
    stars = [
        _star(place, len(shown), turn, agent_id, leads, agent_id in working)
        for place, (agent_id, leads) in enumerate(shown)
    ]
    lines = [_line(stars, place) for place in range(1, len(stars))]
    return Constellation(tuple(stars), tuple(lines))


def _star(place: int, count: int, turn: float, agent_id: str, leads: bool, works: bool) -> Star:
    """On a sunflower around the middle, moved a little by what it is called."""
    chance = zlib.crc32(agent_id.encode())
    reach = 0.4 + 0.6 * math.sqrt((place + (chance % 50) / 100) / count) if place else 0.0
    angle = turn + place * _GOLDEN
    x = WIDTH / 2 + reach * math.cos(angle) * (WIDTH / 2 - 5)
    y = HEIGHT / 2 + reach * math.sin(angle) * (HEIGHT / 2 - 5)
    radius = 4.5 if leads else 1.5 + chance % 3 * 0.4
    return Star(round(x, 1), round(y, 1), round(radius, 1), leads, works)


def _line(stars: Sequence[Star], place: int) -> Line:
    """To the nearest star that was there before, so that the drawing hangs together and no lines cross in a tangle."""
    star = stars[place]
    near = min(stars[:place], key=lambda other: math.hypot(other.x - star.x, other.y - star.y))
    return Line(near.x, near.y, star.x, star.y)
