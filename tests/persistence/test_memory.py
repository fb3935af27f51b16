"""The memory layer: nobody's object is the kept one, and nothing outlives the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from state.persistence.memory import MemoryPersistence
from state.refusals import Closed, Compacted, SpaceNotFound, StoreDown, VersionNotFound
from state.values import (
    Committed,
    EntryKind,
    Mismatch,
    Operation,
    OperationType,
    PersistenceConfig,
    PersistenceType,
)
from tests.persistence.backends import PLAIN, at_once
from tests.persistence.build import SPACE, a_tx, a_write, an_op, grow, put


def memory(**changes: object) -> MemoryPersistence:
    config = PersistenceConfig(type=PersistenceType.MEMORY, timeout=timedelta(seconds=15))
    layer = MemoryPersistence(msgspec.structs.replace(config, **changes), PLAIN)
    layer.open_space(SPACE)
    return layer


@pytest.fixture
def layer() -> Iterator[MemoryPersistence]:
    opened = memory()
    yield opened
    opened.close()


def test_what_is_done_to_an_object_after_it_was_written_or_read_changes_nothing(
    layer: MemoryPersistence,
) -> None:
    write = a_write(data={"list": [1]})
    result = layer.commit(SPACE, [a_tx(write)])[0]
    assert isinstance(result, Committed)
    write.state.data["list"].append("mine")
    write.state.metadata["mine"] = True
    found = layer.load_state(SPACE, "plan")
    found.data["list"].append("yours")
    found.metadata["yours"] = True
    layer.data_at(SPACE, "plan", 1)["list"].append("ours")
    again = layer.load_state(SPACE, "plan")
    assert again.data == layer.data_at(SPACE, "plan", 1) == {"list": [1]}
    assert again.metadata == {"colour": "teal"}


def test_a_new_layer_begins_empty(layer: MemoryPersistence) -> None:
    put(layer, a_write())
    assert memory().load_states(SPACE, ["plan"]) == {}


def test_writing_to_an_unknown_space_is_refused_and_reading_finds_nothing(
    layer: MemoryPersistence,
) -> None:
    with pytest.raises(SpaceNotFound):
        layer.commit("Bay", [a_tx(a_write(space="Bay"))])
    with pytest.raises(SpaceNotFound):
        layer.enqueue(an_op(space="Bay"))
    with pytest.raises(SpaceNotFound):
        layer.read_log("Bay", after=0, limit=1)
    assert layer.load_states("Bay", ["plan"]) == {}
    assert layer.history("Bay", "plan", limit=5) == []
    assert [each.id for each in layer.spaces()] == [SPACE]


def test_a_write_that_skips_a_version_is_a_mistake_and_leaves_nothing_of_its_batch(
    layer: MemoryPersistence,
) -> None:
    skipping = a_write("b")
    skipping = msgspec.structs.replace(
        skipping, state=msgspec.structs.replace(skipping.state, version=2)
    )
    with pytest.raises(ValueError, match="by one"):
        layer.commit(SPACE, [a_tx(a_write("a")), a_tx(skipping)])
    assert layer.load_states(SPACE, ["a", "b"]) == {}
    assert layer.open_space(SPACE).revision == 0


def test_two_versions_of_one_state_in_one_transaction_share_its_revision(
    layer: MemoryPersistence,
) -> None:
    done = put(layer, a_write("plan"), a_write("plan", expect=1))
    assert [(each.revision, each.seq, each.version) for each in done.entries] == [
        (1, 0, 1),
        (1, 1, 2),
    ]
    assert layer.load_state(SPACE, "plan").version == 2
    again = layer.commit(SPACE, [a_tx(a_write("plan", expect=2), a_write("plan", expect=2))])
    assert again == [Mismatch(versions={"plan": 3})]


@pytest.mark.parametrize("seed", range(3))
def test_every_version_that_is_not_compacted_can_be_read_as_it_was(
    layer: MemoryPersistence, seed: int
) -> None:
    """Small changes of a large document, deletions and new lives in between: snapshots fall where they may."""
    documents: dict[int, dict[str, object]] = {}
    data: dict[str, object] = {}
    for version in range(1, 200):
        dies = version % (41 + seed) == 0
        born = not data and not dies
        if dies:
            kind, data = EntryKind.DELETE, {}
            op = Operation(OperationType.DELETE)
        elif born:
            kind, data = EntryKind.CREATE, {"long": "tide " * 200 * seed, "n": version}
            op = Operation(OperationType.SET, "", data)
        else:
            kind, data = EntryKind.UPDATE, {**data, "n": version}
            op = Operation(OperationType.SET, "/n", version)
        write = a_write("plan", data, expect=version - 1, kind=kind)
        entry = msgspec.structs.replace(write.entry, ops=(op,))
        put(layer, msgspec.structs.replace(write, entry=entry))
        documents[version] = data
    for floor in (0, 1, 50, 123, 199):
        layer.compact(SPACE, floor)
        for version, document in documents.items():
            if version < max(floor, 1):
                with pytest.raises(Compacted):
                    layer.data_at(SPACE, "plan", version)
            else:
                assert layer.data_at(SPACE, "plan", version) == document
    with pytest.raises(VersionNotFound):
        layer.data_at(SPACE, "plan", 200)


def test_who_holds_states_keeps_other_writers_off_and_not_readers_or_the_journal() -> None:
    layer = memory(timeout=timedelta(seconds=0.2))
    put(layer, a_write())
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with layer.hold(SPACE, ["plan"]):
            held.set()
            assert done.wait(10)
            grow(layer, until=2)

    def others() -> None:
        assert held.wait(10)
        try:
            with pytest.raises(StoreDown):
                put(layer, a_write(expect=1))
            assert layer.load_state(SPACE, "plan").version == 1
            assert layer.enqueue(an_op()).n == 1
        finally:
            done.set()

    at_once(hold, others)
    assert layer.load_state(SPACE, "plan").version == 2


def test_holding_takes_none_of_the_connections_that_the_calls_in_it_need() -> None:
    layer = memory(max_connections=1)
    with layer.hold(SPACE, ["plan"]):
        put(layer, a_write())
    assert layer.load_state(SPACE, "plan").version == 1


def test_a_closed_layer_refuses_to_hold(layer: MemoryPersistence) -> None:
    layer.close()
    with pytest.raises(Closed), layer.hold(SPACE, ["plan"]):
        pass


def test_backups_are_as_of_one_revision_while_others_write(layer: MemoryPersistence) -> None:
    grow(layer, until=5)
    rows = layer.dump(SPACE)
    first = next(rows)
    grow(layer, until=9)
    layer.compact(SPACE, 8)
    others = list(rows)
    assert first.value["revision"] == 5
    assert [row.value["version"] for row in others if row.kind == "entry"] == [1, 2, 3, 4, 5]
    assert [row.value["version"] for row in others if row.kind == "state"] == [5]
