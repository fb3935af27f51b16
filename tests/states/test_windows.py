"""Statistics of the last minutes against a model that keeps every value (state/manager/windows.py)."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.manager.windows import SECONDS, SIZES, Level, Spread, Window

WIDTH, SLOTS = 2.5, 4


class Clock:
    """Stands still until it is moved."""

    def __init__(self, at: float = 1000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    def stretch(self) -> int:
        return math.floor(self.at / WIDTH)


def window(clock: Clock, bounds: tuple[float, ...] = SECONDS) -> Window:
    return Window(bounds, width=WIDTH, slots=SLOTS, clock=clock)


#: Seconds until the next value, the value, and how often it comes.
STEPS = st.lists(
    st.tuples(
        st.floats(0, 12) | st.just(0.0),
        st.floats(0, 2000) | st.sampled_from(SECONDS),
        st.integers(1, 3),
    ),
    max_size=40,
)


@given(STEPS, st.floats(0, 15))
def test_a_window_tells_what_a_list_of_everything_tells(
    steps: list[tuple[float, float, int]], rest: float
) -> None:
    clock = Clock()
    counted, kept = window(clock), []
    for pause, value, times in steps:
        clock.at += pause
        counted.record(value, times)
        kept += [(clock.stretch(), value)] * times
    clock.at += rest
    now = clock.stretch()
    inside = sorted(value for stretch, value in kept if now - SLOTS < stretch <= now)
    recent = counted.recent()
    assert recent.number == len(inside)
    assert recent.total == pytest.approx(math.fsum(inside))
    assert recent.mean == pytest.approx(math.fsum(inside) / len(inside) if inside else 0.0)
    for share in (0.01, 0.5, 0.95, 0.99, 1.0):
        told = recent.quantile(share)
        exact = inside[max(1, math.ceil(share * len(inside))) - 1] if inside else 0.0
        at = bisect_left(SECONDS, exact)
        if not inside:
            assert told == 0.0
        elif at == len(SECONDS):
            assert told == SECONDS[-1]
        else:
            assert (SECONDS[at - 1] if at else 0.0) <= told <= SECONDS[at]
    slots = counted.slots()
    assert [slot.number for slot in slots] == [
        sum(stretch == each for stretch, _ in kept) for each in range(now - SLOTS + 1, now + 1)
    ]
    last_two = [value for stretch, value in kept if now - 2 < stretch <= now]
    assert counted.recent(2 * WIDTH).total == pytest.approx(math.fsum(last_two))
    assert counted.ever().number == len(kept)
    assert counted.ever().total == pytest.approx(math.fsum(value for _, value in kept))


@given(st.lists(st.tuples(st.floats(0, 12), st.integers(-3, 3)), max_size=30), st.floats(0, 15))
def test_a_level_tells_where_it_stood_at_the_end_of_each_stretch(
    steps: list[tuple[float, int]], rest: float
) -> None:
    clock = Clock()
    level = Level(width=WIDTH, slots=SLOTS, clock=clock)
    stood: dict[int, int] = {}
    value = 0
    for pause, by in steps:
        clock.at += pause
        level.add(by)
        value = max(0, value + by)
        stood[clock.stretch()] = value
    clock.at += rest
    now = clock.stretch()
    expected = [
        next((stood[age] for age in sorted(stood, reverse=True) if age <= each), 0)
        for each in range(now - SLOTS + 1, now + 1)
    ]
    assert level.slots() == expected
    assert level.value == value


def test_buckets_of_times_are_narrow_and_begin_low_enough_for_a_lane() -> None:
    assert tuple(sorted(set(SECONDS))) == SECONDS
    assert max(upper / lower for lower, upper in pairwise(SECONDS)) < 1.15
    assert (SECONDS[0], SECONDS[-1]) == (1e-05, 1000.0)


def test_a_clock_that_was_set_back_counts_as_no_time() -> None:
    clock = Clock()
    counted = window(clock)
    counted.record(-3.0)
    assert (counted.recent().number, counted.recent().total) == (1, 0.0)


def test_without_bounds_it_keeps_sums() -> None:
    clock = Clock()
    rate = window(clock, ())
    rate.record(3)
    rate.record(4)
    assert rate.recent().total == 7.0
    assert rate.recent().quantile(0.5) == 0.0
    clock.at += WIDTH * SLOTS
    assert (rate.recent().total, rate.ever().total) == (0.0, 7.0)


def test_memory_does_not_grow() -> None:
    clock = Clock()
    counted, level = window(clock, SIZES), Level(width=WIDTH, slots=SLOTS, clock=clock)
    for _ in range(500):
        clock.at += 1.0
        counted.record(3.0)
        level.add(1)
    assert (len(counted._slots), len(level._changes)) == (SLOTS, SLOTS)


def test_two_spreads_together() -> None:
    both = Spread((1.0, 2.0), (1, 0, 2), 11.0) + Spread((1.0, 2.0), (0, 3, 1), 9.0)
    assert both == Spread((1.0, 2.0), (1, 3, 3), 20.0)
    assert both.mean == pytest.approx(20 / 7)


def test_threads_lose_no_value() -> None:
    counted, level = Window(), Level()

    def work() -> None:
        for _ in range(2000):
            counted.record(0.01)
            level.add(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (counted.ever().number, level.value) == (8000, 8000)
    assert counted.ever().total == pytest.approx(80.0)
