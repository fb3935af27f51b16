"""What the sync engine counts in its process (shared-state 1.10); gauges of sessions and tasks come from their rows.

`counts` is this process's. All calls are thread-safe and take about a microsecond.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Final

from state.manager.windows import Level, Window
from state.values import SyncMetrics

#: Seconds over which throughput is told.
MINUTE: Final = 60.0


class SyncCounts:
    """Monotonic counters, and windows of five minutes."""

    def __init__(self) -> None:
        #: Seconds from commit until all live subscribers have acknowledged. `state.conf` puts the manager's own here:
        #: `StateMetrics.average_sync_time` is told from it.
        self.convergence = Window()
        #: Seconds from sending to acknowledgement; entries that were acknowledged.
        self.latency = Window()
        self.throughput = Window(())
        #: Sockets that are connected here, and those of them that do not keep up.
        self.connections, self.parks = Level(), Level()
        #: When the process began to count.
        self.began = datetime.now(UTC)
        self._lock = threading.Lock()
        #: entries_sent, bytes_sent, parked, integrity_errors, conflicts, successful, failed
        self._counts: Counter[str] = Counter()
        self._resets: Counter[str] = Counter()
        self._last: float | None = None

    def sent(self, entries: int, n_bytes: int) -> None:
        """A frame with so many entries was given to a socket or a webhook; `n_bytes` as it goes over the wire."""
        with self._lock:
            self._counts["entries_sent"] += entries
            self._counts["bytes_sent"] += n_bytes

    def acked(self, entries: int, seconds: float) -> None:
        """A subscriber acknowledged so many entries, the last of which was sent `seconds` ago; 0 entries: nothing."""
        if entries > 0:
            self.throughput.record(entries)
            self.latency.record(seconds)
            self._last = time.time()

    def converged(self, seconds: float) -> None:
        """All live subscribers have acknowledged a commit, `seconds` after it."""
        self.convergence.record(seconds)

    def reset(self, reason: str) -> None:
        """A subscription had to begin anew ("compacted", "epoch", "future", "filter", "integrity")."""
        with self._lock:
            self._resets[reason] += 1

    def parked(self, by: int) -> None:
        """+1: a connection does not keep up; -1: it has caught up, or is gone."""
        self.parks.add(by)
        if by > 0:
            self._add("parked", by)

    def connected(self, by: int) -> None:
        """+1: a socket said hello; -1: it is gone."""
        self.connections.add(by)

    def integrity_error(self) -> None:
        """A client says that a hash did not fit."""
        self._add("integrity_errors")

    def conflict(self) -> None:
        """What a subscriber wrote, or a task pushed, collided."""
        self._add("conflicts")

    def task_ended(self, ok: bool) -> None:
        """A sync task came to its end (not: one attempt of it)."""
        self._add("successful" if ok else "failed")
        self._last = time.time()

    def total(self, name: str) -> int:
        """Since the process began: of entries_sent, bytes_sent, parked, integrity_errors, conflicts, successful or
        failed."""
        return self._counts[name]

    @property
    def last(self) -> datetime | None:
        """When something was acknowledged, or a task ended, last."""
        return None if self._last is None else datetime.fromtimestamp(self._last, UTC)

    def read(self, *, pending_tasks: int = 0, max_lag: int = 0) -> SyncMetrics:
        """The counters, with gauges that are told from the rows of tasks and sessions."""
        latency = self.latency.recent()
        with self._lock:
            counts, resets = self._counts.copy(), dict(self._resets)
        return SyncMetrics(
            total_syncs=counts["successful"] + counts["failed"],
            successful_syncs=counts["successful"],
            failed_syncs=counts["failed"],
            conflicts=counts["conflicts"],
            pending_tasks=max(0, pending_tasks),
            active_connections=self.connections.value,
            average_latency=latency.mean,
            last_sync_time=self.last,
            throughput_per_sec=self.throughput.recent(MINUTE).total / MINUTE,
            latency_p50=latency.quantile(0.5),
            latency_p95=latency.quantile(0.95),
            latency_p99=latency.quantile(0.99),
            parked=self.parks.value,
            max_lag=max_lag,
            resets=resets,
            integrity_errors=counts["integrity_errors"],
            entries_sent=counts["entries_sent"],
            bytes_sent=counts["bytes_sent"],
            entries_acked=int(self.throughput.ever().total),
        )

    def _add(self, name: str, by: int = 1) -> None:
        with self._lock:
            self._counts[name] += by


#: Of this process.
counts: Final = SyncCounts()
