"""The same numbers as Prometheus has them: families of metrics for a scrape of this process.

Counters and histograms are the process's own and are summed where they are looked at; gauges of the store are the same
from every process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from state.manager.metrics import Counts
from state.manager.windows import Spread
from state.sync.metrics import SyncCounts
from state.values import SpaceInfo, StateMetrics, SyncMetrics

#: Spaces that have series of their own, so that no installation drowns its Prometheus: those that changed most.
SPACES: Final = 100
#: Bounds of histograms in seconds; a part of `windows.SECONDS`.
BUCKETS: Final = frozenset(
    {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 50.0}
)


def of_states(metrics: StateMetrics, counts: Counts) -> Iterator[Metric]:
    """Of the StateManager."""
    for name, text, number in (
        # `total` would be a counter's.
        ("created_states", "States that there ever were", metrics.total_states),
        ("active_states", "States that are not deleted", metrics.active_states),
        ("pending_operations", "Queued operations that have not ended", metrics.pending_operations),
        ("open_conflicts", "Conflicts that wait for somebody", metrics.open_conflicts),
    ):
        yield GaugeMetricFamily(f"stars_state_{name}", text, number)
    for name, text, number in (
        ("read_ops", "Reads that succeeded", metrics.read_ops),
        ("write_ops", "Writes that were committed", metrics.write_ops),
        ("delete_ops", "Deletions that were committed", metrics.delete_ops),
        ("sync_errors", "Failed tries to apply queued operations", metrics.sync_errors),
    ):
        yield CounterMetricFamily(f"stars_state_{name}", text, number)
    found = CounterMetricFamily(
        "stars_state_conflicts", "Conflicts that were found", labels=("type", "resolution")
    )
    for kind, number in metrics.conflicts_by.items():
        found.add_metric(kind.split("/", 1), number)
    yield found
    yield from _moment("stars_state_last_sync_timestamp", metrics.last_sync_time)
    for name, text, window in (
        (
            "convergence_seconds",
            "From commit until all subscribers acknowledged",
            counts.convergence,
        ),
        (
            "journal_seconds",
            "Of queued operations, from acceptance to their end",
            counts.journal_wait,
        ),
        ("lane_wait_seconds", "How long writes waited for their commit to begin", counts.lane_wait),
        ("batch_size", "Writes in one commit", counts.batch_size),
    ):
        yield _histogram(f"stars_state_{name}", text, window.ever())


def of_spaces(spaces: Sequence[SpaceInfo]) -> Iterator[Metric]:
    """Where each of at most SPACES spaces stands, and how many spaces there are."""
    shown = sorted(spaces, key=lambda space: (-space.revision, space.id))[:SPACES]
    yield GaugeMetricFamily("stars_state_spaces", "Spaces", len(spaces))
    for name, text in (
        ("revision", "Last revision of the space"),
        ("compact_revision", "Entries up to here may be gone: the compaction floor"),
    ):
        family = GaugeMetricFamily(f"stars_state_space_{name}", text, labels=("space",))
        for space in shown:
            family.add_metric([space.id], getattr(space, name))
        yield family


def of_syncing(metrics: SyncMetrics, counts: SyncCounts) -> Iterator[Metric]:
    """Of the sync engine and its tasks."""
    tasks = CounterMetricFamily("stars_sync_tasks", "Sync tasks that ended", labels=("result",))
    tasks.add_metric(["completed"], metrics.successful_syncs)
    tasks.add_metric(["failed"], metrics.failed_syncs)
    yield tasks
    for name, text, number in (
        ("conflicts", "What subscribers wrote and collided", metrics.conflicts),
        ("integrity_errors", "Hashes that did not fit; must be 0", metrics.integrity_errors),
        ("entries_sent", "Entries given to sockets and webhooks", metrics.entries_sent),
        ("bytes_sent", "Bytes of them", metrics.bytes_sent),
        ("entries_acked", "Entries that were acknowledged", metrics.entries_acked),
        ("parks", "Times that a connection did not keep up", counts.total("parked")),
    ):
        yield CounterMetricFamily(f"stars_sync_{name}", text, number)
    resets = CounterMetricFamily(
        "stars_sync_resets", "Subscriptions that had to begin anew", labels=("reason",)
    )
    for reason, number in metrics.resets.items():
        resets.add_metric([reason], number)
    yield resets
    for name, text, number in (
        ("pending_tasks", "Sync tasks that wait", metrics.pending_tasks),
        ("active_connections", "Connections that are live", metrics.active_connections),
        ("parked_connections", "Connections that do not keep up", metrics.parked),
        ("max_lag_entries", "What the subscriber furthest behind has not got", metrics.max_lag),
    ):
        yield GaugeMetricFamily(f"stars_sync_{name}", text, number)
    yield from _moment("stars_sync_last_sync_timestamp", metrics.last_sync_time)
    yield _histogram(
        "stars_sync_latency_seconds", "From sending to acknowledgement", counts.latency.ever()
    )


def levels(name: str, text: str, label: str, numbers: Mapping[str, int]) -> Metric:
    """A gauge with one series per value of a label."""
    family = GaugeMetricFamily(name, text, labels=(label,))
    for value, number in numbers.items():
        family.add_metric([value], number)
    return family


def _histogram(name: str, text: str, spread: Spread) -> Metric:
    """Cumulative, as Prometheus wants it; of times with the bounds of BUCKETS, else with all."""
    buckets: list[tuple[str, float]] = []
    below = 0
    coarse = BUCKETS.intersection(spread.bounds) if name.endswith("_seconds") else spread.bounds
    for bound, number in zip(spread.bounds, spread.counts, strict=False):
        below += number
        if bound in coarse:
            buckets.append((repr(bound), below))
    buckets.append(("+Inf", spread.number))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=spread.total)


def _moment(name: str, at: datetime | None) -> Iterator[Metric]:
    if at is not None:
        yield GaugeMetricFamily(f"{name}_seconds", "When it was, in Unix time", at.timestamp())
