"""The grown hub over a real Redis: two hubs stand for two processes."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from state import fanout
from state.fanout import Outgoing, redis
from state.fanout.redis import RedisHub
from tests.servers import RedisServer

pytestmark = pytest.mark.grown


@pytest.fixture
def web(redis_server: RedisServer) -> Iterator[RedisHub]:
    hub = RedisHub(redis_server.url)
    yield hub
    hub.close()


@pytest.fixture
def worker(redis_server: RedisServer) -> Iterator[RedisHub]:
    hub = RedisHub(redis_server.url)
    yield hub
    hub.close()


def test_other_processes_hear_payload_and_numbers(web: RedisHub, worker: RedisHub) -> None:
    heard = queue.Queue[Outgoing]()
    web.subscribe("run:1", heard.put).ready.result(5)
    said = [
        Outgoing("run:1", "群星".encode(), 7, 2**40),
        Outgoing("run:2", b"other"),
        Outgoing("run:1", b""),
    ]
    worker.publish(said)
    assert [heard.get(timeout=5), heard.get(timeout=5)] == [said[0], said[2]]


def test_once_ready_nothing_is_missed_and_after_close_nothing_heard(
    web: RedisHub, worker: RedisHub
) -> None:
    for number in range(30):
        heard = queue.Queue[Outgoing]()
        subscription = web.subscribe("run:1", heard.put)
        subscription.ready.result(5)
        worker.publish([Outgoing("run:1", b"%d" % number)])
        assert heard.get(timeout=5).payload == b"%d" % number
        subscription.close()
    mark = queue.Queue[Outgoing]()
    web.subscribe("mark", mark.put).ready.result(5)
    worker.publish([Outgoing("run:1", b"late"), Outgoing("mark", b"")])
    mark.get(timeout=5)
    assert heard.empty()


async def test_a_loop_hears_in_order(web: RedisHub, worker: RedisHub) -> None:
    heard = asyncio.Queue[Outgoing]()
    subscription = web.subscribe("run:1", heard.put_nowait, loop=asyncio.get_running_loop())
    await asyncio.wait_for(asyncio.wrap_future(subscription.ready), 5)

    def speak() -> None:
        for number in range(300):
            worker.publish([Outgoing("run:1", b"%d" % number, number, number)])

    await asyncio.to_thread(speak)
    got = [(await asyncio.wait_for(heard.get(), 5)).payload for _ in range(300)]
    assert got == [b"%d" % number for number in range(300)]


def test_many_topics_of_many_threads(web: RedisHub, worker: RedisHub) -> None:
    heard = queue.Queue[Outgoing]()

    def follow(thread: int) -> None:
        ready = [web.subscribe(f"run:{thread}-{n}", heard.put).ready for n in range(50)]
        for each in ready:
            each.result(10)

    threads = [threading.Thread(target=follow, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    worker.publish([Outgoing(f"run:{thread}-{n}", b"") for thread in range(6) for n in range(50)])
    assert len({heard.get(timeout=5).topic for _ in range(300)}) == 300


def test_after_a_restart_of_redis_listeners_check_and_hear_again(
    redis_server: RedisServer, web: RedisHub, worker: RedisHub
) -> None:
    heard, checked = queue.Queue[Outgoing](), threading.Event()
    web.subscribe("run:1", heard.put, resync=checked.set).ready.result(5)
    worker.publish([Outgoing("run:1", b"before")])
    assert heard.get(timeout=5).payload == b"before"
    redis_server.stop()
    worker.publish([Outgoing("run:1", b"lost, and nobody is told")])
    late = queue.Queue[Outgoing]()
    subscription = web.subscribe("run:2", late.put)
    assert not subscription.ready.done()
    redis_server.start()
    assert checked.wait(10)
    subscription.ready.result(10)
    for _ in range(100):  # the publisher rests for a second after a failure
        worker.publish([Outgoing("run:2", b"after"), Outgoing("run:1", b"after")])
        with suppress(queue.Empty):
            assert heard.get(timeout=0.1).payload == b"after"
            break
    else:
        pytest.fail("nothing was heard again")
    assert late.get(timeout=5).payload == b"after"


def test_no_fault_ends_the_thread_by_which_a_process_hears(
    web: RedisHub, worker: RedisHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, faults = redis._Session.run, ["read() called while another coroutine is already waiting"]

    async def run(session: redis._Session) -> None:
        if faults:
            raise RuntimeError(faults.pop())
        await real(session)

    monkeypatch.setattr(redis._Session, "run", run)
    heard = queue.Queue[Outgoing]()
    web.subscribe("run:1", heard.put).ready.result(10)
    assert not faults
    worker.publish([Outgoing("run:1", b"on")])
    assert heard.get(timeout=5).payload == b"on"


def test_a_redis_that_is_away_costs_publishers_little(
    redis_server: RedisServer, worker: RedisHub
) -> None:
    redis_server.stop()
    started = time.monotonic()
    for _ in range(200):
        worker.publish([Outgoing("run:1", b"lost")])
    assert time.monotonic() - started < 2.0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_has_a_hub_of_its_own(redis_url: str, settings: object) -> None:
    settings.REDIS_URL = redis_url  # type: ignore[attr-defined]
    fanout.close_hub()
    heard = queue.Queue[Outgoing]()
    fanout.hub().subscribe("from:child", heard.put).ready.result(5)
    child = os.fork()
    if not child:
        try:
            own = queue.Queue[Outgoing]()
            fanout.hub().subscribe("run:1", own.put).ready.result(5)
            fanout.hub().publish([Outgoing("run:1", b"own"), Outgoing("from:child", b"hello")])
            os._exit(0 if own.get(timeout=5).payload == b"own" else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert heard.get(timeout=5).payload == b"hello"
