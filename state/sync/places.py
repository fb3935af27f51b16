"""Places that a reader can come back to: not every frame is one, for some states may still be owed to it. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final

#: Places that wait for their acknowledgement; with more, the oldest is no place any more.
MAX_WAITING: Final = 1024


class Places:
    """Revisions, each the end of a frame after which nothing was owed."""

    def __init__(self) -> None:
        #: The last one that was sent, and the last one that was acknowledged; None: there is none.
        self.sent: int | None = None
        self.kept: int | None = None
        self._waiting: deque[int] = deque(maxlen=MAX_WAITING)

    def begin(self, revision: int | None) -> None:
        """The reader has everything up to there, and said so itself (None: there is nothing to come back to)."""
        self.sent = self.kept = revision
        self._waiting.clear()

    def add(self, revision: int) -> None:
        """A frame up to there was sent, and nothing is owed."""
        self.sent = revision
        if not self._waiting or self._waiting[-1] != revision:
            self._waiting.append(revision)

    def acked(self, revision: int) -> None:
        """The reader has applied all frames up to there."""
        while self._waiting and self._waiting[0] <= revision:
            self.kept = self._waiting.popleft()
