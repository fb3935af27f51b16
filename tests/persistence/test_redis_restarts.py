"""Redis: what its restarts, failovers and settings do to states and to the epochs of their spaces."""

from __future__ import annotations

import logging
import threading
import time

import pytest
import redis

from state.errors import Unavailable
from state.persistence.codec import Codec
from state.persistence.keyring import Keyring
from state.persistence.redis import RedisPersistence
from state.refusals import WrongKey
from state.values import Committed
from tests.persistence.build import SPACE, a_tx, a_write, grow, numbers, whole_log
from tests.persistence.redis_stores import PLAIN, RELAXED, SAFE, layer_on, server
from tests.servers import RedisServer


def ready(client: redis.Redis) -> redis.Redis:
    """The client, once everything is loaded."""
    deadline = time.monotonic() + 10
    while True:
        try:
            client.get("any")
            return client
        except redis.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def restart(store: RedisServer) -> None:
    """Kill it and start it again."""
    store.stop()
    store.start()
    with redis.Redis.from_url(store.url) as client:
        ready(client)


def test_a_killed_redis_that_syncs_every_write_has_lost_nothing_acknowledged() -> None:
    with server(*SAFE) as store:
        layer = layer_on(store.url)
        before = layer.open_space(SPACE)
        acknowledged: list[int] = []
        enough = threading.Event()

        def write(name: str) -> None:
            version = 0
            while True:
                try:
                    result = layer.commit(SPACE, [a_tx(a_write(name, expect=version))])[0]
                except Unavailable:
                    return
                assert isinstance(result, Committed)
                version += 1
                acknowledged.append(result.revision)
                if len(acknowledged) > 150:
                    enough.set()

        writers = [threading.Thread(target=write, args=(f"state-{n}",)) for n in range(4)]
        for writer in writers:
            writer.start()
        assert enough.wait(20)
        store.stop()
        for writer in writers:
            writer.join(10)
        store.start()
        with redis.Redis.from_url(store.url) as client:
            ready(client)
        log = whole_log(layer)
        assert numbers(log) == [(revision, 0) for revision in range(1, len(log) + 1)]
        assert len(log) >= len(acknowledged) == max(acknowledged)
        # And so no token has become void.
        assert layer.open_space(SPACE).epoch == before.epoch
        grow(layer, "state-0", until=layer.load_state(SPACE, "state-0").version + 1)
        layer.close()


def test_a_restart_of_a_redis_that_may_have_lost_writes_changes_the_epochs() -> None:
    with server(*RELAXED) as store:
        layer = layer_on(store.url)
        before = layer.open_space(SPACE)
        other = layer.open_space("other")
        grow(layer, until=3)
        with redis.Redis.from_url(store.url) as client:
            client.bgrewriteaof()
        time.sleep(1.2)  # everysec
        again = layer_on(store.url)
        assert again.open_space(SPACE).epoch == before.epoch, "nothing had happened"
        restart(store)
        # Whoever reads first sees the new epoch, whether it opened the space again or not.
        page = layer.read_log(SPACE, after=0, limit=9)
        assert page.space.epoch != before.epoch
        assert page.space.revision == 3
        assert again.open_space("other").epoch != other.epoch
        assert again.open_space(SPACE).epoch == page.space.epoch
        layer.close()
        again.close()


@pytest.mark.parametrize("how", ["flush", "restart"])
def test_a_redis_that_has_lost_everything_begins_new_epochs(how: str) -> None:
    with server() as store:
        layer = layer_on(store.url)
        before = layer.open_space(SPACE)
        grow(layer, until=2)
        if how == "flush":
            with redis.Redis.from_url(store.url) as client:
                client.flushall()
        else:
            restart(store)
        assert layer.spaces() == []
        after = layer.open_space(SPACE)
        assert after.epoch != before.epoch
        assert after.revision == 0
        layer.close()


def test_a_promoted_replica_begins_new_epochs() -> None:
    with server(*SAFE) as first, server(*SAFE) as second:
        layer = layer_on(first.url)
        before = layer.open_space(SPACE)
        grow(layer, until=2)
        with redis.Redis.from_url(second.url) as client:
            client.replicaof("127.0.0.1", str(first.port))
            deadline = time.monotonic() + 20
            while client.info("replication")["master_link_status"] != "up":
                assert time.monotonic() < deadline
                time.sleep(0.02)
            first.stop()
            client.replicaof("NO", "ONE")
        promoted = layer_on(second.url)
        after = promoted.open_space(SPACE)
        assert after.revision == 2
        assert after.epoch != before.epoch
        layer.close()
        promoted.close()


@pytest.mark.parametrize(
    ("options", "durability", "advice"),
    [
        (SAFE, "safe", ""),
        (RELAXED, "relaxed", "appendfsync always"),
        ((), "unsafe", "appendonly yes"),
        ((*SAFE, "--maxmemory-policy", "allkeys-lru"), "unsafe", "noeviction"),
    ],
)
def test_the_start_says_what_redis_promises(
    options: tuple[str, ...], durability: str, advice: str, caplog: pytest.LogCaptureFixture
) -> None:
    with server(*options) as store, caplog.at_level(logging.WARNING, "state.persistence"):
        layer = layer_on(store.url)
        assert layer.durability == durability
        restart(store)  # connects anew, and warns no second time
        layer.open_space(SPACE)
        layer.close()
    warnings = [record.getMessage() for record in caplog.records]
    assert len(warnings) == (1 if advice else 0)
    assert all(advice in warning for warning in warnings)


def test_a_start_with_another_key_is_refused() -> None:
    first, second = (Keyring.parse(Keyring.generate(name)) for name in ("first", "second"))
    with server() as store:
        layer = layer_on(store.url, Codec(True, True, first))
        layer.open_space(SPACE)
        grow(layer, until=1)
        layer.close()
        for keyring in (second, Keyring()):
            with pytest.raises(WrongKey):
                layer_on(store.url, Codec(True, keyring is second, keyring))
        again: RedisPersistence = layer_on(store.url, Codec(True, True, first))
        assert again.load_state(SPACE, "plan").data == {"step": 1}
        again.close()
        with redis.Redis.from_url(store.url) as client:
            client.flushall()
        layer_on(store.url, PLAIN).close()
