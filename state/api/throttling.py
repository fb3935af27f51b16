"""How fast one agent of one user may write, in this process: a token bucket each."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from state import conf
from state.refusals import TooMany

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


class WriteThrottle(BaseThrottle):
    """Limits.writes_per_second and writes_burst, for each user and each agent it acts for."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """True. Raises TooFast."""
        if request.method not in SAFE_METHODS:
            limits = conf.manager().limits
            key = (request.user.pk, request.headers.get("Stars-Agent", ""))
            wait = buckets.take(key, rate=limits.writes_per_second, burst=limits.writes_burst)
            if wait:
                raise TooFast(extra={"retry_after": math.ceil(wait)})
        return True
