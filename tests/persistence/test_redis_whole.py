"""Redis: whole spaces out and in while others write, compaction that was cut off, and keys that change."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
import redis

from state.persistence.codec import Codec
from state.persistence.keyring import Keyring
from state.persistence.redis import RedisPersistence
from state.refusals import Compacted, Damaged, StateExists
from state.values import ConflictStatus, EntryKind, Filters, Row, SharedState, SyncStatus
from tests.persistence.build import (
    SPACE,
    a_conflict,
    a_tx,
    a_write,
    an_audit,
    an_op,
    at,
    commit,
    grow,
    put,
    whole_log,
)
from tests.persistence.redis_stores import layer_on, server
from tests.servers import RedisServer


@pytest.fixture(scope="module")
def store() -> Iterator[RedisServer]:
    with server() as running:
        yield running


@pytest.fixture
def client(store: RedisServer) -> Iterator[redis.Redis]:
    """Redis itself, emptied."""
    with redis.Redis.from_url(store.url) as found:
        found.flushall()
        yield found


@pytest.fixture
def layer(store: RedisServer, client: redis.Redis) -> Iterator[RedisPersistence]:
    opened = layer_on(store.url, batch_size=7)
    opened.open_space(SPACE)
    yield opened
    opened.close()


def furnish(layer: RedisPersistence, space: str = SPACE) -> None:
    """Something of everything."""
    layer.open_space(space)
    grow(layer, "plan", until=5, space=space)
    grow(layer, "gone", until=1, space=space)
    put(layer, a_write("gone", expect=1, kind=EntryKind.DELETE, space=space), space=space)
    grow(layer, "late", until=3, space=space)
    layer.enqueue(an_op("waits", space=space))
    layer.enqueue(an_op("fails", space=space, state_id="late"))
    layer.note_retry(an_op("fails", space=space), "away")
    conflicts = (
        a_conflict("c-1", space=space),
        a_conflict("c-2", space=space, status=ConflictStatus.REJECTED),
    )
    tx = a_tx(
        op=an_op("done", settled=True, space=space),
        conflicts=conflicts,
        audit=(an_audit(3), an_audit(4)),
    )
    commit(layer, tx, space=space)


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Without what a restore changes, in an order of their own."""
    kept = []
    for row in rows:
        value = {key: each for key, each in row.value.items() if key != "epoch"}
        kept.append(Row(kind=row.kind, value=value))
    return sorted(kept, key=lambda row: (row.kind, msgspec.json.encode(row.value, order="sorted")))


def test_a_dump_is_of_one_moment_while_others_write(layer: RedisPersistence) -> None:
    names = [f"state-{number:02}" for number in range(15)]
    put(layer, *(a_write(name) for name in names))
    stop = threading.Event()

    def write() -> None:
        # All are written together: in every moment, all have the same version.
        version = 1
        while not stop.is_set():
            op = an_op(f"op-{version}", settled=True)
            writes = [a_write(name, expect=version) for name in names]
            commit(layer, a_tx(*writes, op=op))
            version += 1
            time.sleep(0.002)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = set()
        for _ in range(5):
            rows = list(layer.dump(SPACE))
            assert rows[0].kind == "space"
            revision = rows[0].value["revision"]
            versions = {row.value["version"] for row in rows if row.kind == "state"}
            assert versions == {revision}
            entries = [row.value for row in rows if row.kind == "entry"]
            assert len(entries) == 15 * revision
            assert {entry["revision"] for entry in entries} == set(range(1, revision + 1))
            assert sum(row.kind == "op" for row in rows) == revision - 1
            seen.add(revision)
        assert len(seen) > 1, "nobody wrote meanwhile"
    finally:
        stop.set()
        writer.join()


def test_what_is_dumped_and_filled_again_is_the_same(
    layer: RedisPersistence, client: redis.Redis
) -> None:
    furnish(layer)
    before = layer.open_space(SPACE)
    layer.compact(SPACE, 4)
    rows = list(layer.dump(SPACE))
    layer.fill({SPACE: rows}, replace=True)
    assert in_order(layer.dump(SPACE)) == in_order(rows)
    after = layer.open_space(SPACE)
    assert after.epoch != before.epoch
    assert after.revision == before.revision
    # And all of it works on.
    page = layer.list_states(SPACE, Filters(), limit=9)
    assert [(each.id, each.sync_status) for each in page.states] == [
        ("late", SyncStatus.ERROR),
        ("plan", SyncStatus.CONFLICT),
    ]
    assert layer.list_states(SPACE, Filters(deleted=True), limit=9).states[0].id == "gone"
    assert layer.data_at(SPACE, "plan", 4) == {"step": 4}
    with pytest.raises(Compacted):
        layer.data_at(SPACE, "plan", 3)
    assert layer.enqueue(an_op("new")).n == 3
    grow(layer, "plan", until=6)
    assert commit(layer, a_tx(audit=(an_audit(5),))).audit[0].n == 3
    assert layer.forget_ops(SPACE, before=at(4)) == 1
    # Of what was there before nothing is left.
    generations = {str(key).split(":")[2] for key in client.keys("stars:{*}:*")}
    assert len(generations) == 1


def test_of_several_spaces_all_are_filled_or_none(
    layer: RedisPersistence, client: redis.Redis
) -> None:
    furnish(layer)
    rows = list(layer.dump(SPACE))
    before = layer.open_space(SPACE)
    keys = set(client.keys())
    nonsense = [*rows, Row(kind="state", value={"id": "half"})]
    with pytest.raises(StateExists):
        layer.fill({"new": rows, SPACE: rows}, replace=False)
    with pytest.raises(Damaged):
        layer.fill({"new": rows, SPACE: nonsense}, replace=True)
    assert [info.id for info in layer.spaces()] == [SPACE]
    assert layer.open_space(SPACE) == before
    # What was half built waits to be removed, and is, in time.
    garbage: list[Any] = client.zrange("stars:garbage", 0, -1)
    assert garbage
    client.zadd("stars:garbage", dict.fromkeys(garbage, 0))
    layer.drop_space("unknown")
    layer.open_space("any")
    layer.drop_space("any")
    assert set(client.keys()) == keys
    layer.fill({"new": rows}, replace=False)
    assert [info.id for info in layer.spaces()] == [SPACE, "new"]
    assert layer.load_state("new", "plan").space == "new"


def test_a_dropped_space_leaves_no_key(layer: RedisPersistence, client: redis.Redis) -> None:
    keys = set(client.keys())
    furnish(layer, "gone")
    layer.drop_space("gone")
    assert set(client.keys()) == keys


def test_a_compaction_that_was_cut_off_is_finished_by_the_next(
    layer: RedisPersistence, monkeypatch: pytest.MonkeyPatch, client: redis.Redis
) -> None:
    grow(layer, "plan", until=20)
    grow(layer, "other", until=3)

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(layer, "_give_up", die)
        with pytest.raises(RuntimeError):
            layer.compact(SPACE, 15)
    # The floor stands, and whoever is below it is told so.
    with pytest.raises(Compacted):
        layer.read_log(SPACE, after=14, limit=9)
    assert layer.data_at(SPACE, "plan", 3) == {"step": 3}
    layer.compact(SPACE, 21)
    assert layer.load_state(SPACE, "plan").compacted_version == 20
    assert layer.load_state(SPACE, "other").compacted_version == 1
    with pytest.raises(Compacted):
        layer.data_at(SPACE, "plan", 3)
    assert layer.data_at(SPACE, "plan", 20) == {"step": 20}
    assert [entry.revision for entry in whole_log(layer, after=21)] == [22, 23]
    (log,) = client.keys("*:log")
    (entries,) = client.keys("*:e:other")
    assert (client.xlen(log), client.hlen(entries)) == (2, 2)
    assert not client.keys("*:e:plan")


def test_everything_is_encrypted_anew_while_others_write(
    store: RedisServer, client: redis.Redis
) -> None:
    old, new = Keyring.generate("old"), Keyring.generate("new")
    ring = Keyring.parse(f"{new},{old}")
    before = layer_on(store.url, Codec(False, True, Keyring.parse(old)), batch_size=5)
    before.open_space(SPACE)
    furnish(before)
    grow(before, "long", until=70)
    rows = in_order(before.dump(SPACE))
    after = layer_on(store.url, Codec(False, True, ring), batch_size=5)
    stop = threading.Event()
    written = 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            grow(after, "busy", until=written + 1)
            written += 1

    writer = threading.Thread(target=write)
    writer.start()
    renewed = after.rekey()
    stop.set()
    writer.join()
    before.close()
    assert written > 0
    assert renewed > len(rows)
    assert after.rekey() == 0
    after.close()
    alone = layer_on(store.url, Codec(False, True, Keyring.parse(new)))
    found = [row for row in alone.dump(SPACE) if row.value.get("state_id") != "busy"]
    known = [
        row for row in in_order(found) if row.kind != "space" and row.value.get("id") != "busy"
    ]
    assert known == [row for row in rows if row.kind != "space"]
    alone.close()


def test_encrypting_anew_never_puts_an_old_version_in_the_place_of_a_new_one(
    store: RedisServer, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = Keyring.generate("old"), Keyring.generate("new")
    before = layer_on(store.url, Codec(False, True, Keyring.parse(old)))
    before.open_space(SPACE)
    grow(before, "plan", until=1)
    after = layer_on(store.url, Codec(False, True, Keyring.parse(f"{new},{old}")))
    repack, late = after.codec.repack, [a_write("plan", expect=1)]

    def slow(packed: bytes, *place: str | int) -> bytes:
        if place[-1] == "data" and late:
            put(before, late.pop())
        return repack(packed, *place)

    monkeypatch.setattr(after.codec, "repack", slow)
    assert after.rekey() > 0
    assert after.load_state(SPACE, "plan").data == {"step": 2}
    assert after.rekey() == 0, "what came between was written with the old key"
    before.close()
    after.close()


def test_states_are_whole_after_many_versions(layer: RedisPersistence) -> None:
    grow(layer, "plan", until=140)
    large = {"text": "tide " * 4000}
    for expect in range(140, 146):
        put(layer, a_write("plan", {**large, "step": expect + 1}, expect=expect))
    assert layer.data_at(SPACE, "plan", 100) == {"step": 100}
    assert layer.data_at(SPACE, "plan", 143) == {**large, "step": 143}
    state: SharedState = layer.load_state(SPACE, "plan")
    assert state.data == {**large, "step": 146}
