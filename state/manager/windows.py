"""Statistics of the last minutes in bounded memory: rings of short slots, each a histogram of what fell into it.

What is said of a window covers the slot under way and the full ones before it, so up to one slot's width less than its
length.
"""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

#: Twenty steps per decade, each about an eighth more than the one before (Renard's R20, ISO 3).
_R20: Final = (
    *("1", "1.12", "1.25", "1.4", "1.6", "1.8", "2", "2.24", "2.5", "2.8"),
    *("3.15", "3.55", "4", "4.5", "5", "5.6", "6.3", "7.1", "8", "9"),
)
#: Upper bounds of the buckets of times, in seconds: 10 µs to 1000 s.
SECONDS: Final = (*(float(f"{step}e{power}") for power in range(-5, 3) for step in _R20), 1000.0)
#: Of numbers of things that are done together.
SIZES: Final = tuple(float(2**power) for power in range(11))
#: A window of five minutes.
WIDTH: Final = 5.0
SLOTS: Final = 60


@dataclass(frozen=True)
class Spread:
    """How values were spread: `counts[i]` of them at most `bounds[i]` and above the bound before it, the last beyond
    all bounds. Without bounds it knows only their number and sum."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float

    @property
    def number(self) -> int:
        """How many values."""
        return sum(self.counts)

    @property
    def mean(self) -> float:
        """Their exact mean; 0 of none."""
        number = self.number
        return self.total / number if number else 0.0

    def quantile(self, share: float) -> float:
        """The value of nearest rank, as exactly as its bucket is narrow; 0 of none, the last bound beyond all."""
        rank = max(1, math.ceil(share * self.number))
        before = 0
        for upper, bucket in zip(self.bounds, self.counts, strict=False):
            if before + bucket >= rank:
                at = bisect_left(self.bounds, upper)
                lower = self.bounds[at - 1] if at else 0.0
                return lower + (upper - lower) * (rank - before - 0.5) / bucket
            before += bucket
        return self.bounds[-1] if self.bounds and self.number else 0.0

    def __add__(self, other: Spread) -> Spread:
        """Both together; their bounds must be the same."""
        counts = tuple(a + b for a, b in zip(self.counts, other.counts, strict=True))
        return Spread(self.bounds, counts, self.total + other.total)


class _Slot:
    """What fell into one stretch of time; `age` numbers the stretches."""

    __slots__ = ("age", "counts", "total")

    def __init__(self, buckets: int) -> None:
        self.age = -1
        self.counts = [0] * buckets
        self.total = 0.0


class Window:
    """Values of the last `slots` times `width` seconds, and of all time. Thread-safe; recording takes about 1 µs."""

    def __init__(
        self,
        bounds: Sequence[float] = SECONDS,
        *,
        width: float = WIDTH,
        slots: int = SLOTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without `bounds` it keeps sums and numbers only, as rates need them."""
        self.bounds, self.width = tuple(bounds), width
        #: When something was recorded last, in seconds since the epoch.
        self.last: float | None = None
        self._clock = clock
        self._slots = [_Slot(len(bounds) + 1) for _ in range(slots)]
        self._ever = _Slot(len(bounds) + 1)
        self._lock = threading.Lock()

    def record(self, value: float, times: int = 1) -> None:
        """The value occurred so often; below 0 (clocks may be set back) counts as 0."""
        value = max(value, 0.0)
        bucket = bisect_left(self.bounds, value)
        with self._lock:
            self.last = time.time()
            age = int(self._clock() / self.width)
            slot = self._slots[age % len(self._slots)]
            if slot.age != age:
                slot.age, slot.total = age, 0.0
                slot.counts = [0] * len(slot.counts)
            for each in (slot, self._ever):
                each.counts[bucket] += times
                each.total += value * times

    def slots(self) -> list[Spread]:
        """Each stretch of the window, the oldest first, the one under way last."""
        none = Spread(self.bounds, (0,) * (len(self.bounds) + 1), 0.0)
        with self._lock:
            now = int(self._clock() / self.width)
            first = now - len(self._slots) + 1
            found = {slot.age: self._spread(slot) for slot in self._slots if first <= slot.age}
        return [found.get(age, none) for age in range(first, now + 1)]

    def recent(self, seconds: float | None = None) -> Spread:
        """The whole window, or its last `seconds`."""
        slots = self.slots()
        if seconds is not None:
            slots = slots[-max(1, round(seconds / self.width)) :]
        counts = tuple(map(sum, zip(*(slot.counts for slot in slots), strict=True)))
        return Spread(self.bounds, counts, sum(slot.total for slot in slots))

    def ever(self) -> Spread:
        """Since the process began."""
        with self._lock:
            return self._spread(self._ever)

    def _spread(self, slot: _Slot) -> Spread:
        return Spread(self.bounds, tuple(slot.counts), slot.total)


class Level:
    """A number that goes up and down, and where it stood in each stretch of the last minutes. Thread-safe."""

    def __init__(
        self,
        *,
        width: float = WIDTH,
        slots: int = SLOTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.width = width
        self._clock, self._length = clock, slots
        self._value = 0
        #: (stretch, before it, at its end), the oldest first; only of stretches in which it changed.
        self._changes: list[tuple[int, int, int]] = []
        self._lock = threading.Lock()

    @property
    def value(self) -> int:
        """Where it stands."""
        return self._value

    def add(self, by: int) -> None:
        """It went up, or down; never below 0."""
        with self._lock:
            before, self._value = self._value, max(0, self._value + by)
            age = int(self._clock() / self.width)
            if self._changes and self._changes[-1][0] == age:
                before = self._changes.pop()[1]
            self._changes.append((age, before, self._value))
            del self._changes[: -self._length]

    def slots(self) -> list[int]:
        """Where it stood at the end of each stretch, the oldest first, the one under way last."""
        with self._lock:
            now = int(self._clock() / self.width)
            ages = range(now - self._length + 1, now + 1)
            inside = [change for change in self._changes if change[0] >= ages[0]]
            stood = inside[0][1] if inside else self._value
        ends = {age: after for age, _, after in inside}
        found = []
        for age in ages:
            stood = ends.get(age, stood)
            found.append(stood)
        return found
