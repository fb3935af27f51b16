"""What the sync engine counts in its process (shared-state 1.10)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from state.manager.metrics import Counts
from state.sync import exposition
from state.sync.metrics import SyncCounts
from state.values import SpaceInfo, StateMetrics


@pytest.fixture
def counts() -> SyncCounts:
    return SyncCounts()


def test_every_counter_counts_its_own(counts: SyncCounts) -> None:
    counts.sent(5, 900)
    counts.sent(2, 100)
    counts.reset("compacted")
    counts.reset("compacted")
    counts.reset("epoch")
    for _ in range(3):
        counts.integrity_error()
    for _ in range(4):
        counts.conflict()
    for ok in (True, True, False):
        counts.task_ended(ok)
    read = counts.read(pending_tasks=6, max_lag=70)
    assert (read.entries_sent, read.bytes_sent) == (7, 1000)
    assert read.resets == {"compacted": 2, "epoch": 1}
    assert (read.integrity_errors, read.conflicts) == (3, 4)
    assert (read.total_syncs, read.successful_syncs, read.failed_syncs) == (3, 2, 1)
    assert (read.pending_tasks, read.max_lag) == (6, 70)


def test_acknowledgements_give_latency_and_throughput(counts: SyncCounts) -> None:
    before = datetime.now(UTC)
    assert counts.read().last_sync_time is None
    counts.acked(30, 0.2)
    counts.acked(60, 0.4)
    counts.acked(0, 9.0)  # of a mark: no entry came with it
    read = counts.read()
    assert read.average_latency == pytest.approx(0.3)
    assert 0.16 <= read.latency_p50 <= 0.2
    assert 0.315 <= read.latency_p95 == read.latency_p99 <= 0.4
    assert read.throughput_per_sec == pytest.approx(1.5)
    assert read.entries_acked == 90
    assert read.last_sync_time is not None
    assert abs(read.last_sync_time - before) < timedelta(seconds=5)


def test_what_comes_and_goes_is_never_below_nothing(counts: SyncCounts) -> None:
    counts.connected(+1)
    counts.connected(+1)
    counts.parked(+1)
    assert (counts.read().active_connections, counts.read().parked) == (2, 1)
    for _ in range(3):
        counts.connected(-1)
        counts.parked(-1)
    read = counts.read(pending_tasks=-2)
    assert (read.active_connections, read.parked, read.pending_tasks) == (0, 0, 0)
    counts.parked(+1)
    assert (counts.read().parked, counts.total("parked")) == (1, 2)


def test_convergence_is_told_with_what_the_journal_waited() -> None:
    states, counts = Counts(), SyncCounts()
    counts.convergence = states.convergence
    at = datetime(2026, 5, 4, tzinfo=UTC)
    states.synced(0.5, at)
    assert states.read({}).average_sync_time == pytest.approx(0.5)
    assert states.read({}).last_sync_time == at
    counts.converged(0.1)
    counts.converged(0.3)
    read = states.read({})
    assert read.average_sync_time == pytest.approx(0.3)
    assert 0.25 <= read.sync_time_p50 <= 0.315
    assert 0.4 <= read.sync_time_p99 <= 0.5
    assert read.last_sync_time is not None
    assert read.last_sync_time > at


def test_counting_costs_microseconds(counts: SyncCounts) -> None:
    """Of a bound that a slow machine under load keeps: the engine calls these for every frame."""
    began = time.process_time()
    for _ in range(10_000):
        counts.sent(3, 900)
        counts.acked(3, 0.02)
    assert time.process_time() - began < 0.5


# -- for Prometheus ------------------------------------------------------------------------------------------------


def scraped(*families: Metric) -> dict[str, dict[str, float]]:
    """What Prometheus's own parser reads: by name and labels (as JSON)."""
    text = generate_latest(_Collector(families)).decode()
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[json.dumps(sample.labels, sort_keys=True)] = (
                sample.value
            )
    return found


class _Collector(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def test_histograms_are_cumulative_and_end_with_everything(counts: SyncCounts) -> None:
    for seconds in (0.0004, 0.001, 0.02, 0.02, 3.0, 2000.0):
        counts.acked(1, seconds)
    found = scraped(*exposition.of_syncing(counts.read(), counts))
    buckets = {
        json.loads(labels)["le"]: number
        for labels, number in found["stars_sync_latency_seconds_bucket"].items()
    }
    assert buckets["0.0005"] == 1
    assert buckets["0.001"] == 2
    assert buckets["0.01"] == 2
    assert buckets["0.025"] == 4
    assert buckets["5.0"] == buckets["50.0"] == 5
    assert buckets["+Inf"] == 6
    assert len(buckets) == len(exposition.BUCKETS) + 1, "every bound is one of the windows'"
    assert found["stars_sync_latency_seconds_count"] == {"{}": 6}
    assert found["stars_sync_latency_seconds_sum"]["{}"] == pytest.approx(2003.0414)


def test_labels_tell_apart_what_is_counted_together(counts: SyncCounts) -> None:
    counts.reset("future")
    counts.task_ended(False)
    states = Counts()
    states.conflict("write_write", "merge")
    states.conflict("custom", "")
    found = scraped(
        *exposition.of_syncing(counts.read(), counts),
        *exposition.of_states(states.read({}), states),
    )
    assert found["stars_sync_resets_total"] == {'{"reason": "future"}': 1}
    assert found["stars_sync_tasks_total"] == {
        '{"result": "completed"}': 0,
        '{"result": "failed"}': 1,
    }
    assert found["stars_state_conflicts_total"] == {
        '{"resolution": "merge", "type": "write_write"}': 1,
        '{"resolution": "", "type": "custom"}': 1,
    }


def test_only_the_spaces_that_changed_most_have_series_of_their_own() -> None:
    spaces = [
        SpaceInfo(id=f's"{n}\n', epoch="e", revision=n, compact_revision=n // 2) for n in range(130)
    ]
    found = scraped(*exposition.of_spaces(spaces))
    heads, floors = found["stars_state_space_revision"], found["stars_state_space_compact_revision"]
    assert len(heads) == len(floors) == exposition.SPACES == 100
    assert heads[json.dumps({"space": 's"129\n'})] == 129
    assert floors[json.dumps({"space": 's"129\n'})] == 64
    assert json.dumps({"space": 's"29\n'}) not in heads
    assert found["stars_state_spaces"] == {"{}": 130}


def test_every_number_of_the_seed_is_there() -> None:
    states = Counts()
    metrics = StateMetrics(
        total_states=9, active_states=8, pending_operations=7, open_conflicts=6, read_ops=5
    )
    found = scraped(*exposition.of_states(metrics, states))
    assert {
        name: found[f"stars_state_{name}"]["{}"] for name in ("created_states", "active_states")
    } == {
        "created_states": 9,
        "active_states": 8,
    }
    assert found["stars_state_pending_operations"]["{}"] == 7
    assert found["stars_state_open_conflicts"]["{}"] == 6
    assert found["stars_state_read_ops_total"]["{}"] == 5
    assert "stars_state_last_sync_timestamp_seconds" not in found, "there was none"


def test_a_level_by_label() -> None:
    family = exposition.levels("stars_runs", "Runs", "status", {"queued": 2, "running": 0})
    assert isinstance(family, GaugeMetricFamily)
    assert scraped(family)["stars_runs"] == {'{"status": "queued"}': 2, '{"status": "running"}': 0}
