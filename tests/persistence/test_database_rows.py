"""What stands in the tables of states, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import msgspec
import pytest
from django.apps import apps
from django.db import IntegrityError, connection
from django.db.models import Model

from state.models import Audit, Conflict, Entry, Op, Snapshot, Space, State
from state.persistence.database import DatabasePersistence
from state.refusals import ConfigInvalid, Damaged
from state.values import Filters, PersistenceConfig
from tests.persistence.backends import PLAIN, PRIVATE
from tests.persistence.build import (
    SPACE,
    a_conflict,
    a_tx,
    a_write,
    an_audit,
    an_op,
    at,
    grow,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def layer() -> DatabasePersistence:
    opened = DatabasePersistence(PersistenceConfig(), PLAIN)
    opened.open_space(SPACE)
    return opened


def again(row: State | Entry | Op | Audit | Conflict, **changes: object) -> None:
    """Save the row once more, as another one."""
    row.pk = None
    row._state.adding = True
    for name, value in changes.items():
        setattr(row, name, value)
    row.save()


def full(layer: DatabasePersistence) -> None:
    grow(layer, until=2)
    layer.commit(
        SPACE,
        [a_tx(op=an_op(settled=True), conflicts=(a_conflict(),), audit=(an_audit(),))],
    )


@pytest.mark.parametrize(
    ("sqlite", "name", "break_it"),
    [
        (
            "state_state.space_id, state_state.key",
            "state_key_once_per_space",
            lambda: again(State.objects.get(), uid="x"),
        ),
        (
            "state_version_counts",
            "state_version_counts",
            lambda: again(State.objects.get(), key="x", version=0),
        ),
        (
            "state_entry.state_id, state_entry.version",
            "entry_version_once",
            lambda: again(Entry.objects.get(version=2), revision=9),
        ),
        (
            "state_entry.space_id, state_entry.revision, state_entry.seq",
            "entry_place_in_log_once",
            lambda: again(Entry.objects.get(version=2), version=9),
        ),
        (
            "state_op.space_id, state_op.agent, state_op.op_id",
            "op_id_once_per_agent",
            lambda: again(Op.objects.get()),
        ),
        (
            "state_conflict.space_id, state_conflict.conflict_id",
            "conflict_once_per_space",
            lambda: again(Conflict.objects.get()),
        ),
        (
            "state_audit.space_id, state_audit.n",
            "audit_number_once",
            lambda: again(Audit.objects.get()),
        ),
        (
            "space_floor_within_history",
            "space_floor_within_history",
            lambda: Space.objects.update(compact_revision=99) and None,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "_" in value and "." not in value else "",
)
def test_the_tables_refuse(
    layer: DatabasePersistence, sqlite: str, name: str, break_it: Callable[[], None]
) -> None:
    full(layer)
    with pytest.raises(IntegrityError, match=sqlite if connection.vendor == "sqlite" else name):
        break_it()


def test_what_is_searched_stands_in_columns_and_the_rest_is_packed(
    layer: DatabasePersistence,
) -> None:
    layer.commit(SPACE, [a_tx(a_write(data={"secret": "herring"}, tags=("tide", "群星")))])
    row = State.objects.get()
    assert (row.key, row.version, row.revision, row.type) == ("plan", 1, 1, "task")
    assert row.tags == "\ntide\n群星\n"
    assert b"herring" in bytes(row.data)
    assert str(row) == "Harbour/plan@1"
    assert str(Entry.objects.get()) == "Harbour:1:0"
    assert str(Space.objects.get()) == "Harbour"


def test_states_are_read_past_django_as_django_reads_them(layer: DatabasePersistence) -> None:
    grow(layer, "a", until=3)
    layer.commit(SPACE, [a_tx(a_write("b", deleted=True))])
    listed = {
        state.id: state
        for gone in (False, True)
        for state in layer.list_states(SPACE, Filters(deleted=gone), limit=9, with_data=True).states
    }
    assert list(listed) == ["a", "b"]
    read = layer.load_states(SPACE, ["b", "a", "c"])
    assert read == listed
    assert read["a"].timestamp.utcoffset() == read["b"].created_at.utcoffset() == timedelta(0)
    assert read["b"].deleted is True


def test_a_word_with_a_line_feed_is_kept_and_found(layer: DatabasePersistence) -> None:
    layer.commit(SPACE, [a_tx(a_write(tags=("ebb\nflow",)))])
    page = layer.list_states(SPACE, Filters(tags=("ebb\nflow",)), limit=9)
    assert [state.tags for state in page.states] == [("ebb\nflow",)]
    assert layer.list_states(SPACE, Filters(tags=("flow",)), limit=9).states == ()


def test_parts_moved_to_another_row_open_nowhere() -> None:
    layer = DatabasePersistence(PersistenceConfig(encryption=True), PRIVATE)
    layer.open_space(SPACE)
    layer.commit(SPACE, [a_tx(a_write("a")), a_tx(a_write("b"))])
    State.objects.filter(key="b").update(data=State.objects.get(key="a").data)
    assert layer.load_state(SPACE, "a").data
    with pytest.raises(Exception, match="damaged"):
        layer.load_state(SPACE, "b")


@pytest.mark.parametrize("nonsense", [[1], "x", 7, None, [["data", {}]]], ids=repr)
def test_a_part_that_is_json_of_another_shape_is_damaged(
    layer: DatabasePersistence, nonsense: object
) -> None:
    full(layer)
    part = b"p" + msgspec.json.encode(nonsense)
    reads: list[tuple[type[Model], str, Callable[[], object]]] = [
        (Entry, "body", lambda: layer.data_at(SPACE, "plan", 1)),
        (Entry, "body", lambda: layer.history(SPACE, "plan", limit=9)),
        (Entry, "body", lambda: layer.read_log(SPACE, after=0, limit=9)),
        (Op, "body", lambda: layer.find_op(SPACE, "agent:wim", "op-1")),
        (Conflict, "body", lambda: layer.find_conflict(SPACE, "c-1")),
        (Audit, "body", lambda: layer.read_audit(SPACE, after=0, limit=9)),
        (State, "data", lambda: layer.load_state(SPACE, "plan")),
        (State, "settings", lambda: layer.list_states(SPACE, Filters(), limit=9)),
    ]
    for model, column, read in reads:
        assert read() is not None
        kept = {row.pk: getattr(row, column) for row in model._default_manager.all()}
        model._default_manager.update(**{column: part})
        with pytest.raises(Damaged):
            read()
        for pk, whole in kept.items():
            model._default_manager.filter(pk=pk).update(**{column: whole})
    grow(layer, until=4)
    layer.compact(SPACE, 2)
    assert Snapshot.objects.update(data=part) == 1
    with pytest.raises(Damaged):
        layer.data_at(SPACE, "plan", 2)


def test_entries_that_outgrow_the_document_leave_a_snapshot(layer: DatabasePersistence) -> None:
    for version in range(12):
        layer.commit(SPACE, [a_tx(a_write(data={"log": "x" * 3000}, expect=version))])
    kept = list(Snapshot.objects.values_list("version", flat=True).order_by("version"))
    assert kept and kept[0] < 5
    assert layer.data_at(SPACE, "plan", kept[0] + 1) == {"log": "x" * 3000}


def test_an_interrupted_compaction_is_finished_by_the_next(
    layer: DatabasePersistence, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(layer, until=8)

    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(DatabasePersistence, "_delete_in_parts", interrupted)
    with pytest.raises(KeyboardInterrupt):
        layer.compact(SPACE, 5)
    # The floor came first: nobody can miss what goes after it.
    assert layer.open_space(SPACE).compact_revision == 5
    assert Entry.objects.count() == 8
    monkeypatch.undo()
    layer.compact(SPACE, 5)
    assert list(Entry.objects.values_list("revision", flat=True).order_by("revision")) == [6, 7, 8]
    assert [layer.data_at(SPACE, "plan", version)["step"] for version in (5, 6, 8)] == [5, 6, 8]


def test_an_unknown_database_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigInvalid) as refused:
        DatabasePersistence(PersistenceConfig(connection_string="nowhere"), PLAIN)
    assert "connection_string" in refused.value.fields


def test_outcomes_are_forgotten_in_parts(
    layer: DatabasePersistence, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("state.persistence.database.connected.PART", 3)
    layer.commit(SPACE, [a_tx(op=an_op(f"op-{number}", settled=True)) for number in range(10)])
    layer.enqueue(an_op("waits"))
    assert layer.forget_ops(SPACE, before=at(3)) == 0
    assert layer.forget_ops(SPACE, before=at(3) + timedelta(seconds=1)) == 10
    assert [op.op_id for op in layer.queued(SPACE)] == ["waits"]


def test_states_of_before_are_found_by_what_stands_in_columns(layer: DatabasePersistence) -> None:
    layer.commit(SPACE, [a_tx(a_write("Plan", name="Spring", tags=("Red",), owners=("human:Bo",)))])
    State.objects.update(text="")
    migration = import_module("state.migrations.0005_searching")
    migration.fill(apps, SimpleNamespace(connection=connection))
    assert State.objects.get().text.split() == ["plan", "red", "human:bo"]


def test_a_thousand_states_in_conflict_are_read(layer: DatabasePersistence) -> None:
    writes = [a_write(f"plan-{n}") for n in range(1000)]
    conflicts = [a_conflict(f"c-{n}", state_id=f"plan-{n}") for n in range(1000)]
    layer.commit(SPACE, [a_tx(*writes, conflicts=tuple(conflicts))])
    found = layer.open_conflicts(1000)
    assert {record.state_id for record, _ in found} == {f"plan-{n}" for n in range(1000)}
