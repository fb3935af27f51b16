"""Small line charts and the numbers beside them, in words of the page's language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from groups.charts import spark


@dataclass(frozen=True)
class Chart:
    """One quantity: how it stands in words, the line of its last five minutes, and what else is known of it."""

    title: str | Promise
    #: What it means.
    about: str | Promise
    now: str
    highest: str
    #: One per step of time; None where nothing was measured.
    values: Sequence[float | None]
    details: Sequence[tuple[str | Promise, str]] = ()

    @property
    def svg(self) -> SafeString:
        """The line, which says in a sentence what it shows."""
        told = gettext("%(title)s: %(about)s Now %(now)s, at most %(highest)s in five minutes.")
        return spark(told % vars(self), self.values)


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
