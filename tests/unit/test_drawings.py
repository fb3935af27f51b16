"""A group as a constellation, and a day of runs as bars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from groups.overview import day as days
from groups.overview import drawing
from groups.overview.drawing import constellation

NOW = datetime(2026, 3, 4, 5, 30, tzinfo=UTC)
HOUR = NOW.replace(minute=0)
names = st.lists(st.text(min_size=1, max_size=8), max_size=40, unique=True)


@given(st.text(max_size=9), names)
def test_all_stars_lie_within_the_drawing_and_hang_together(seed: str, ids: list[str]) -> None:
    drawn = constellation(seed, [(name, place == 0) for place, name in enumerate(ids)])
    assert drawn == constellation(seed, [(name, place == 0) for place, name in enumerate(ids)])
    assert len(drawn.stars) == min(len(ids), drawing.MOST)
    assert len(drawn.lines) == max(0, len(drawn.stars) - 1)
    assert all(0 < s.x < drawing.WIDTH and 0 < s.y < drawing.HEIGHT for s in drawn.stars)
    ends = {(star.x, star.y) for star in drawn.stars}
    assert all({(line.x1, line.y1), (line.x2, line.y2)} <= ends for line in drawn.lines)


def test_the_leader_stands_in_the_middle_and_who_works_shines() -> None:
    drawn = constellation("orion", [("lena", True), ("wim", False)], frozenset({"wim"}))
    leader, worker = drawn.stars
    assert (leader.x, leader.y) == (drawing.WIDTH / 2, drawing.HEIGHT / 2)
    assert (leader.leads, leader.works, worker.leads, worker.works) == (True, False, False, True)
    assert drawn != constellation("lyra", [("lena", True), ("wim", False)])
    assert constellation("orion", []).stars == ()


def test_a_day_has_an_hour_each_and_failures_below_the_line() -> None:
    counts = {
        HOUR: (4, 1),
        HOUR - timedelta(hours=23): (1, 1),
        HOUR - timedelta(hours=24): (9, 9),
    }
    drawn = days.day(counts, NOW)
    assert (drawn.runs, drawn.failed) == (5, 2)
    oldest, good, bad = drawn.bars
    assert (oldest.x, oldest.failed) == (0, True)
    assert good.x == bad.x == days.WIDTH - 4
    assert good.y + good.height < days.LINE < bad.y
    assert days.day({}, NOW).bars == ()


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=24))
def test_no_bar_leaves_the_drawing(hours: list[tuple[int, int]]) -> None:
    counts = {
        HOUR - timedelta(hours=place): (good + bad, bad) for place, (good, bad) in enumerate(hours)
    }
    for bar in days.day(counts, NOW).bars:
        assert bar.height >= days.LEAST - 1e-9
        assert bar.y >= 0 and bar.y + bar.height <= days.HEIGHT
