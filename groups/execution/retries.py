"""How long to wait before another try."""

from __future__ import annotations

import random
from typing import Final

BASE: Final = 0.5
CAP: Final = 60.0


def retry_delay(attempt: int, rng: random.Random) -> float:
    """Seconds before the try after the failed `attempt` (1 = the first).

    Exponential back-off with "equal jitter": half fixed, half random, so that many failures at once spread out
    (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """
    full = min(CAP, BASE * 2.0 ** min(attempt - 1, 30))
    return full / 2 + rng.random() * full / 2
