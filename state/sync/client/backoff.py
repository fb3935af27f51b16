"""How long to wait: before trying again, and in order not to be too fast.

Pauses are exponential with full jitter (M. Brooker, "Exponential Backoff And Jitter").
"""

from __future__ import annotations

import random
from collections import deque
from typing import Final

#: Seconds: of the first pause at most, and of any.
BASE: Final = 0.5
CAP: Final = 30.0
#: So many resets within so many seconds are a loop.
RESETS: Final = 3
RESETS_S: Final = 30.0


#: Frames that may be sent at once, and per second in the long run: less than what a server takes from one client
#: (`sync.heart`). So many characters count as one more, and a subscription as so many.
BURST: Final = 500.0
RATE: Final = 300.0
SIZE: Final = 8 * 1024
SUB_COST: Final = 8.0


class Backoff:
    """Pauses between attempts, the longer the more of them failed in a row."""

    def __init__(self, base: float = BASE, cap: float = CAP) -> None:
        """In seconds."""
        self._base, self._cap = base, cap
        self._failed = 0

    def pause(self, at_least: float = 0.0) -> float:
        """Another attempt failed: seconds until the next one; `at_least` (as a server asked) never less."""
        # 2^30 pauses are long enough for any cap.
        longest = min(self._cap, self._base * 2 ** min(self._failed, 30))
        self._failed += 1
        return max(at_least, random.uniform(0, longest))

    def succeeded(self) -> None:
        """The next pause is a first one again."""
        self._failed = 0


class Resets:
    """Notices when a subscription is sent back to its beginning again and again."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=RESETS)

    def are_too_many(self, now: float) -> bool:
        """Count one at the monotonic time `now`; whether it is the third within 30 s."""
        self._seen.append(now)
        return len(self._seen) == RESETS and now - self._seen[0] <= RESETS_S


class Pace:
    """A bucket of tokens, one for each short frame."""

    def __init__(self) -> None:
        self._tokens, self._at = BURST, 0.0

    def wait(self, now: float, size: int, more: float = 0.0) -> float:
        """Seconds until a frame of so many characters may be sent, which counts as sent then; `now` is monotonic.

        `more`: what it costs besides.
        """
        cost = 1.0 + size / SIZE + more
        self._tokens = min(BURST, self._tokens + (now - self._at) * RATE) - cost
        self._at = now
        return max(0.0, -self._tokens / RATE)
