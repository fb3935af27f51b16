"""Charts: what is drawn, what it says of itself, and nothing that a page's policy would refuse."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from groups.charts import Chart, Series, bars, durations, spark, ticks, time_ticks

NS = "{http://www.w3.org/2000/svg}"


def whole(value: float) -> str:
    return f"{value:g}"


def a_chart(*series: Series) -> Chart:
    return bars("Runs", "By hour.", ["08:00", "09:00", "10:00"], series, whole)


def test_every_bar_says_what_it_stands_for_and_looks_as_its_series() -> None:
    chart = a_chart(Series("done <b>", [3, 0, 1], "good"), Series("failed", [0, None, 2], "bad"))
    root = ElementTree.fromstring(chart.svg)
    assert (root.get("role"), root.get("aria-label")) == ("img", "Runs. By hour.")
    done, failed = (
        root.findall(f".//{NS}g[@class='series look-{look}']/{NS}g/{NS}g")
        for look in ("good", "bad")
    )
    assert "10:00 · failed: 2" in [bar.findtext(f"{NS}title") for bar in failed]
    assert "08:00 · done <b>: 3" in [bar.findtext(f"{NS}title") for bar in done]
    heights = [float(bar[0].get("height") or 0) for bar in done]
    assert heights[0] == pytest.approx(3 * heights[2]) and heights[1] == 0


def test_nothing_of_pygals_own_styles_scripts_or_notes_is_left() -> None:
    svg = a_chart(Series("done", [1, 2, 3], "good")).svg + spark("s", [1, None, 2])
    for left in ("<style", "<script", "<desc", "style=", "http://pygal", "<!--", "<defs", 'id="'):
        assert left not in svg
    assert not re.search(r"font-family|fill=|rgba?\(", svg)


def test_numbers_stand_beside_the_drawing_where_there_are_any() -> None:
    chart = a_chart(Series("done", [3, 0, None], "good"), Series("failed", [1, 0, 2], "bad"))
    assert chart.rows == [("08:00", ["3", "1"]), ("10:00", ["–", "2"])]
    assert chart.svg and not a_chart(Series("done", [0, None, 0], "good")).svg
    assert not a_chart().svg


def test_a_line_breaks_where_nothing_was_measured() -> None:
    labels = [str(n) for n in range(5)]
    chart = durations("T", "t", labels, [Series("half", [1.0, 2.0, None, 3.0, 4.0], "a1")], whole)
    found = ElementTree.fromstring(chart.svg).findall(f".//{NS}g[@class='series look-a1']/{NS}path")
    drawn = [(each.get("d") or "").split() for each in found]
    assert len(drawn) == 2 and all(each[0][0] == "M" and len(each) == 4 for each in drawn)


@pytest.mark.parametrize("top", [0.003, 0.7, 1.0, 2.0, 3.1, 9.0, 23.0, 99.0, 1234.0, 1e6])
def test_steps_are_few_equal_and_reach_the_top(top: float) -> None:
    for at, least in ((ticks(top), 0.0), (ticks(top, whole=True), 1.0), (time_ticks(top), 0.1)):
        steps = {round(after - before, 9) for before, after in pairwise(at)}
        assert len(steps) == 1 and min(steps) >= least
        assert at[0] == 0 and at[-1] >= top - 1e-9 and 2 <= len(at) <= 6
        assert at[-2] < top, "no empty step above it"


def test_times_are_stepped_as_clocks_are() -> None:
    assert time_ticks(170.0) == [0, 60, 120, 180]
    assert time_ticks(2 * 3600.0) == [0, 1800, 3600, 5400, 7200]
    assert time_ticks(40 * 86400.0) == [0, 10 * 86400, 20 * 86400, 30 * 86400, 40 * 86400]
    assert ticks(0.0) == [0.0, 1.0]
