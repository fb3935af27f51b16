"""What the manager counts in its process (shared-state 1.10)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from state.manager.windows import SIZES, Window
from state.values import StateMetrics


class Counts:
    """Monotonic counters, and windows of five minutes; thread-safe."""

    def __init__(self, *, enabled: bool = True) -> None:
        """Not `enabled`, it counts nothing."""
        self._enabled = enabled
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._conflicts: Counter[str] = Counter()
        self._last_sync: datetime | None = None
        #: Seconds from commits until all live subscribers of this process had acknowledged; `state.sync` measures it.
        self.convergence = Window()
        #: Seconds that journalled operations waited for their end.
        self.journal_wait = Window()
        #: Seconds that jobs waited for their commit to begin, and how many share one.
        self.lane_wait, self.batch_size = Window(), Window(SIZES)
        #: By name as `add` has it, for their rates.
        self.rates = {name: Window(()) for name in ("read_ops", "write_ops", "delete_ops")}

    def add(self, name: str, by: int = 1) -> None:
        """`name`: read_ops, write_ops, delete_ops, sync_errors."""
        if self._enabled:
            with self._lock:
                self._counts[name] += by
            if name in self.rates:
                self.rates[name].record(by)

    def conflict(self, kind: str, resolution: str) -> None:
        """One more conflict was found."""
        if self._enabled:
            with self._lock:
                self._conflicts[f"{kind}/{resolution}"] += 1

    def synced(self, seconds: float, at: datetime) -> None:
        """A journalled operation came to its end so long after it was accepted."""
        if self._enabled:
            self.journal_wait.record(seconds)
            self._last_sync = at

    def batch(self, waits: Sequence[float]) -> None:
        """A commit begins, of jobs that have waited so many seconds for it."""
        if self._enabled:
            self.batch_size.record(len(waits))
            for wait in waits:
                self.lane_wait.record(wait)

    def read(self, gauges: dict[str, int]) -> StateMetrics:
        """The counters, with the store's gauges."""
        times = self.journal_wait.recent() + self.convergence.recent()
        waits = self.lane_wait.recent()
        with self._lock:
            counts, conflicts = self._counts.copy(), dict(self._conflicts)
        return StateMetrics(
            total_states=gauges.get("total_states", 0),
            active_states=gauges.get("active_states", 0),
            pending_operations=gauges.get("pending_operations", 0),
            open_conflicts=gauges.get("open_conflicts", 0),
            sync_errors=counts["sync_errors"],
            conflicts=sum(conflicts.values()),
            read_ops=counts["read_ops"],
            write_ops=counts["write_ops"],
            delete_ops=counts["delete_ops"],
            average_sync_time=times.mean,
            sync_time_p50=times.quantile(0.5),
            sync_time_p95=times.quantile(0.95),
            sync_time_p99=times.quantile(0.99),
            last_sync_time=self._last_synced(),
            average_lane_wait=waits.mean,
            lane_wait_p99=waits.quantile(0.99),
            average_batch_size=self.batch_size.recent().mean,
            conflicts_by=conflicts,
        )

    def _last_synced(self) -> datetime | None:
        """When a journalled operation ended, or all subscribers had acknowledged, last."""
        last = self.convergence.last
        heard = None if last is None else datetime.fromtimestamp(last, UTC)
        return max(filter(None, (self._last_sync, heard)), default=None)
