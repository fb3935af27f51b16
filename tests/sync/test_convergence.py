"""How soon all have a change: who is waited for, and who is not."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from state.sync import pool as pools
from state.sync.pool import Pool, _Watch


class _Live:
    """As much of a socket as is looked at."""

    def __init__(self, acked: int, *, subs: int = 1, parked: bool = False) -> None:
        self.acked, self.subs, self.is_parked = acked, dict.fromkeys(range(subs)), parked
        self.space = "lab"


class _Counted:
    def __init__(self) -> None:
        self.told: list[float] = []

    def converged(self, seconds: float) -> None:
        self.told.append(seconds)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> _Counted:
    found = _Counted()
    monkeypatch.setattr(pools, "counts", found)
    return found


def watch(*lives: Any) -> _Watch:
    directory = SimpleNamespace(topics=lambda space: ())
    pool: Any = SimpleNamespace(directory=directory)
    found = _Watch(pool, "lab")
    found.lives.update(lives)
    return found


def ack(found: _Watch, live: Any, rev: int, commits: Any) -> None:
    was_at, live.acked = live.acked, rev
    live.feed = SimpleNamespace(commits=commits)
    pool: Any = SimpleNamespace(_watches={"lab": found})
    Pool.acknowledged(pool, live, was_at)


async def test_nobody_waits_for_who_follows_nothing_or_is_parked(counted: _Counted) -> None:
    one, two = _Live(0), _Live(0)
    found = watch(one, two, _Live(0, subs=0), _Live(0, parked=True))
    commits = deque([(1, 0.0)])
    ack(found, one, 1, commits)
    assert counted.told == []
    ack(found, two, 1, commits)
    assert len(counted.told) == 1 and not commits


async def test_who_is_gone_holds_nothing_up_for_good(
    counted: _Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "TICK", 0.0)
    one: Any = _Live(0)
    dead: Any = _Live(0)
    found = watch(one, dead)
    commits = deque([(1, 0.0), (2, 0.0), (3, 0.0)])
    ack(found, one, 1, commits)
    found.leave(dead)
    ack(found, one, 2, commits)
    assert counted.told == []  # how soon, nobody knows
    ack(found, one, 3, commits)
    assert len(counted.told) == 1 and not commits
