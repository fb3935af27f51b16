"""Durations in words."""

from __future__ import annotations

from django.utils.translation import gettext


def how_long(s: float) -> str:
    """So many seconds in words: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min."""
    if s < 60:
        return gettext("%(n)s s") % {"n": f"{s:.1f}" if s < 10 else round(s)}
    if s < 3600:
        return gettext("%(m)s min %(s)s s") % {"m": int(s // 60), "s": f"{int(s % 60):02}"}
    return gettext("%(h)s h %(m)s min") % {"h": int(s // 3600), "m": f"{int(s % 3600 // 60):02}"}
