"""Redis: many who commit at once, locks, broken connections, and what Redis itself refuses."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from state.persistence.redis import RedisPersistence
from state.refusals import ConfigInvalid, Damaged, OutcomeUnknown, SpaceNotFound, StoreDown
from state.values import Committed, Filters, Mismatch, Replayed, Result
from tests.persistence.backends import at_once
from tests.persistence.build import (
    SPACE,
    a_tx,
    a_write,
    an_op,
    commit,
    grow,
    numbers,
    put,
    whole_log,
)
from tests.persistence.redis_stores import SAFE, Proxy, increments, layer_on, server
from tests.servers import RedisServer, free_port


@pytest.fixture(scope="module")
def store() -> Iterator[RedisServer]:
    with server(*SAFE) as running:
        yield running


@pytest.fixture
def client(store: RedisServer) -> Iterator[redis.Redis]:
    """Redis itself, emptied."""
    with redis.Redis.from_url(store.url) as found:
        found.flushall()
        yield found


@pytest.fixture
def layer(store: RedisServer, client: redis.Redis) -> Iterator[RedisPersistence]:
    opened = layer_on(store.url)
    opened.open_space(SPACE)
    yield opened
    opened.close()


@pytest.fixture
def proxy(store: RedisServer) -> Iterator[Proxy]:
    found = Proxy(store.port)
    found.swallowed.set()
    yield found
    found.close()


def test_no_increment_of_eight_racing_threads_is_lost(layer: RedisPersistence) -> None:
    losses = at_once(*(lambda: increments(layer, 25) for _ in range(8)))
    assert sum(losses) > 0, "they did not race"
    state = layer.load_state(SPACE, "counter")
    assert (state.data["n"], state.version, state.revision) == (200, 200, 200)
    assert numbers(whole_log(layer)) == [(revision, 0) for revision in range(1, 201)]


def test_no_increment_of_racing_processes_is_lost(
    store: RedisServer, layer: RedisPersistence
) -> None:
    script = (
        "import sys; from tests.persistence.redis_stores import increments, layer_on;"
        "increments(layer_on(sys.argv[1]), 40)"
    )
    root = Path(__file__).parents[2]
    others = [
        subprocess.Popen([sys.executable, "-c", script, store.url], cwd=root) for _ in range(2)
    ]
    increments(layer, 40)
    assert [other.wait(40) for other in others] == [0, 0]
    state = layer.load_state(SPACE, "counter")
    assert (state.data["n"], state.version) == (120, 120)
    history = layer.history(SPACE, "counter", limit=1000)
    assert [each.version for each in history] == list(range(1, 121))


def test_of_racing_commits_with_one_op_id_one_is_carried_out(layer: RedisPersistence) -> None:
    def call(number: int) -> Result:
        op = an_op(settled=True, outcome={"by": number})
        return layer.commit(SPACE, [a_tx(a_write(f"state-{number}"), op=op)])[0]

    results = at_once(*(lambda number=number: call(number) for number in range(8)))
    first = [number for number, result in enumerate(results) if isinstance(result, Committed)]
    assert len(first) == 1
    replays = [result for result in results if isinstance(result, Replayed)]
    assert [each.op.outcome for each in replays] == [{"by": first[0]}] * 7
    assert [state.id for state in layer.list_states(SPACE, Filters(), limit=9).states] == [
        f"state-{first[0]}"
    ]


def test_large_numbers_and_empty_things_survive_the_scripts(layer: RedisPersistence) -> None:
    data = {
        "most": 2**63 - 1,
        "least": -(2**63) + 1,
        "list": [],
        "object": {},
        "deep": [[], {}, [{}]],
        "odd": 2**53 + 1,
    }
    put(layer, a_write("numbers", data))
    grow(layer, "numbers", until=3)
    assert layer.data_at(SPACE, "numbers", 1) == data
    assert layer.history(SPACE, "numbers", limit=1)[0].ops[0].value == data


def test_a_redis_that_forgot_the_scripts_learns_them_again(
    layer: RedisPersistence, client: redis.Redis
) -> None:
    put(layer, a_write("plan"))
    client.script_flush()
    grow(layer, "plan", until=2)
    assert layer.load_state(SPACE, "plan").version == 2


def test_an_outcome_expires_and_what_waits_does_not(
    layer: RedisPersistence, client: redis.Redis
) -> None:
    layer.enqueue(an_op("waits"))
    layer.commit(SPACE, [a_tx(op=an_op("done", settled=True))])
    (waits,), (done,) = client.keys("*:op:*:waits"), client.keys("*:op:*:done")
    assert client.ttl(waits) == -1
    assert 86_000 < int(client.ttl(done)) <= 86_400


def test_prefixes_keep_installations_apart(store: RedisServer, layer: RedisPersistence) -> None:
    put(layer, a_write("plan"))
    other = layer_on(f"{store.url}?prefix=other")
    assert other.spaces() == []
    with pytest.raises(SpaceNotFound):
        other.commit(SPACE, [a_tx(a_write("plan"))])
    other.close()


# -- locks ----------------------------------------------------------------------------------------------------------


def test_while_states_are_held_only_their_holder_commits(layer: RedisPersistence) -> None:
    put(layer, a_write("plan"), a_write("other"))
    inside, done = threading.Event(), threading.Event()

    def intrude() -> float:
        assert inside.wait(10)
        put(layer, a_write("other", expect=1))  # not held
        assert not done.is_set()
        result = layer.commit(SPACE, [a_tx(a_write("plan", expect=1))])[0]
        assert done.is_set(), "it did not wait"
        assert result == Mismatch(versions={"plan": 2})
        return 0

    def hold() -> float:
        with layer.hold(SPACE, ["plan"]), layer.hold(SPACE, ["plan", "more"]):
            inside.set()
            time.sleep(0.1)
            done.set()
            put(layer, a_write("plan", expect=1))
        return 0

    at_once(intrude, hold)


def test_a_lock_whose_holder_died_is_free_in_the_end(
    layer: RedisPersistence, store: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("state.persistence.redis.writing.LOCK", timedelta(seconds=0.3))
    dying = layer_on(store.url)
    held = dying.hold(SPACE, ["plan"])
    held.__enter__()
    dying.close()  # so that nothing can be released
    begun = time.monotonic()
    put(layer, a_write("plan"))
    assert 0.1 < time.monotonic() - begun < 5
    del held


def test_whoever_waits_too_long_for_a_lock_has_written_nothing(
    store: RedisServer, layer: RedisPersistence
) -> None:
    impatient = layer_on(store.url, seconds=0.2)
    with layer.hold(SPACE, ["plan"]):
        for call in (
            lambda: impatient.hold(SPACE, ["plan", "free"]).__enter__(),
            lambda: impatient.commit(SPACE, [a_tx(a_write("plan")), a_tx(a_write("free"))]),
        ):
            with pytest.raises(StoreDown):
                call()
    assert layer.load_states(SPACE, ["plan", "free"]) == {}
    put(layer, a_write("free"))
    impatient.close()


def test_a_lock_that_expired_and_went_to_another_is_not_released(
    layer: RedisPersistence, client: redis.Redis
) -> None:
    with layer.hold(SPACE, ["plan"]):
        (lock,) = client.keys("*:lock:*")
        client.set(lock, "another's", px=60_000)
    assert client.get(lock) == b"another's"


@pytest.fixture
def brief_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a slow judge of a batch outlasts its lock."""
    monkeypatch.setattr("state.persistence.redis.writing.LOCK", timedelta(milliseconds=20))


@pytest.mark.usefixtures("brief_locks")
def test_a_chain_judged_under_a_lock_that_expired_overwrites_nothing(
    layer: RedisPersistence, store: RedisServer
) -> None:
    put(layer, a_write("plan"))
    other = layer_on(store.url)
    chain = [
        a_tx(a_write("plan", {"mine": 1}, expect=1)),
        a_tx(a_write("plan", {"mine": 2}, expect=2)),
        a_tx(a_write("free")),
    ]
    with layer.hold(SPACE, ["plan", "free"]):
        put(other, a_write("plan", {"others": 1}, expect=1))  # once the lock has expired
        *chained, alone = layer.commit(SPACE, chain)
        assert chained == [Mismatch(versions={"plan": 2})] * 2
        assert isinstance(alone, Committed), "nobody was before it there"
    state = layer.load_state(SPACE, "plan")
    assert (state.version, state.data) == (2, {"others": 1})
    other.close()


@pytest.mark.usefixtures("brief_locks")
def test_a_chain_behind_the_twin_of_its_first_is_refused_where_the_lock_expired(
    layer: RedisPersistence, store: RedisServer
) -> None:
    put(layer, a_write("plan"))
    other, op = layer_on(store.url), an_op("twin", settled=True)
    with layer.hold(SPACE, ["plan"]):
        commit(other, a_tx(a_write("plan", {"twin": 1}, expect=1), op=op))
        replayed, behind = layer.commit(
            SPACE,
            [
                a_tx(a_write("plan", {"mine": 1}, expect=1), op=op),
                a_tx(a_write("plan", {"mine": 2}, expect=2)),
            ],
        )
    assert isinstance(replayed, Replayed)
    assert behind == Mismatch(versions={"plan": 2})
    assert layer.load_state(SPACE, "plan").data == {"twin": 1}
    other.close()


@pytest.mark.usefixtures("brief_locks")
def test_an_expired_lock_hinders_nobody_whom_nobody_overtook(layer: RedisPersistence) -> None:
    put(layer, a_write("plan"))
    with layer.hold(SPACE, ["plan", "new"]):
        time.sleep(0.05)
        chain = [
            a_tx(a_write(name, expect=n)) for name, n in (("plan", 1), ("plan", 2), ("new", 0))
        ]
        assert all(isinstance(each, Committed) for each in layer.commit(SPACE, chain))


# -- broken connections -----------------------------------------------------------------------------------------------


def test_a_connection_that_breaks_before_the_answer_leaves_the_outcome_open(
    layer: RedisPersistence, proxy: Proxy
) -> None:
    behind = layer_on(proxy.url)
    put(behind, a_write("plan"))  # so that the script is known
    tx = a_tx(a_write("plan", expect=1), op=an_op("cut", settled=True))
    proxy.swallow_answer_of = b"EVALSHA"
    with pytest.raises(OutcomeUnknown) as caught:
        behind.commit(SPACE, [tx])
    assert caught.value.extra == {"outcome_unknown": True}
    assert layer.load_state(SPACE, "plan").version == 2
    assert isinstance(behind.commit(SPACE, [tx])[0], Replayed)
    proxy.swallow_answer_of = b"EVALSHA"
    with pytest.raises(OutcomeUnknown):
        behind.enqueue(an_op("queued"))
    assert behind.enqueue(an_op("queued")).n == 1
    proxy.swallow_answer_of = b"EVALSHA"
    with pytest.raises(StoreDown):
        behind.load_states(SPACE, ["plan"])
    behind.close()


def test_a_command_that_is_cut_is_not_carried_out(layer: RedisPersistence, proxy: Proxy) -> None:
    behind = layer_on(proxy.url)
    put(behind, a_write("plan"))
    proxy.cut_within = b"EVALSHA"
    with pytest.raises((OutcomeUnknown, StoreDown)):
        behind.commit(SPACE, [a_tx(a_write("plan", expect=1))])
    assert layer.load_state(SPACE, "plan").version == 1
    behind.close()


def test_nothing_was_written_where_nobody_answers() -> None:
    begun = time.monotonic()
    with pytest.raises(StoreDown):
        layer_on(f"redis://127.0.0.1:{free_port()}/0")
    with server() as gone:
        layer = layer_on(gone.url)
        layer.open_space(SPACE)
        gone.stop()
        for _ in range(2):
            with pytest.raises(StoreDown):
                layer.commit(SPACE, [a_tx(a_write("plan"))])
        layer.close()
    assert time.monotonic() - begun < 5


def test_what_is_no_address_stops_the_start() -> None:
    for address in ("", "http://localhost", "redis://localhost:many"):
        with pytest.raises(ConfigInvalid):
            layer_on(address)


# -- refusals -------------------------------------------------------------------------------------------------------


def test_a_redis_without_room_refuses_before_anything_is_written(
    layer: RedisPersistence, client: redis.Redis
) -> None:
    put(layer, a_write("plan"))
    client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreDown):
            layer.commit(SPACE, [a_tx(a_write("plan", expect=1)), a_tx(a_write("more"))])
        assert layer.load_state(SPACE, "plan").version == 1
    finally:
        client.config_set("maxmemory", 0)
    grow(layer, "plan", until=2)


def test_a_busy_redis_refuses(
    store: RedisServer, layer: RedisPersistence, client: redis.Redis
) -> None:
    layer.load_states(SPACE, [])  # its connection is open
    client.config_set("lua-time-limit", 10)
    busy = threading.Thread(
        target=redis.Redis.from_url(store.url).eval,
        args=(
            "local t = redis.call('TIME') repeat local n = redis.call('TIME') "
            "until (n[1] - t[1]) * 1e6 + (n[2] - t[2]) > 500000",
            0,
        ),
    )
    busy.start()
    time.sleep(0.1)
    with pytest.raises(StoreDown):
        layer.commit(SPACE, [a_tx(a_write("plan"))])
    busy.join()
    assert layer.load_states(SPACE, ["plan"]) == {}


def test_a_replica_refuses(layer: RedisPersistence, client: redis.Redis) -> None:
    put(layer, a_write("plan"))
    client.replicaof("127.0.0.1", str(free_port()))
    try:
        with pytest.raises(StoreDown):
            layer.commit(SPACE, [a_tx(a_write("plan", expect=1))])
        assert layer.load_state(SPACE, "plan").version == 1
    finally:
        client.replicaof("NO", "ONE")


def test_what_is_not_as_expected_is_damaged(layer: RedisPersistence, client: redis.Redis) -> None:
    put(layer, a_write("plan"))
    grow(layer, "plan", until=3)
    (entries,) = client.keys("*:e:plan")
    client.hset(entries, "2", b"2-0 uid-plan\0nonsense")
    with pytest.raises(Damaged):
        layer.data_at(SPACE, "plan", 2)
    client.hdel(entries, "2")
    with pytest.raises(Damaged):
        layer.data_at(SPACE, "plan", 2)
    assert layer.load_state(SPACE, "plan").version == 3
    client.delete(entries)
    client.set(entries, "not a hash")
    with pytest.raises(Damaged):
        layer.history(SPACE, "plan", limit=1)
