"""Benches: the contract's tests run on both buses, those of the log on one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bus.build import Bench


def _bench(kind: str) -> Iterator[Bench]:
    bench = Bench(kind)
    yield bench
    for bus in bench.buses:
        bus.close()


@pytest.fixture(params=["memory", "log"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    yield from _bench(request.param)


@pytest.fixture
def log() -> Iterator[Bench]:
    yield from _bench("log")
