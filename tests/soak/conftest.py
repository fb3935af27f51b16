"""The site on the servers that tests share, for the short runs."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from tests.soak.history import Plan
from tests.soak.processes import ROOT, Site, new_database
from tests.soak.runs import Result, run

Run: TypeAlias = Callable[[str, float, Plan], Result]


@pytest.fixture(scope="module")
def soak(postgres_url: str) -> Iterator[Run]:
    """Run a workload for so many seconds while that is done to the site: two web processes and Redis, no worker."""
    folder = ROOT / "data" / "soak" / "short"
    shutil.rmtree(folder, ignore_errors=True)
    site = Site(folder, new_database(postgres_url, "template1"), worker=False)

    def soaked(name: str, seconds: float, plan: Plan) -> Result:
        return runner.run(run(site, folder / name, name, 11, seconds, plan))

    # One loop for all, in which desk and proxies live.
    with asyncio.Runner() as runner:
        runner.run(site.__aenter__())
        try:
            yield soaked
        finally:
            runner.run(site.__aexit__(None, None, None))
