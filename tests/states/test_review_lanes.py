"""One bad call, row or space is no misfortune of the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest

from state.bus import InMemoryEventBus
from state.manager import StateManager
from state.manager.jobs import Job
from state.manager.lane import Lane
from state.persistence import new_persistence_layer
from state.policy import Caller
from state.refusals import StateNotFound
from state.values import PersistenceConfig, PersistenceType, StateManagerConfig

WIM = Caller(space="Harbour", name="agent:wim")


@pytest.fixture
def manager() -> StateManager:
    store = new_persistence_layer(PersistenceConfig(type=PersistenceType.MEMORY))
    return StateManager(StateManagerConfig(), InMemoryEventBus(), store)


@pytest.mark.parametrize("state_id", ["", "a\ud800", "a\x00b", "/a", "a//b", "a" * 201])
def test_what_no_state_may_be_called_is_not_there(manager: StateManager, state_id: str) -> None:
    with pytest.raises(StateNotFound):
        manager.get_state(WIM, state_id)
    with pytest.raises(StateNotFound):
        manager.update_state(WIM, state_id, {"a": 1})


class _Stub(Job):
    """A job of which only its end is looked at."""

    ids = ()

    def judge(self, view: object) -> object:  # type: ignore[override]
        return None

    answer = replay = outcome = judge  # type: ignore[assignment]


def test_a_job_that_breaks_the_commit_fails_alone() -> None:
    good, bad = _Stub(WIM), _Stub(WIM)

    def commit(jobs: Sequence[Job]) -> None:
        if bad in jobs:
            raise ValueError("a damaged row")
        for job in jobs:
            job.settled = True

    lane = Lane(commit)
    lane.submit(bad, good)
    assert good.error is None
    assert isinstance(bad.error, ValueError)


def test_whoever_waits_for_a_commit_is_settled_with_it() -> None:
    batches: list[int] = []
    inside, go_on = threading.Event(), threading.Event()

    def commit(jobs: Sequence[Job]) -> None:
        batches.append(len(jobs))
        inside.set()
        assert go_on.wait(5)
        for job in jobs:
            job.settled = True

    lane = Lane(commit)
    threads = [threading.Thread(target=lane.submit, args=(_Stub(WIM),)) for _ in range(9)]
    threads[0].start()
    assert inside.wait(5)
    for thread in threads[1:]:
        thread.start()
    while len(lane._waiting) < 8:
        pass
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert batches == [1, 8]


def test_a_space_that_cannot_be_swept_is_left_for_the_next_time(
    manager: StateManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    for space in ("Bay", "Harbour"):
        manager.create_state(Caller(space=space, name="agent:wim"), "plan")
    swept: list[str] = []

    def expire(space: str) -> int:
        swept.append(space)
        if space == "Bay":
            raise ValueError("damaged")
        return 0

    monkeypatch.setattr(manager.keeper, "expire", expire)
    manager.sweep()
    assert swept == ["Bay", "Harbour"]


def test_a_lane_tells_how_long_each_job_of_a_batch_has_waited() -> None:
    told: list[list[float]] = []
    begun, may_end = threading.Event(), threading.Event()

    def commit(jobs: Sequence[Job]) -> None:
        begun.set()
        assert may_end.wait(10)
        for job in jobs:
            job.settled = True

    lane = Lane(commit, waited=lambda waits: told.append(list(waits)))
    first = threading.Thread(target=lane.submit, args=(_Stub(WIM),))
    first.start()
    assert begun.wait(10)
    behind = threading.Thread(target=lane.submit, args=(_Stub(WIM), _Stub(WIM)))
    behind.start()
    while len(lane._waiting) < 2:
        time.sleep(0.001)
    time.sleep(0.05)
    may_end.set()
    first.join(10)
    behind.join(10)
    assert [len(waits) for waits in told] == [1, 2]
    assert told[0][0] < 0.05 <= min(told[1])
