"""Markdown pieces the built-in agents share: tables, numbers and escaping. Pure text in, text out."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

#: A cell longer than this is cut; the file itself has the rest.
MAX_CELL: Final = 60
_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|~])")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def escape(value: object, limit: int = MAX_CELL) -> str:
    """`value` as Markdown that shows exactly that text, cut at `limit` characters.

    Control characters are shown by their symbols (U+2400 and on), so a NUL is visible.
    """
    text = str(value)
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    text = _CONTROL.sub(
        lambda found: chr(0x2400 + ord(found[0])) if found[0] < "\x7f" else "␡", text
    )
    return _SPECIAL.sub(r"\\\1", text)


def number(value: object) -> str:
    """`value` for people: integers and decimals in full with thousands separators, floats to six digits."""
    if value is None:
        return "–"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal):
        return f"{value:,f}"
    if isinstance(value, float):
        return _float(value)
    return str(value)


def _float(value: float) -> str:
    """Six significant digits, trailing zeros dropped; powers of ten only where plain digits mislead."""
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size < -4 or size > 14:
        return f"{value:.6g}"
    shown = f"{value:,.{max(0, 5 - size)}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def percent(part: int | float, whole: int | float) -> str:
    """`part` of `whole` in per cent with one decimal; a dash when there is no whole."""
    return f"{100 * part / whole:.1f}%" if whole else "–"


def cell(value: object) -> str:
    """A value out of a data file as a table cell."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return str(value.date())
    if isinstance(value, int | float | Decimal):
        return number(value)
    return escape(value)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], right: str = "") -> str:
    """A Markdown table of cells that are Markdown already.

    `right` has one letter per column: `r` sets the column flush right, anything else flush left.
    """
    rules = [
        "---:" if letter == "r" else "---"
        for _, letter in zip(headers, right.ljust(len(headers)), strict=False)
    ]
    lines = [headers, rules, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plural(count: int, one: str, many: str = "") -> str:
    """`1 row`, `2,000 rows`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listed(names: Sequence[str], limit: int = 6) -> str:
    """`a, b and c`, cut after `limit` names."""
    shown = list(names[:limit])
    if len(names) > limit:
        shown.append(f"{len(names) - limit:,} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
