"""Real workers on PostgreSQL and Redis share runs, die, are told to stop, lose the broker; the log stays whole."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import pytest
import redis

from tests.engine.scripted import wait_for
from tests.grown.conftest import LONG, Site
from tests.servers import RedisServer

pytestmark = [pytest.mark.grown, pytest.mark.timeout(180)]

WIDTH = 6


def begun(site: Site, count: int) -> None:
    """Wait until so many agents have begun."""
    wait_for(lambda: len(site.diary("began")) >= count, f"{count} agents", seconds=LONG)


def at_work(site: Site, run: str) -> None:
    """Wait until all wide subtasks are claimed for all to see: agents begin before their claim is committed."""

    def all_run() -> bool:
        subtasks = site.ask("look", run=run)["subtasks"].values()
        return sum(bool(s["status"] == "running") for s in subtasks) == WIDTH

    wait_for(all_run, f"{WIDTH} at work", seconds=LONG)


@pytest.mark.parametrize("pool", ["threads", "prefork"])
def test_a_worker_carries_a_run_out(site: Site, pool: str) -> None:
    site.ask("prepare", width=WIDTH, seconds=0.2)
    site.worker(pool)
    run = site.ended(site.ask("start"))
    assert (run["status"], run["result"]) == (
        "completed",
        f"Sum up the results done, {WIDTH + 1} found",
    )
    assert set(Counter((line.subtask, line.attempt) for line in site.diary("began")).values()) == {
        1
    }


def test_a_killed_workers_run_goes_on_in_the_next(site: Site) -> None:
    site.ask("prepare", width=WIDTH, seconds=1.0)
    site.beat()
    first = site.worker()
    run = site.ask("start")
    at_work(site, run)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    before = site.ask("look", run=run)["types"]
    site.worker()
    after = site.ended(run)
    assert after["status"] == "completed" and after["types"][: len(before)] == before
    assert {key: s["attempt"] for key, s in after["subtasks"].items()} == {
        "plan": 1,
        **{f"k{n}": 2 for n in range(WIDTH)},
        "last": 1,
        "summary": 1,
    }


def test_a_worker_that_is_told_to_stop_gives_its_work_back_at_once(site: Site) -> None:
    site.ask("prepare", width=WIDTH, seconds=12.0)
    first = site.worker()
    run = site.ask("start", max_attempts=1)
    at_work(site, run)
    site.worker()  # no beat: nobody but the stopping worker can ring
    first.terminate()
    assert first.wait(LONG) == 0
    begun(site, 1 + 2 * WIDTH)
    now = site.ask("look", run=run)
    assert now["types"].count("subtask.retrying") == WIDTH
    assert {now["subtasks"][f"k{n}"]["attempt"] for n in range(WIDTH)} == {1}
    assert len(site.diary("stopped")) == WIDTH


def test_two_workers_share_one_big_run(site: Site) -> None:
    site.environment["STARS_WORKER_SLOTS"] = "4"
    site.ask("prepare", width=24, seconds=0.5)
    site.beat()
    for _ in range(2):
        site.worker()
    # Both are up before the run begins.
    small = [site.ask("start") for _ in range(2)]
    for run in small:
        site.ended(run)
    run = site.ended(site.ask("start", max_parallel=24))
    assert run["status"] == "completed"
    lines = site.diary("began")[-26:]
    assert len({line.pid for line in lines}) == 2
    assert set(Counter((line.subtask, line.attempt) for line in site.diary("began")).values()) == {
        1
    }


def test_a_broker_that_loses_everything_delays_work_and_loses_none(
    site: Site, redis_server: RedisServer
) -> None:
    site.ask("prepare", width=WIDTH, seconds=0.3)
    runs = [site.ask("start") for _ in range(3)]
    with redis.Redis.from_url(redis_server.url) as client:
        assert client.llen("celery") == 3
        client.flushall()
    site.beat()
    site.worker()
    for run in runs:
        assert site.ended(run)["status"] == "completed"


def test_a_broker_that_dies_under_way_stops_no_run(site: Site, redis_server: RedisServer) -> None:
    site.ask("prepare", width=WIDTH, seconds=1.0)
    site.beat()
    site.worker()
    run = site.ask("start")
    at_work(site, run)
    redis_server.stop()
    assert site.ended(run)["status"] == "completed"
    unheard = site.ask("start")
    redis_server.start()
    assert site.ended(unheard)["status"] == "completed"


def test_a_cancel_stops_agents_in_other_processes_within_a_second(site: Site) -> None:
    site.ask("prepare", width=WIDTH, seconds=60.0)
    site.worker()
    run = site.ask("start")
    at_work(site, run)
    asked = time.time()
    site.ask("cancel", run=run)
    wait_for(lambda: len(site.diary("stopped")) == WIDTH)
    assert max(line.at for line in site.diary("stopped")) - asked < 1.0
    assert site.ended(run)["status"] == "cancelled"
