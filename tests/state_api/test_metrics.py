"""`GET /api/v1/metrics/`: the seed's numbers of states at the top, those of syncing beside them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from groups.models import Group
from state import conf
from state.sync.metrics import counts
from state.values import StateMetrics, SyncMetrics
from tests.state_api.conftest import Client


def asked(client: Client) -> Any:
    answer = client.ask("get", "/api/v1/metrics/")
    assert answer.status_code == 200
    return answer.json()


def test_both_shapes_are_whole(viewer: Client) -> None:
    found = asked(viewer)
    assert set(found) == {*StateMetrics.__struct_fields__, "sync"}
    assert set(found["sync"]) == set(SyncMetrics.__struct_fields__)
    assert msgspec.convert(found["sync"], SyncMetrics).pending_tasks == 0


def test_what_the_sync_engine_measures_is_told_at_both_places(viewer: Client) -> None:
    before = asked(viewer)["sync"]
    counts.sent(4, 512)
    counts.reset("future")
    counts.converged(0.25)
    counts.converged(0.75)
    found = asked(viewer)
    assert found["sync"]["entries_sent"] - before["entries_sent"] == 4
    assert found["sync"]["resets"]["future"] - before["resets"].get("future", 0) == 1
    assert found["average_sync_time"] == pytest.approx(0.5)
    assert found["last_sync_time"].endswith("Z")


def test_how_lanes_do(lab: Group, owner: Client) -> None:
    for n in range(3):
        assert owner.ask("post", "states/", {"id": f"day/{n}"}).status_code == 201
    found = asked(owner)
    assert found["average_batch_size"] == 1.0
    assert 0 < found["average_lane_wait"] < 5
    assert found["lane_wait_p99"] > 0
    assert conf.manager().counts.lane_wait.recent().number == 3
