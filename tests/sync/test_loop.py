"""The event loop of those who have none: it answers, gives up in time, ends, and begins anew in a forked child."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections.abc import Iterator

import pytest

from state.errors import Unavailable
from state.sync.loop import Loop
from tests.bus.build import until


@pytest.fixture
def loop() -> Iterator[Loop]:
    found = Loop("a-loop")
    yield found
    found.close()


async def thread() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


def test_it_has_one_thread_from_the_first_use_to_the_end(loop: Loop) -> None:
    def threads() -> list[str]:
        return [each.name for each in threading.enumerate() if each.name == "a-loop"]

    assert threads() == []
    assert [loop.run(thread, 5.0) for _ in range(2)] == ["a-loop", "a-loop"]
    assert threads() == ["a-loop"]
    loop.close()
    assert threads() == []


def test_what_is_raised_there_is_raised_here(loop: Loop) -> None:
    async def fail() -> None:
        raise LookupError("nothing")

    with pytest.raises(LookupError, match="nothing"):
        loop.run(fail, 5.0)


def test_what_takes_too_long_is_cancelled(loop: Loop) -> None:
    ended = threading.Event()

    async def slow() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    with pytest.raises(Unavailable):
        loop.run(slow, 0.05)
    assert ended.wait(5)


def test_closing_cancels_what_is_under_way_and_begins_nothing_more(loop: Loop) -> None:
    begun, refused = threading.Event(), list[str]()

    async def slow() -> None:
        begun.set()
        await asyncio.sleep(30)

    def wait() -> None:
        with pytest.raises(Unavailable):
            loop.run(slow, 20.0)
        refused.append("under way")

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert begun.wait(5)
    loop.close()
    loop.close()
    until(lambda: refused)
    waiting.join(5)
    with pytest.raises(Unavailable):
        loop.run(thread, 5.0)


def test_a_forked_child_begins_anew(loop: Loop) -> None:
    loop.run(thread, 5.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from Python 3.12 on, forking beside threads warns
        child = os.fork()
    if not child:
        try:
            os._exit(0 if loop.run(thread, 5.0) == "a-loop" else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert loop.run(thread, 5.0) == "a-loop"
