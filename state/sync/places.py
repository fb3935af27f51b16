"""Places that a reader can come back to: not every frame is one, for some states may still be owed to it. Pure."""

from __future__ import annotations

from collections import deque


class Places:
    """Revisions, each the end of a frame after which nothing was owed."""

    def __init__(self) -> None:
        #: The last one that was sent, and the last one that was acknowledged; 0: none yet.
        self.sent = self.kept = 0
        self._waiting: deque[int] = deque()

    def begin(self, revision: int) -> None:
        """The reader has everything up to there, and said so itself (0: nothing at all)."""
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
