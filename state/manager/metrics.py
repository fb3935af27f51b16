"""What the manager counts in its process."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime

from state.values import StateMetrics


class Counts:
    """Monotonic counters; thread-safe."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._conflicts: Counter[str] = Counter()
        self._waits: list[float] = []
        self._last_sync: datetime | None = None

    def add(self, name: str, by: int = 1) -> None:
        """`name`: read_ops, write_ops, delete_ops, sync_errors."""
        if self._enabled:
            with self._lock:
                self._counts[name] += by

    def conflict(self, kind: str, resolution: str) -> None:
        """One more conflict was found."""
        if self._enabled:
            with self._lock:
                self._conflicts[f"{kind}/{resolution}"] += 1

    def synced(self, seconds: float, at: datetime) -> None:
        """A journalled operation came to its end so long after it was accepted."""
        if self._enabled:
            with self._lock:
                self._waits = [*self._waits[-999:], seconds]
                self._last_sync = at

    def read(self, gauges: dict[str, int]) -> StateMetrics:
        """The counters, with the store's gauges."""
        with self._lock:
            waits = self._waits
            return StateMetrics(
                total_states=gauges.get("total_states", 0),
                active_states=gauges.get("active_states", 0),
                pending_operations=gauges.get("pending_operations", 0),
                sync_errors=self._counts["sync_errors"],
                conflicts=sum(self._conflicts.values()),
                read_ops=self._counts["read_ops"],
                write_ops=self._counts["write_ops"],
                delete_ops=self._counts["delete_ops"],
                average_sync_time=sum(waits) / len(waits) if waits else 0.0,
                last_sync_time=self._last_sync,
                conflicts_by=dict(self._conflicts),
            )
