"""Charts as SVG, drawn by pygal and dressed by `chart.css`: no colours, fonts or scripts of its own.

Series are told apart by pattern as well as by colour; each bar and point says in a `<title>` what it stands for; the
whole drawing is one image with a sentence as its name, and the same numbers stand in a table beside it.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree

import pygal
from django.utils.safestring import SafeString, mark_safe
from pygal.style import Style

#: The drawing's own units; the page stretches it to the room there is.
WIDTH: Final = 560
HEIGHT: Final = 200
#: Width and height of a small line.
SPARK: Final = (240, 48)
#: Labels below the axis at most; more would run into each other on a phone.
LABELS: Final = 6
#: Size of the letters that room is left for.
_LETTERS: Final = 12
_DAY: Final = 86400.0
#: Seconds: steps that clocks have.
_CLOCK: Final = (
    *(0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(60.0, 120.0, 300.0, 600.0, 900.0, 1800.0),
    *(3600.0, 7200.0, 10800.0, 21600.0, 43200.0),
)
_NS: Final = "{http://www.w3.org/2000/svg}"
_SERIES: Final = re.compile(r"series serie-(\d+)")
#: What pygal leaves for scripts that we do not have, and its own colours.
_DROPPED: Final = tuple(f"{_NS}{tag}" for tag in ("defs", "desc", "title"))
_OVERLAYS: Final = ("tooltip-overlay", "text-overlay", "titles")

ElementTree.register_namespace("", _NS[1:-1])
# For plugins with maps pygal hangs a finder into Python's import that newer Pythons do not ask and 3.11 warns of.
sys.meta_path[:] = [each for each in sys.meta_path if type(each) is not pygal.PluginImportFixer]


@dataclass(frozen=True)
class Series:
    """One quantity over the axis. `look` names its colour and pattern: a class `look-…` of `chart.css`."""

    name: str
    values: Sequence[float | None]
    look: str


@dataclass(frozen=True)
class Chart:
    """A drawing, its legend, and the same numbers as a table."""

    title: str
    #: What it shows, as one sentence.
    about: str
    labels: Sequence[str]
    series: Sequence[Series]
    #: How a value is written.
    write: Callable[[float], str]
    #: Empty when there is nothing to draw.
    svg: SafeString

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """(label, values as written) of each stretch in which anything was measured."""
        columns = zip(*(each.values for each in self.series), strict=True)
        return [
            (label, ["–" if value is None else self.write(value) for value in values])
            for label, values in zip(self.labels, columns, strict=True)
            if any(values)
        ]


def bars(
    title: str,
    about: str,
    labels: Sequence[str],
    series: Sequence[Series],
    write: Callable[[float], str],
    *,
    whole: bool = True,
) -> Chart:
    """Piles of things, `whole` ones or amounts: one pile per label, the first series lowest."""
    piles = zip(*(each.values for each in series), strict=True)
    top = max((sum(value or 0 for value in pile) for pile in piles), default=0.0)
    options = _options(labels, ticks(top, whole=whole), write)
    return _chart(pygal.StackedBar(**options), title, about, labels, series, write)


def durations(
    title: str,
    about: str,
    labels: Sequence[str],
    series: Sequence[Series],
    write: Callable[[float], str],
) -> Chart:
    """A line of seconds per series; a stretch without a value breaks it."""
    top = max((value for each in series for value in each.values if value), default=0.0)
    options = _options(labels, time_ticks(top), write)
    return _chart(pygal.Line(**options, dots_size=2.5), title, about, labels, series, write)


def spark(name: str, values: Sequence[float | None]) -> SafeString:
    """A small line without axes, from 0 (below) to the highest value (above)."""
    top = max((value for value in values if value), default=1.0)
    drawing = pygal.Line(
        width=SPARK[0],
        height=SPARK[1],
        range=(0, top),
        allow_interruptions=True,
        show_legend=False,
        show_x_labels=False,
        show_y_labels=False,
        show_y_guides=False,
        show_x_guides=False,
        dots_size=1,
        margin=2,
        disable_xml_declaration=True,
    )
    drawing.add("", list(values))
    return _dress(drawing.render(), name, [Series("", values, "a1")], named=False)


def ticks(top: float, *, whole: bool = False) -> list[float]:
    """From 0 up to `top` or just above it in two to five round steps; steps of whole numbers when `whole`."""
    if top <= 0:
        return [0.0, 1.0]
    size = max(1.0 if whole else 0.0, 10.0 ** math.floor(math.log10(top)))
    steps = (size * part for part in (0.2, 0.25, 0.5, 1, 2, 5, 10))
    return _up_to(top, next(s for s in steps if top <= 5 * s and (not whole or s == int(s))))


def time_ticks(top: float) -> list[float]:
    """From 0 up to `top` seconds or just above it, in steps that are round as people read clocks."""
    step = next((step for step in _CLOCK if top <= 5 * step), None)
    return _up_to(top, step) if step else [day * _DAY for day in ticks(top / _DAY, whole=True)]


def _up_to(top: float, step: float) -> list[float]:
    return [step * each for each in range(max(1, math.ceil(top / step - 1e-9)) + 1)]


def _options(
    labels: Sequence[str], at: Sequence[float], write: Callable[[float], str]
) -> dict[str, Any]:
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "x_labels": list(labels),
        "x_labels_major": list(labels)[:: -(-len(labels) // LABELS)],
        "show_minor_x_labels": False,
        "y_labels": list(at),
        "value_formatter": write,
        "allow_interruptions": True,
        "show_legend": False,
        "show_x_guides": False,
        "truncate_label": -1,
        "margin": 2,
        "margin_top": 10,
        "disable_xml_declaration": True,
        "style": Style(label_font_size=_LETTERS, major_label_font_size=_LETTERS),
    }


def _chart(
    drawing: Any,
    title: str,
    about: str,
    labels: Sequence[str],
    series: Sequence[Series],
    write: Callable[[float], str],
) -> Chart:
    svg = SafeString()
    if any(any(each.values) for each in series):
        for each in series:
            drawing.add(each.name, list(each.values))
        svg = _dress(drawing.render(), f"{title}. {about}", series)
    return Chart(title, about, labels, series, write, svg)


def _dress(drawn: str, name: str, series: Sequence[Series], *, named: bool = True) -> SafeString:
    """The drawing without what pygal leaves for scripts, and with names instead of its own classes."""
    root = ElementTree.fromstring(drawn)
    for group in root.iter(f"{_NS}g"):
        if found := _SERIES.match(group.get("class", "")):
            each = series[int(found[1])]
            group.set("class", f"series look-{each.look}")
            for mark in group.iter(f"{_NS}g") if named else ():
                _name(mark, each.name)
    for parent in list(root.iter()):
        for child in list(parent):
            overlay = child.get("class", "").endswith(_OVERLAYS)
            if overlay or (child.tag in _DROPPED and not child.get("data-name")):
                parent.remove(child)
    root.attrib.pop("id", None)
    root.set("class", "chart-drawing")
    root.set("role", "img")
    root.set("aria-label", name)
    return mark_safe(ElementTree.tostring(root, encoding="unicode"))


def _name(mark: ElementTree.Element, series: str) -> None:
    """Say what a bar or a point stands for, from what pygal wrote into it for its script."""
    told = {desc.get("class"): desc.text for desc in mark.findall(f"{_NS}desc")}
    if "value" in told:
        title = ElementTree.SubElement(mark, f"{_NS}title", {"data-name": "1"})
        title.text = f"{told.get('x_label', '')} · {series}: {told['value']}"
