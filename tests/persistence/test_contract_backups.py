"""Contract of every persistence layer: backups taken while others write, and restored into any other layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from state.persistence import archive
from state.persistence.base import PersistenceLayer
from state.persistence.codec import Codec
from state.persistence.keyring import Keyring
from state.refusals import Damaged, StateExists, WrongKey
from state.values import Entry, EntryKind, Row, SharedState, SpaceInfo
from tests.persistence.backends import PRIVATE, Backend, at_once
from tests.persistence.build import (
    SPACE,
    a_tx,
    a_write,
    an_audit,
    an_op,
    commit,
    grow,
    put,
)
from tests.persistence.picture import called_anew, picture, rich


def values(rows: Iterable[Row], kind: str) -> list[Any]:
    """The rows of one kind, as what they are."""
    return [msgspec.convert(row.value, archive.KINDS[kind]) for row in rows if row.kind == kind]


# -- dump -------------------------------------------------------------------------------------------------------------


def test_a_dump_is_all_of_the_space_as_typed_rows(layer: PersistenceLayer) -> None:
    rich(layer)
    rows = list(layer.dump(SPACE))
    assert [row.kind for row in rows].index("space") == 0
    assert values(rows, "space") == [layer.open_space(SPACE)]
    assert {row.kind for row in rows} == set(archive.KINDS)
    seen = picture(layer)
    states: list[SharedState] = values(rows, "state")
    bare = {"sync_status", "pending_ops"}
    for state in states:
        for field in set(SharedState.__struct_fields__) - bare:
            assert getattr(state, field) == getattr(seen["states"][state.id], field)
    assert len(states) == len(seen["states"])
    entries: list[Entry] = values(rows, "entry")
    assert sorted(entries, key=lambda each: (each.revision, each.seq)) == seen["log"]
    assert {each.op_id for each in values(rows, "op")} == {"waits", "waits too", "done"}
    assert {each.conflict_id for each in values(rows, "conflict")} == {"c-1", "c-2"}
    assert sorted(each.n for each in values(rows, "audit")) == [1, 2]
    json = msgspec.json.decode(msgspec.json.encode(rows), type=list[Row])
    assert values(json, "entry") == entries, "rows are JSON"


def test_a_dump_keeps_nobody_waiting_and_sees_one_revision(layer: PersistenceLayer) -> None:
    for n in range(20):
        grow(layer, f"s{n}", until=3)
    expected = picture(layer)
    rows = layer.dump(SPACE)
    dumped = [next(rows), next(rows)]

    def write() -> None:
        for n in range(20):
            grow(layer, f"s{n}", until=5)
        layer.enqueue(an_op())
        commit(layer, a_tx(a_write("new"), audit=(an_audit(),)))

    at_once(write)
    dumped += rows
    assert values(dumped, "space")[0].revision == expected["info"].revision
    assert {each.id: each.data for each in values(dumped, "state")} == {
        key: {"step": 3} for key in expected["states"]
    }
    assert len(values(dumped, "entry")) == 60
    assert [row.kind for row in dumped if row.kind in ("op", "audit")] == []
    assert layer.open_space(SPACE).revision == 101


def test_an_abandoned_dump_leaves_no_trace(layer: PersistenceLayer) -> None:
    grow(layer, until=3)
    rows = layer.dump(SPACE)
    next(rows)
    close = getattr(rows, "close", None)
    del rows
    if close:
        close()
    put(layer, a_write(expect=3))
    assert values(layer.dump(SPACE), "space")[0].revision == 4


def test_dumps_while_others_write_are_prefixes_of_history(layer: PersistenceLayer) -> None:
    put(layer, a_write("a"), a_write("b"))
    done = False

    def write() -> None:
        nonlocal done
        try:
            for version in range(1, 50):
                put(layer, a_write("a", expect=version), a_write("b", expect=version))
                commit(layer, a_tx(op=an_op(f"op-{version}", settled=True), audit=(an_audit(),)))
        finally:
            done = True

    def dump() -> None:
        while not done:
            rows = list(layer.dump(SPACE))
            info: SpaceInfo = values(rows, "space")[0]
            entries: list[Entry] = values(rows, "entry")
            assert sorted((each.revision, each.state_id) for each in entries) == [
                (revision, state_id)
                for revision in range(1, info.revision + 1)
                for state_id in ("a", "b")
            ]
            for state in values(rows, "state"):
                assert (state.version, state.revision) == (info.revision, info.revision)
                assert state.data == {"step": info.revision}
            assert sorted(each.n for each in values(rows, "audit")) == list(
                range(1, info.audit + 1)
            )
            assert len(values(rows, "op")) == info.audit
            assert info.revision - 1 <= info.audit + 1

    at_once(write, dump)


# -- fill -------------------------------------------------------------------------------------------------------------


def test_filling_replaces_only_when_told(layer: PersistenceLayer) -> None:
    rich(layer)
    rows = list(layer.dump(SPACE))
    before = picture(layer)
    put(layer, a_write("later"))
    moved = picture(layer)
    info = layer.open_space(SPACE)
    with pytest.raises(StateExists):
        layer.fill({SPACE: rows}, replace=False)
    assert (picture(layer), layer.open_space(SPACE)) == (moved, info)
    layer.fill({SPACE: rows}, replace=True)
    assert picture(layer) == before
    epoch = layer.open_space(SPACE).epoch
    assert epoch not in ("", info.epoch), "old tokens are void"
    layer.fill({SPACE: rows}, replace=True)
    assert layer.open_space(SPACE).epoch not in (epoch, info.epoch), "each time"


def test_a_space_without_states_may_be_filled(layer: PersistenceLayer) -> None:
    rich(layer)
    rows, expected = list(layer.dump(SPACE)), picture(layer)
    layer.drop_space(SPACE)
    empty = layer.open_space(SPACE)
    layer.fill({SPACE: iter(rows)}, replace=False)
    assert picture(layer) == expected
    assert layer.open_space(SPACE).epoch not in (empty.epoch, rows[0].value["epoch"])


def test_all_spaces_are_filled_or_none(layer: PersistenceLayer) -> None:
    def failing() -> Iterator[Row]:
        yield from rows["Bay"]
        raise Damaged("a part is damaged")

    for space in ("Bay", "Cove"):
        rich(layer, space)
    rows = {space: list(layer.dump(space)) for space in ("Bay", "Cove")}
    layer.drop_space("Bay")
    put(layer, a_write("later", space="Cove"), space="Cove")
    spaces, cove = layer.spaces(), picture(layer, "Cove")
    with pytest.raises(StateExists):
        layer.fill({"Bay": rows["Bay"], "Cove": rows["Cove"]}, replace=False)
    for order in (("Cove", "Bay"), ("Bay", "Cove")):
        broken: dict[str, Iterable[Row]] = {"Cove": rows["Cove"], "Bay": failing()}
        with pytest.raises(Damaged, match="a part is damaged"):
            layer.fill({space: broken[space] for space in order}, replace=True)
    assert (layer.spaces(), picture(layer, "Cove")) == (spaces, cove)
    layer.fill({"Bay": rows["Bay"], "Cove": rows["Cove"]}, replace=True)
    assert picture(layer, "Bay")["info"].revision == cove["info"].revision - 1
    assert "later" not in picture(layer, "Cove")["states"]


def test_other_spaces_are_left_alone(layer: PersistenceLayer) -> None:
    rich(layer)
    layer.open_space("Bay")
    put(layer, a_write(space="Bay"), space="Bay")
    rows, bay = list(layer.dump(SPACE)), layer.open_space("Bay")
    layer.fill({SPACE: rows}, replace=True)
    assert layer.open_space("Bay") == bay
    assert layer.load_state("Bay", "plan").version == 1


# -- backups ----------------------------------------------------------------------------------------------------------


def test_a_backup_is_restored_into_every_other_layer(
    backend: Backend, other: Backend, tmp_path: Path
) -> None:
    path = tmp_path / "stars.backup"
    source = backend.open(PRIVATE)
    rich(source)
    rich(source, "港")
    expected, there = {space: picture(source, space) for space in (SPACE, "港")}, source.spaces()
    manifest = source.backup(path)
    assert {each.id: each.revision for each in manifest.spaces} == {
        each.id: each.revision for each in there
    }
    for info in there:
        source.drop_space(info.id)
    source.close()

    target = other.open(PRIVATE)
    assert target.restore(path) == manifest
    restored = {space: picture(target, space) for space in (SPACE, "港")}
    assert called_anew(restored) == called_anew(expected)
    assert {each.epoch for each in target.spaces()}.isdisjoint(each.epoch for each in there)

    # And life goes on where it stood.
    info = target.open_space(SPACE)
    done = commit(
        target,
        a_tx(
            a_write("young", expect=4),
            a_write("gone", expect=2, kind=EntryKind.CREATE),
            audit=(an_audit(),),
        ),
    )
    assert (done.revision, done.audit[0].n) == (info.revision + 1, info.audit + 1)
    assert target.data_at(SPACE, "young", 4) == {"long": "hay " * 500}
    assert target.enqueue(an_op("next")).n > max(each.n for each in expected[SPACE]["queued"])
    with pytest.raises(StateExists):
        target.restore(path)


def test_no_life_has_the_uid_that_it_had_before_a_restore(
    layer: PersistenceLayer, tmp_path: Path
) -> None:
    def uids() -> list[set[str]]:
        seen = picture(layer)
        states, entries = seen["states"].values(), seen["log"]
        events = [record.event for record in seen["audit"]]
        return [
            {each.uid for each in held} for held in (states, entries, seen["conflicts"], events)
        ]

    path = tmp_path / "stars.backup"
    rich(layer)
    layer.backup(path)
    lives = [uids()]
    for _ in range(2):
        layer.restore(path, replace=True)
        lives.append(uids())
        assert lives[-1][0] <= lives[-1][1], "the log tells of the same lives"
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert not set[str]().union(*lives[one]) & set[str]().union(*lives[other])


def test_what_is_damaged_or_foreign_is_refused_before_anything_is_touched(
    backend: Backend, tmp_path: Path
) -> None:
    path = tmp_path / "stars.backup"
    layer = backend.open(PRIVATE)
    rich(layer)
    layer.backup(path)
    grow(layer, "later", until=2)
    before, info = picture(layer), layer.open_space(SPACE)
    whole = path.read_bytes()
    for place in (200, len(whole) // 2):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(Damaged):
            layer.restore(path, replace=True)
    path.write_bytes(whole[:-10])
    with pytest.raises(Damaged):
        layer.restore(path, replace=True)
    archive.write(
        path, {SPACE: layer.dump(SPACE)}, Codec(True, True, Keyring.parse(Keyring.generate("x")))
    )
    with pytest.raises(WrongKey):
        layer.restore(path, replace=True)
    assert (picture(layer), layer.open_space(SPACE)) == (before, info)
    path.write_bytes(whole)
    layer.restore(path, replace=True)
    assert "later" not in picture(layer)["states"]


def test_a_backup_of_nothing_restores_nothing(layer: PersistenceLayer, tmp_path: Path) -> None:
    path = tmp_path / "stars.backup"
    layer.drop_space(SPACE)
    assert layer.backup(path).spaces == ()
    empty = layer.open_space(SPACE)
    layer.restore(path)
    assert layer.spaces() == [empty]
