"""Small line charts and the numbers beside them, in words of the page's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext

#: The box that lines are drawn in has one unit per step of time, and this height; stretched by the page.
HEIGHT: Final = 24


@dataclass(frozen=True)
class Chart:
    """One quantity: how it stands in words, the line of its last five minutes, and what else is known of it."""

    title: str | Promise
    #: What it means.
    about: str | Promise
    now: str
    highest: str
    #: An SVG path; where nothing was measured it has gaps.
    path: str
    #: Steps of time across it.
    width: int
    details: Sequence[tuple[str | Promise, str]] = ()


def path(values: Sequence[float | None]) -> str:
    """The line from 0 (below) to the highest value (above); a value that stands alone is a short one."""
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    drawn: list[str] = []
    gaps = [None, *values, None]
    for x, (before, value, after) in enumerate(zip(gaps, values, gaps[2:], strict=False)):
        if value is None:
            continue
        drawn.append(f"{'M' if before is None else 'L'}{x} {HEIGHT * (1 - value / top):.4g}")
        if before is None and after is None:
            drawn.append("h.5")  # long enough to be seen
    return "".join(drawn)


def highest(values: Sequence[float | None]) -> float | None:
    """The largest that was measured."""
    return max((value for value in values if value is not None), default=None)


def number(value: float) -> str:
    """With as many digits as are worth reading: 1,234 · 56 · 7.8 · 0.09."""
    if value >= 9.95 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 0.95 else f"{value:.2f}"


def rate(value: float | None) -> str:
    """So many per second."""
    return "–" if value is None else gettext("%(n)s/s") % {"n": number(value)}


def duration(seconds: float | None) -> str:
    """Milliseconds, or from one second on seconds."""
    if seconds is None:
        return "–"
    if seconds < 0.9995:
        return gettext("%(n)s ms") % {"n": number(seconds * 1000)}
    return gettext("%(n)s s") % {"n": number(seconds)}


def amount(value: float | None) -> str:
    """A number of things."""
    return "–" if value is None else number(value)
