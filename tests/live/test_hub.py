"""The embedded hub: who hears what, on which thread, and that nobody disturbs anybody."""

from __future__ import annotations

import asyncio
import queue
import threading
from typing import Any

import pytest

from state import fanout
from state.fanout import Hub, Outgoing


def test_only_the_topic_is_heard() -> None:
    hub, heard = Hub(), queue.Queue[Outgoing]()
    hub.subscribe("run:1", heard.put)
    hub.publish([Outgoing("run:2", b"other"), Outgoing("run:1", b"mine", 3, 4)])
    assert heard.get_nowait() == Outgoing("run:1", b"mine", 3, 4)
    assert heard.empty()


def test_a_closed_subscription_hears_nothing_more() -> None:
    hub, heard = Hub(), queue.Queue[Outgoing]()
    subscription = hub.subscribe("run:1", heard.put)
    subscription.close()
    subscription.close()
    hub.publish([Outgoing("run:1", b"late")])
    assert heard.empty()


def test_a_failing_listener_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def fail(message: Outgoing) -> None:
        raise ValueError(message.topic)

    hub, heard = Hub(), queue.Queue[Outgoing]()
    hub.subscribe("run:1", fail)
    hub.subscribe("run:1", heard.put)
    hub.subscribe("run:1", fail)
    hub.publish([Outgoing("run:1", b"still said")])
    assert heard.get_nowait().payload == b"still said"
    assert "a listener failed" in caplog.text


async def test_listeners_of_a_loop_are_called_on_it_in_order() -> None:
    hub, loop, here = Hub(), asyncio.get_running_loop(), threading.get_ident()
    heard: list[tuple[int, bytes]] = []
    done = asyncio.Event()

    def hear(message: Outgoing) -> None:
        heard.append((threading.get_ident(), message.payload))
        if message.payload == b"999":
            done.set()

    subscription = hub.subscribe("run:1", hear, loop=loop)
    await asyncio.wrap_future(subscription.ready)

    def speak() -> None:
        for number in range(0, 1000, 10):
            hub.publish([Outgoing("run:1", b"%d" % n) for n in range(number, number + 10)])

    await asyncio.to_thread(speak)
    await asyncio.wait_for(done.wait(), 5)
    assert heard == [(here, b"%d" % number) for number in range(1000)]


async def test_a_batch_wakes_a_loop_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hub, loop = Hub(), asyncio.get_running_loop()
    heard: list[bytes] = []
    for _ in range(500):
        hub.subscribe("run:1", lambda message: heard.append(message.payload), loop=loop)
    wakes: list[Any] = []
    wake = loop.call_soon_threadsafe

    def count(*args: Any, **options: Any) -> Any:
        wakes.append(args)
        return wake(*args, **options)

    monkeypatch.setattr(loop, "call_soon_threadsafe", count)
    hub.publish([Outgoing("run:1", b"a"), Outgoing("run:1", b"b")])
    hub.publish([Outgoing("run:1", b"c")])
    await asyncio.sleep(0)
    assert len(wakes) == 1
    assert len(heard) == 1500


def test_a_loop_that_is_gone_is_forgotten() -> None:
    hub, loop = Hub(), asyncio.new_event_loop()
    subscription = hub.subscribe("run:1", lambda message: None, loop=loop)
    loop.close()
    hub.publish([Outgoing("run:1", b"into the void")])
    assert subscription.closed


def test_the_hub_of_a_process_is_one_until_it_is_closed() -> None:
    first = fanout.hub()
    assert fanout.hub() is first
    subscription = first.subscribe("run:1", lambda message: None)
    fanout.close_hub()
    assert subscription.closed
    assert fanout.hub() is not first
