"""Contract of every persistence layer: the log of a space, what is replayed from it, and what compaction leaves."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from state.errors import NotFound
from state.persistence.base import SNAPSHOT_EVERY, PersistenceLayer
from state.refusals import Compacted, VersionNotFound
from state.values import EntryKind, Mismatch, Operation, OperationType, Write
from tests.persistence.backends import Backend, at_once
from tests.persistence.build import (
    SPACE,
    a_tx,
    a_write,
    at,
    commit,
    grow,
    numbers,
    put,
    whole_log,
)

# -- history ----------------------------------------------------------------------------------------------------------


def test_history_ascends_between_its_bounds(layer: PersistenceLayer) -> None:
    grow(layer, until=6)
    grow(layer, "other", until=2)

    def versions(**bounds: Any) -> list[int]:
        return [each.version for each in layer.history(SPACE, "plan", **bounds)]

    assert versions(limit=9) == [1, 2, 3, 4, 5, 6]
    assert versions(limit=2) == [1, 2]
    assert versions(after=2, limit=9) == [3, 4, 5, 6]
    assert versions(after=2, until=4, limit=9) == [3, 4]
    assert versions(after=2, until=5, limit=2) == [3, 4]
    assert versions(after=6, limit=9) == []
    assert versions(until=99, limit=9) == [1, 2, 3, 4, 5, 6]
    assert layer.history(SPACE, "x", limit=9) == []


def test_latest_descends_from_the_newest(layer: PersistenceLayer) -> None:
    grow(layer, until=6)
    grow(layer, "other", until=2)

    def versions(**bounds: Any) -> list[int]:
        return [each.version for each in layer.latest(SPACE, "plan", **bounds)]

    assert versions(limit=9) == [6, 5, 4, 3, 2, 1]
    assert versions(limit=2) == [6, 5]
    assert versions(before=4, limit=2) == [3, 2]
    assert versions(before=1, limit=2) == []
    assert layer.latest(SPACE, "x", limit=9) == []
    assert layer.latest(SPACE, "plan", limit=1) == layer.history(SPACE, "plan", after=5, limit=1)


# -- the space's log --------------------------------------------------------------------------------------------------


def test_the_log_is_read_in_whole_revisions(layer: PersistenceLayer) -> None:
    put(layer, *(a_write(f"s{n}") for n in range(12)))
    put(layer, a_write("a"))
    put(layer, *(a_write(f"s{n}", expect=1) for n in range(5)))
    put(layer, a_write("a", expect=1))
    info = layer.open_space(SPACE)
    whole = [(1, n) for n in range(12)] + [(2, 0)] + [(3, n) for n in range(5)] + [(4, 0)]
    for limit in (1, 2, 3, 11, 12, 13, 18, 19, 20, 1000):
        assert numbers(whole_log(layer, limit=limit)) == whole
        after = 0
        while True:
            page = layer.read_log(SPACE, after=after, limit=limit)
            assert page.space == info
            assert page.entries, "a page before the end brings at least one revision"
            last = page.entries[-1].revision
            assert numbers(page.entries) == [each for each in whole if after < each[0] <= last]
            fits = len({each.revision for each in page.entries}) == 1
            assert fits or len(page.entries) <= limit + 12
            assert page.more == (last < 4)
            after = last
            if not page.more:
                break


def test_a_transaction_beyond_the_limit_comes_whole(layer: PersistenceLayer) -> None:
    put(layer, *(a_write(f"s{n}") for n in range(32)))
    put(layer, a_write("a"))
    page = layer.read_log(SPACE, after=0, limit=3)
    assert len(page.entries) == 32
    assert page.more


def test_the_end_of_the_log_is_empty(layer: PersistenceLayer) -> None:
    put(layer, a_write())
    for after in (1, 5):
        page = layer.read_log(SPACE, after=after, limit=9)
        assert (page.entries, page.more, page.space.revision) == ((), False, 1)


# -- replaying --------------------------------------------------------------------------------------------------------


def step(version: int, state_id: str = "plan") -> Write:
    """A small change of a document that is much larger: logged as one operation."""
    data = {"n": version, "filling": "x" * 2000, f"key {version // 10}": True}
    data |= {f"key {n}": True for n in range(version // 10)}
    write = a_write(state_id, data, expect=version - 1)
    if version > 1:
        ops = (
            Operation(OperationType.SET, "/n", version),
            Operation(OperationType.SET, f"/key {version // 10}", True),
        )
        write = msgspec.structs.replace(write, entry=msgspec.structs.replace(write.entry, ops=ops))
    return write


def test_every_version_can_be_read_again(layer: PersistenceLayer) -> None:
    last = 2 * SNAPSHOT_EVERY + 10
    layer.commit(SPACE, [a_tx(step(version)) for version in range(1, last + 1)])
    put(layer, a_write(expect=last, kind=EntryKind.DELETE))
    put(layer, a_write("plan", {"n": "new life"}, expect=last + 1, kind=EntryKind.CREATE))
    config = a_write("plan", {"n": "new life"}, expect=last + 2, kind=EntryKind.CONFIG)
    config = msgspec.structs.replace(config, entry=msgspec.structs.replace(config.entry, ops=()))
    put(layer, config)
    for version in range(1, last + 1):
        assert layer.data_at(SPACE, "plan", version) == step(version).state.data
    assert layer.data_at(SPACE, "plan", last + 1) == {}
    assert layer.data_at(SPACE, "plan", last + 2) == {"n": "new life"}
    assert layer.data_at(SPACE, "plan", last + 3) == {"n": "new life"}
    with pytest.raises(VersionNotFound):
        layer.data_at(SPACE, "plan", last + 4)
    with pytest.raises(NotFound):
        layer.data_at(SPACE, "x", 1)


# -- compaction -------------------------------------------------------------------------------------------------------


def compacted(layer: PersistenceLayer) -> None:
    """Revisions 1-13; compacted up to 9."""
    grow(layer, "a", until=5)  # 1-5
    put(layer, a_write("b"), a_write("gone"))  # 6
    put(layer, a_write("gone", expect=1, kind=EntryKind.DELETE))  # 7
    grow(layer, "a", until=7)  # 8-9
    grow(layer, "a", until=9)  # 10-11
    put(layer, a_write("young"))  # 12
    grow(layer, "young", until=2)  # 13
    info = layer.compact(SPACE, 9)
    assert (info.compact_revision, info.revision) == (9, 13)


def test_compaction_gives_up_history_up_to_its_floor(layer: PersistenceLayer) -> None:
    epoch = layer.open_space(SPACE).epoch
    compacted(layer)
    assert (layer.open_space(SPACE).compact_revision, layer.open_space(SPACE).epoch) == (9, epoch)
    page = layer.read_log(SPACE, after=9, limit=99)
    assert numbers(page.entries) == [(10, 0), (11, 0), (12, 0), (13, 0)]
    assert page.space.compact_revision == 9
    for after in (0, 8):
        with pytest.raises(Compacted) as caught:
            layer.read_log(SPACE, after=after, limit=99)
        assert caught.value.extra["compact_revision"] == 9
    assert [each.version for each in layer.history(SPACE, "a", limit=99)] == [8, 9]
    assert [each.version for each in layer.latest(SPACE, "a", limit=99)] == [9, 8]
    assert layer.history(SPACE, "b", limit=99) == []


def test_compaction_keeps_what_stands_and_every_version_from_the_floor(
    layer: PersistenceLayer,
) -> None:
    compacted(layer)
    found = layer.load_states(SPACE, ["a", "b", "gone", "young"])
    assert {key: (each.version, each.compacted_version) for key, each in found.items()} == {
        "a": (9, 7),
        "b": (1, 1),
        "gone": (2, 2),
        "young": (2, 1),
    }
    for version in (7, 8, 9):
        assert layer.data_at(SPACE, "a", version) == {"step": version}
    for version in (1, 6):
        with pytest.raises(Compacted) as caught:
            layer.data_at(SPACE, "a", version)
        assert caught.value.extra["compacted_version"] == 7
    assert layer.data_at(SPACE, "b", 1) == {"step": 1}
    assert layer.data_at(SPACE, "gone", 2) == {}
    with pytest.raises(Compacted):
        layer.data_at(SPACE, "gone", 1)
    assert [layer.data_at(SPACE, "young", version)["step"] for version in (1, 2)] == [1, 2]


def test_life_goes_on_after_compaction(layer: PersistenceLayer) -> None:
    compacted(layer)
    assert put(layer, a_write("a", expect=9)).revision == 14
    assert layer.load_state(SPACE, "a").compacted_version == 7
    reborn = put(layer, a_write("gone", expect=2, kind=EntryKind.CREATE))
    assert reborn.states[0].version == 3
    assert layer.data_at(SPACE, "gone", 3) == {"step": 3}
    assert layer.commit(SPACE, [a_tx(a_write("gone"))]) == [Mismatch(versions={"gone": 3})]
    assert layer.compact(SPACE, 15).compact_revision == 15
    assert whole_log(layer, after=15) == []
    assert layer.data_at(SPACE, "a", 10) == {"step": 10}
    grow(layer, "a", until=12)
    assert layer.data_at(SPACE, "a", 11) == {"step": 11}


def test_a_floor_at_or_below_the_present_one_does_nothing(layer: PersistenceLayer) -> None:
    compacted(layer)
    info = layer.open_space(SPACE)
    for floor in (0, 3, 9):
        assert layer.compact(SPACE, floor) == info
    assert layer.data_at(SPACE, "a", 7) == {"step": 7}


def test_snapshots_below_the_floor_are_given_up_and_later_ones_serve(
    layer: PersistenceLayer,
) -> None:
    last = 3 * SNAPSHOT_EVERY
    layer.commit(SPACE, [a_tx(step(version)) for version in range(1, last + 1)])
    floor = SNAPSHOT_EVERY + 20
    layer.compact(SPACE, floor)
    for version in range(floor, last + 1):
        assert layer.data_at(SPACE, "plan", version) == step(version).state.data
    for version in (1, SNAPSHOT_EVERY, floor - 1):
        with pytest.raises(Compacted):
            layer.data_at(SPACE, "plan", version)
    versions: dict[str, list[int]] = {"entry": [], "snapshot": []}
    for row in layer.dump(SPACE):
        if row.kind in versions:
            versions[row.kind].append(row.value["version"])
    assert sorted(versions["entry"]) == list(range(floor + 1, last + 1))
    assert min(versions["snapshot"]) == floor


def test_compaction_takes_more_than_one_batch(backend: Backend) -> None:
    layer = backend.open(batch_size=7)
    layer.open_space(SPACE)
    for n in range(10):
        grow(layer, f"s{n}", until=5)
    layer.compact(SPACE, 48)
    assert numbers(whole_log(layer, after=48)) == [(49, 0), (50, 0)]
    assert layer.load_state(SPACE, "s3").compacted_version == 5
    assert layer.load_state(SPACE, "s9").compacted_version == 3
    assert len(whole_log(layer, after=48, limit=1)) == 2


def test_compactors_writers_and_readers_do_not_hinder_each_other(layer: PersistenceLayer) -> None:
    grow(layer, until=60)

    def compactor() -> None:
        for floor in range(5, 60, 5):
            assert layer.compact(SPACE, floor).compact_revision >= floor

    def writer() -> None:
        for version in range(60, 75):
            put(layer, a_write(expect=version))

    def reader() -> None:
        after = 0
        while after < 75:
            try:
                page = layer.read_log(SPACE, after=after, limit=10)
            except Compacted as gone:
                after = gone.extra["compact_revision"]
                continue
            got = [each.revision for each in page.entries]
            assert got == list(range(after + 1, after + 1 + len(got))), "a hole"
            after = got[-1] if got else after

    at_once(compactor, compactor, writer, reader)
    info = layer.open_space(SPACE)
    assert (info.revision, info.compact_revision) == (75, 55)
    assert [each.revision for each in whole_log(layer, after=55)] == list(range(56, 76))
    for version in range(55, 76):
        assert layer.data_at(SPACE, "plan", version) == {"step": version}


def test_retention_asks_for_the_revision_of_a_time(layer: PersistenceLayer) -> None:
    assert layer.oldest_within(SPACE, at(99)) == 0
    put(layer, a_write("a", minute=10), a_write("b", minute=10))
    put(layer, a_write("a", expect=1, minute=20))
    commit(layer, a_tx(a_write("b", expect=1, minute=30)))
    found = [layer.oldest_within(SPACE, at(minute)) for minute in (5, 10, 15, 20.5, 29.9, 31)]
    assert found == [0, 0, 1, 2, 2, 3]
