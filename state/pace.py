"""How fast clients may write, in this process, and how fast frames may come on one socket: token buckets."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from state.refusals import TooMany
from state.values import Limits

#: Writers remembered; whoever has not written for longest is forgotten, and begins with a full bucket.
WRITERS: Final = 10_000


class TooFast(TooMany):
    """You write faster than allowed."""

    reason = "rate"  # extra: {"retry_after": seconds}


class Buckets:
    """Token buckets by key; thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Any, tuple[float, float]] = OrderedDict()

    def take(self, key: Any, *, rate: float, burst: float) -> float:
        """Take one token, of which `rate` come per second and `burst` at most are kept; 0, or how many seconds to
        wait until there is one (then none is taken)."""
        now = self._clock()
        with self._lock:
            tokens, since = self._kept.pop(key, (burst, now))
            tokens = min(burst, tokens + (now - since) * rate)
            missing = max(0.0, 1.0 - tokens)
            self._kept[key] = (tokens if missing else tokens - 1.0, now)
            if len(self._kept) > WRITERS:
                self._kept.popitem(last=False)
        return missing / rate


buckets: Final = Buckets()


def check(limits: Limits, user: Any, agent: str) -> None:
    """Count one more write of the user, in the name of that agent. Raises TooFast."""
    key = (user, agent)
    wait = buckets.take(key, rate=limits.writes_per_second, burst=limits.writes_burst)
    if wait:
        raise TooFast(extra={"retry_after": math.ceil(wait)})


class Allowance:
    """A token bucket: `burst` frames at once, `rate` frames per second in the long run."""

    def __init__(self, *, burst: float = 240.0, rate: float = 20.0) -> None:
        self._burst, self._rate = burst, rate
        self._left = burst
        self._at = time.monotonic()

    def take(self, tokens: float = 1.0) -> bool:
        """Whether one more frame, or what counts as so many, is within the allowance."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < tokens:
            return False
        self._left -= tokens
        return True
