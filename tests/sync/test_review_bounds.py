"""What one client can make the server do: keep, read, and stand still for it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from state.bus import InMemoryEventBus
from state.fanout.outbox import LIMIT
from state.manager import StateManager
from state.sync import outlet, protocol, snapshots, tokens, writing
from state.sync.filters import filter_of
from state.sync.pool import Pool
from state.sync.protocol import Creation, Write
from state.threads import in_thread
from state.values import AccessPolicy, ConnectionType, StateManagerConfig, SyncConfig
from tests.bus.build import memory_store
from tests.sync.opened import ADMIN, WIM, Directory, Socket, Who

OPEN = AccessPolicy(public=True)
OP = {"op": "set", "path": "/n", "value": 5}


@pytest.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pool]:
    """Without rows of sessions."""
    manager = StateManager(StateManagerConfig(), InMemoryEventBus(), memory_store())
    found = Pool(manager, SyncConfig(), Directory(), flush=3600)
    sessions: Any = found.sessions
    monkeypatch.setattr(sessions, "note", lambda notes: ())
    monkeypatch.setattr(sessions, "leave", lambda *a, **k: None)
    yield found
    found.close()
    await asyncio.sleep(0.01)
    manager.close()


async def test_a_subscription_replaced_again_and_again_is_read_once_at_a_time_and_delays_nobody(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.manager.create_state(ADMIN, "plan", access_policy=OPEN)
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed)
    running, most, lock, real = 0, 0, threading.Lock(), snapshots.read

    def read(*args: Any) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.2)
        with lock:
            running -= 1
        return real(*args)

    monkeypatch.setattr(snapshots, "read", read)
    for _ in range(30):
        await socket.say("sub", sub=1, states=["*"])
        await asyncio.sleep(0.01)
    began = time.monotonic()
    await in_thread(lambda: None)()
    assert time.monotonic() - began < 0.15
    await asyncio.sleep(0.5)
    assert most == 1
    heard = [each["t"] for each in socket.taken()]
    await asyncio.sleep(0.1)
    assert heard + [each["t"] for each in socket.taken()] == ["snap", "mark"]  # the last one
    socket.live.close()
    feed.leave()


async def test_all_subscriptions_together_name_a_thousand_patterns_at_most(pool: Pool) -> None:
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed)
    many = [f"{n}/*" for n in range(999)]
    await socket.say("sub", sub=1, states=many)
    await socket.say("sub", sub=2, states=["a/*"])
    await socket.say("sub", sub=3, states=["b/*"])
    refused = [each for each in socket.taken() if each["t"] == "error"]
    assert [(each["sub"], each["reason"]) for each in refused] == [(3, "too_many_patterns")]
    await socket.say("sub", sub=1, states=["c/*"])  # in its place
    await socket.say("sub", sub=3, states=["b/*"])
    assert "error" not in [each["t"] for each in socket.taken()]
    socket.live.close()
    feed.leave()


async def test_pulls_of_a_client_that_reads_nothing_are_refused(pool: Pool) -> None:
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed, mode=ConnectionType.PULL)
    await socket.say("sub", sub=1, states=["*"])
    for _ in range(5):
        await socket.say("pull", sub=1)
    assert len(socket.live._tasks) == 2
    refused = [each for each in socket.taken() if each["t"] == "error"]
    assert [(each["sub"], each["code"]) for each in refused] == [(1, 429)] * 3
    heard = list[str]()
    for _ in range(10):
        await asyncio.sleep(0.02)
        heard += [each["t"] for each in socket.taken()]
    assert heard.count("mark") == 2
    await socket.say("pull", sub=1)
    await asyncio.sleep(0.05)
    assert socket.taken()[-1]["t"] == "mark"
    socket.live.close()
    feed.leave()


async def test_frames_are_not_looked_at_while_their_sender_takes_no_answers(pool: Pool) -> None:
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed)
    socket.outbox.put('{"t":"hb"}', LIMIT)

    async def send() -> None:
        for _ in range(3):
            await socket.say("sub", sub=1, states=["bad*pat"])

    sending = asyncio.create_task(send())
    await asyncio.sleep(0.05)
    assert len(socket.taken()) == 2  # what was there, and the answer to the first
    await asyncio.sleep(0.05)
    assert sending.done()
    socket.outbox.put('{"t":"hb"}', LIMIT)
    sending = asyncio.create_task(send())
    await asyncio.sleep(0.02)
    socket.live.tick(time.monotonic() + pool.parked_s + 1)
    assert socket.codes == [protocol.SLOW]
    await asyncio.wait_for(sending, 1)  # whoever waits for its answers to be taken ends with it
    socket.live.close()
    feed.leave()


async def test_a_client_that_takes_nothing_at_all_is_given_up(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "HARD", 1000)
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed)
    for n in range(20):
        socket.live.say(protocol.ServerHb(n=n, head=1))
        socket.live.say(protocol.Revoked(sub=1, states=("x" * 100,)))
    assert socket.codes == [protocol.SLOW]
    assert socket.outbox.size < 2000
    socket.live.close()
    feed.leave()


@pytest.mark.django_db(transaction=True)
async def test_writes_wait_until_their_answers_are_taken(pool: Pool, ada: User) -> None:
    pool.manager.create_state(ADMIN, "a", data={"big": "x" * 200_000})
    pool.manager.update_state(ADMIN, "a", {"n": 1})
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed, caller=ADMIN, who=Who(user=ada))
    for n in range(12):
        more = {"base": 1, "resolution": "reject", "reads": "auto", "ops": [OP]}
        await asyncio.wait_for(socket.say("write", op_id=f"o{n}", state="a", **more), 2)
        if socket.outbox.size >= LIMIT:
            break
    for _ in range(50):
        if socket.outbox.size >= LIMIT:
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)
    assert LIMIT <= socket.outbox.size < 2 * LIMIT
    answered = 0
    for _ in range(100):
        answered += sum(each["t"] == "res" for each in socket.taken())
        if answered == 12:
            break
        await asyncio.sleep(0.05)
    assert answered == 12
    socket.live.close()
    feed.leave()


async def test_parked_subscriptions_are_served_in_turn(pool: Pool) -> None:
    pool.config = SyncConfig(queue_buffer_size=8, batch_size=8)
    pool.manager.create_state(ADMIN, "a", data={"n": 0}, access_policy=OPEN)
    for n in range(100):
        pool.manager.update_state(ADMIN, "a", {"n": n + 1})
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed)
    prefix = tokens.prefix(feed.epoch, tokens.filter_hash(filter_of(["*"]), WIM))
    for number in range(1, 6):
        await socket.say("sub", sub=number, states=["*"], **{"from": f"{prefix}.1"})
    got = dict.fromkeys(range(1, 6), 0)
    for _ in range(12):
        await asyncio.sleep(0.02)
        deltas = [each for each in socket.taken() if each["t"] == "delta"]
        for each in deltas:
            got[each["sub"]] += len(each["entries"])
            await socket.say("ack", sub=each["sub"], rev=each["rev"])
    assert min(got.values()) >= 8, got
    socket.live.close()
    feed.leave()


async def test_only_acknowledgements_that_free_something_put_off_the_end(pool: Pool) -> None:
    pool.config = SyncConfig(queue_buffer_size=8, batch_size=8)
    pool.manager.create_state(ADMIN, "a", data={"n": 0}, access_policy=OPEN)
    for n in range(30):
        pool.manager.update_state(ADMIN, "a", {"n": n + 1})
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed)
    prefix = tokens.prefix(feed.epoch, tokens.filter_hash(filter_of(["*"]), WIM))
    await socket.say("sub", sub=1, states=["*"], **{"from": f"{prefix}.1"})
    await asyncio.sleep(0.05)
    since = socket.live.outlet.parked_at
    assert since is not None
    await socket.say("ack", sub=1, rev=1)
    assert socket.live.outlet.parked_at == since
    rev = next(each["rev"] for each in socket.taken() if each["t"] == "delta")
    await socket.say("ack", sub=1, rev=rev)
    await asyncio.sleep(0.05)
    assert socket.live.outlet.parked_at > since
    socket.live.close()
    feed.leave()


async def test_long_frames_are_read_apart_and_in_their_order(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed)
    threads = list[bool]()
    real = protocol.coding.parse

    def parse(text: str | None) -> Any:
        threads.append(threading.current_thread() is threading.main_thread())
        return real(text)

    monkeypatch.setattr(protocol.coding, "parse", parse)
    await socket.say("sub", sub=1, states=["*"])
    await socket.say("sub", sub=2, states=["*"], more="x" * protocol.APART)
    await socket.say("unsub", sub=2)
    assert threads == [True, False, True]
    assert list(socket.live.subs) == [1]
    assert "error" not in [each["t"] for each in socket.taken()]
    # Bytes, not characters; and in the long run so many.
    await socket.live.receive('{"t":"unsub","sub":1,"more":"' + "é" * 600_000 + '"}')
    assert socket.taken()[-1]["reason"] == "frame_too_large"
    for _ in range(10):
        await socket.say("unsub", sub=9, more="x" * 1_000_000)
    assert socket.taken()[-1]["reason"] == "flood"
    socket.live.close()
    feed.leave()


async def test_before_welcome_only_short_frames_are_read(pool: Pool) -> None:
    socket = Socket(pool)
    await socket.say("hello", proto=1, more="x" * protocol.MAX_GREETING)
    assert [each.get("reason") for each in socket.taken()] == ["frame_too_large"] * 2
    assert socket.codes == [protocol.BROKEN]
    socket.live.close()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "settings",
    [{"data": {}}, {"op_id": "x"}, {"state_id": "q"}, {"caller": 1}, {"note": {}}, {"owners": 7}],
)
def test_a_state_is_created_with_settings_and_nothing_else(
    ada: User, settings: dict[str, Any]
) -> None:
    manager = StateManager(StateManagerConfig(), InMemoryEventBus(), memory_store())
    frame = Write(op_id="o", state="n1", create=Creation(settings=settings))
    res = writing.apply(manager, SyncConfig(), ADMIN, ada.pk, frame)
    manager.close()
    assert res.status == 400
    assert list((res.problem or {})["errors"]) == [f"create.settings.{next(iter(settings))}"]


async def test_what_was_to_be_named_for_a_replaced_subscription_is_not_read_any_more(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = await pool.feeds.enter("lab")
    socket = Socket(pool, feed)
    reads, real = list[float](), pool.manager.store.load_states

    def load(*args: Any) -> Any:
        reads.append(time.monotonic())
        time.sleep(0.1)
        return real(*args)

    monkeypatch.setattr(pool.manager.store, "load_states", load)
    for _ in range(20):
        await socket.say("sub", sub=1, states=["absent"])
        await asyncio.sleep(0.002)
    assert len(socket.live._tasks) <= 2
    await asyncio.sleep(0.35)
    refused = [each["reason"] for each in socket.taken() if each["t"] == "error"]
    assert refused == ["states_not_found"]
    assert len(reads) <= 4  # the first and the last, which is read as a snapshot, too
    socket.live.close()
    feed.leave()
