"""Contract of every persistence layer: spaces, and states as they are read and listed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from state import jsonvalue
from state.persistence.base import PersistenceLayer
from state.refusals import StateNotFound
from state.values import (
    ConflictStatus,
    EntryKind,
    Filters,
    OperationType,
    SharedState,
    StateType,
    SyncStatus,
)
from tests.persistence.build import (
    NOON,
    SPACE,
    a_conflict,
    a_tx,
    a_write,
    an_audit,
    an_op,
    at,
    commit,
    essence,
    grow,
    put,
    some,
)

#: In the order of code points, which is neither that of any language nor of any file system.
IDS = [
    "*",
    "..",
    "A",
    "B",
    "Z|1",
    "_global",
    "a",
    "a b",
    "a/b",
    "a:b",
    "aa",
    "{a}",
    "ä",
    "港",
    "🚢",
]


# -- spaces -----------------------------------------------------------------------------------------------------------


def test_a_space_is_made_when_it_is_opened_and_found_afterwards(layer: PersistenceLayer) -> None:
    first = layer.open_space("Bay")
    assert (first.id, first.revision, first.compact_revision, first.audit) == ("Bay", 0, 0, 0)
    assert first.epoch
    put(layer, a_write(space="Bay"), space="Bay")
    again = layer.open_space("Bay")
    assert again == msgspec.structs.replace(first, revision=1)
    assert layer.open_space("Cove").epoch != first.epoch


def test_spaces_come_in_the_order_of_their_ids(layer: PersistenceLayer) -> None:
    layer.drop_space(SPACE)
    made = {space: layer.open_space(space) for space in random.Random(7).sample(IDS, len(IDS))}
    assert layer.spaces() == [made[space] for space in IDS]


def test_spaces_know_nothing_of_each_other(layer: PersistenceLayer) -> None:
    layer.open_space("Bay")
    put(layer, a_write("plan", {"of": "Bay"}, space="Bay"), space="Bay")
    put(layer, a_write("plan", {"of": "Harbour"}))
    assert layer.load_state("Bay", "plan").data == {"of": "Bay"}
    assert layer.load_state(SPACE, "plan").data == {"of": "Harbour"}
    assert [each.revision for each in layer.spaces()] == [1, 1]


def test_a_dropped_space_is_gone_with_everything_in_it(layer: PersistenceLayer) -> None:
    before = layer.open_space(SPACE)
    grow(layer, until=70)
    layer.enqueue(an_op("waits"))
    commit(layer, a_tx(op=an_op(settled=True), conflicts=(a_conflict(),), audit=(an_audit(),)))
    layer.drop_space(SPACE)
    layer.drop_space(SPACE)
    layer.drop_space("never there")
    assert layer.spaces() == []
    fresh = layer.open_space(SPACE)
    assert fresh == msgspec.structs.replace(before, epoch=fresh.epoch)
    assert fresh.epoch != before.epoch
    assert layer.load_states(SPACE, ["plan"]) == {}
    assert layer.history(SPACE, "plan", limit=9) == []
    assert layer.read_log(SPACE, after=0, limit=9).entries == ()
    assert layer.find_op(SPACE, "agent:wim", "op-1") is None
    assert layer.queued(SPACE) == []
    assert layer.conflicts(SPACE) == []
    assert layer.read_audit(SPACE, after=0, limit=9) == []
    assert put(layer, a_write()).revision == 1


# -- reading ----------------------------------------------------------------------------------------------------------


def test_every_field_of_a_state_is_kept(layer: PersistenceLayer) -> None:
    written = a_write().state
    blank = SharedState(id="", space="", uid="", timestamp=NOON, created_at=NOON + timedelta(9))
    unset = {
        field
        for field in SharedState.__struct_fields__
        if getattr(written, field) == getattr(blank, field)
    }
    assert unset == {
        *("revision", "deleted", "deleted_reason", "compacted_version"),
        *("last_sync", "sync_status", "pending_ops", "blame"),
    }, "the state of this test should differ from the defaults in all that is written"
    put(layer, a_write())
    found = layer.load_state(SPACE, "plan")
    assert essence(found) == essence(written)
    assert found.revision == 1
    assert found.compacted_version == 1


def test_states_are_loaded_together_tombstones_included_and_unknown_ones_left_out(
    layer: PersistenceLayer,
) -> None:
    put(layer, a_write("a"), a_write("b"), a_write("c"))
    put(layer, a_write("b", expect=1, kind=EntryKind.DELETE, deleted_reason="expired"))
    found = layer.load_states(SPACE, ["b", "x", "a", "a"])
    assert sorted(found) == ["a", "b"]
    assert found["a"].data == {"step": 1}
    tombstone = found["b"]
    assert (tombstone.data, tombstone.deleted, tombstone.version, tombstone.deleted_reason) == (
        {},
        True,
        2,
        "expired",
    )
    assert layer.load_state(SPACE, "b") == tombstone
    assert layer.load_states(SPACE, []) == {}
    with pytest.raises(StateNotFound):
        layer.load_state(SPACE, "x")


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"bottom": [[], {}, [{}], ""]}
    for _ in range(levels):
        value = {"down": [value]}
    return value


DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"": "", " ": None, "~/\\\"'": [], "a.b": {"": {"": []}}},
    {"数": "群星 ✨👩‍🚀", "\x7f\t\n\u2028\ufffe\U0010ffff": "\x01\x1f\r\n"},
    {"big": 2**63 - 1, "small": -(2**63), "odd": 9007199254740993, "tiny": 5e-324, "huge": 1.7e308},
    {"tenth": 0.1, "third": 1 / 3, "e": 1e21, "true": True, "one": 1, "zero": 0, "no": False},
    {"list": [[], [[]], [None, {}, {"a": []}], *range(50)]},
    deep(30),
    {"long": "x" * 600_000 + "é" * 100_000, **{f"key {n}": n for n in range(5_000)}},
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_documents_come_back_as_they_were(
    layer: PersistenceLayer, document: dict[str, Any]
) -> None:
    put(layer, a_write("plan", document, metadata={"copy": document}))
    found = layer.load_state(SPACE, "plan")
    assert jsonvalue.json_equal(found.data, document)
    assert jsonvalue.json_equal(found.metadata["copy"], document)
    assert jsonvalue.json_equal(layer.data_at(SPACE, "plan", 1), document)
    assert jsonvalue.json_equal(layer.history(SPACE, "plan", limit=1)[0].ops[0].value, document)


def test_any_id_names_its_own_state(layer: PersistenceLayer) -> None:
    for state_id in (*IDS, "x" * 200, "'; DROP TABLE state; --", "%", "a\\b"):
        layer.open_space(state_id)
        put(layer, a_write(state_id, {"id": state_id}, space=state_id), space=state_id)
        put(layer, a_write(f"{state_id}x", {}, space=state_id), space=state_id)
        assert layer.load_state(state_id, state_id).data == {"id": state_id}
        assert layer.data_at(state_id, state_id, 1) == {"id": state_id}
        page = layer.list_states(state_id, Filters(prefix=state_id), limit=5)
        assert [each.id for each in page.states] == [state_id, f"{state_id}x"]


def test_what_is_returned_or_handed_over_can_be_changed_without_harm(
    layer: PersistenceLayer,
) -> None:
    def inside() -> dict[str, Any]:
        return {"deep": {"list": [1]}}

    document, request = inside(), {"ops": [], **inside()}
    outcome: dict[str, Any] = {"status": 200, **inside()}
    settled = an_op(settled=True, outcome=outcome)
    audit = an_audit(metadata=inside())
    conflict = a_conflict(current=inside())
    result = commit(
        layer,
        a_tx(a_write("plan", document), op=settled, audit=(audit,), conflicts=(conflict,)),
    )
    queued = layer.enqueue(an_op("q", request=request))
    readers: list[Callable[[], Any]] = [
        lambda: layer.load_state(SPACE, "plan").data,
        lambda: layer.list_states(SPACE, Filters(), limit=9, with_data=True).states[0].data,
        lambda: layer.data_at(SPACE, "plan", 1),
        lambda: layer.history(SPACE, "plan", limit=9)[0].ops[0].value,
        lambda: layer.latest(SPACE, "plan", limit=9)[0].ops[0].value,
        lambda: layer.read_log(SPACE, after=0, limit=9).entries[0].ops[0].value,
        lambda: some(layer.find_op(SPACE, "agent:wim", "op-1")).outcome,
        lambda: layer.queued(SPACE)[0].request,
        lambda: some(layer.find_conflict(SPACE, "c-1")).current,
        lambda: layer.conflicts(SPACE)[0].current,
        lambda: layer.read_audit(SPACE, after=0, limit=9)[0].event.metadata,
    ]
    handed = [
        *(document, request, outcome, audit.event.metadata, conflict.current),
        *(result.states[0].data, result.entries[0].ops[0].value, queued.request),
        *(read() for read in readers),
    ]
    for value in handed:
        value["deep"]["list"].append("changed")
        value["deep"]["more"] = "changed"
    for read in readers:
        assert read()["deep"] == {"list": [1]}


# -- lists ------------------------------------------------------------------------------------------------------------


def ids_of(layer: PersistenceLayer, filters: Filters, limit: int = 100) -> list[str]:
    """Of all pages; each page tells the revision and keeps within the limit."""
    found: list[str] = []
    after = ""
    while True:
        page = layer.list_states(SPACE, filters, limit=limit, after=after)
        assert len(page.states) <= limit
        assert page.revision == layer.open_space(SPACE).revision
        found += [each.id for each in page.states]
        if not page.next:
            return found
        assert len(page.states) == limit, "a page before the last is full"
        assert page.next == found[-1]
        after = page.next


def test_pages_list_every_state_once_in_the_order_of_ids(layer: PersistenceLayer) -> None:
    put(layer, *(a_write(each) for each in random.Random(3).sample(IDS, len(IDS))))
    for limit in (1, 4, 5, len(IDS) - 1, len(IDS), 100):
        assert ids_of(layer, Filters(), limit) == IDS


def test_a_page_starts_after_any_id(layer: PersistenceLayer) -> None:
    put(layer, *(a_write(each) for each in ("a", "b", "c")))
    page = layer.list_states(SPACE, Filters(), limit=2, after="aa")
    assert [each.id for each in page.states] == ["b", "c"]
    assert page.next == ""
    assert layer.list_states(SPACE, Filters(), limit=2, after="c").states == ()


def test_an_empty_space_has_an_empty_page(layer: PersistenceLayer) -> None:
    page = layer.list_states(SPACE, Filters(), limit=5)
    assert (page.states, page.revision, page.next) == ((), 0, "")


def test_lists_have_data_only_when_asked(layer: PersistenceLayer) -> None:
    put(layer, a_write("plan", {"much": "x" * 100}))
    bare = layer.list_states(SPACE, Filters(), limit=5).states[0]
    full = layer.list_states(SPACE, Filters(), limit=5, with_data=True).states[0]
    assert bare.data == {}
    assert full == layer.load_state(SPACE, "plan")
    assert msgspec.structs.replace(full, data={}) == bare


CAST: dict[str, dict[str, Any]] = {
    "ann": {"type": StateType.SESSION, "owners": ("ann",), "tags": ("red",)},
    "anna": {"type": StateType.TASK, "owners": ("anna", "bo"), "tags": ("red", "dark red")},
    "bo": {"type": StateType.TASK, "owners": ("bo", 'a"b'), "tags": ("Red", "blue")},
    "a_b": {"type": StateType.AGENT, "owners": ("human:é",), "tags": ()},
    "a%b": {"type": StateType.GLOBAL, "owners": (), "tags": ("a%", "a_")},
    "axb": {"type": StateType.WORKFLOW, "owners": ("a%",), "tags": ("ax",)},
    "Ann": {"type": StateType.RESOURCE, "owners": ("Ann",), "tags": ("red",), "name": "Été 50%"},
}


FILTERS: list[tuple[Filters, set[str]]] = [
    (Filters(type=StateType.TASK), {"anna", "bo"}),
    (Filters(type=StateType.GLOBAL), {"a%b"}),
    (Filters(owners=("ann",)), {"ann"}),
    (Filters(owners=("ann", "bo")), {"ann", "anna", "bo"}),
    (Filters(owners=('a"b',)), {"bo"}),
    (Filters(owners=("human:é",)), {"a_b"}),
    (Filters(owners=("a%",)), {"axb"}),
    (Filters(owners=("nobody",)), set()),
    (Filters(tags=("red",)), {"ann", "anna", "Ann"}),
    (Filters(tags=("Red", "a_")), {"bo", "a%b"}),
    (Filters(prefix="ann"), {"ann", "anna"}),
    (Filters(prefix="a_"), {"a_b"}),
    (Filters(prefix="a%"), {"a%b"}),
    (Filters(prefix="A"), {"Ann"}),
    (Filters(text="ANN"), {"ann", "anna", "Ann"}),
    (Filters(text=" dark  anna"), {"anna"}),
    (Filters(text="été"), {"Ann"}),
    (Filters(text="50%"), {"Ann"}),
    (Filters(text="%"), {"a%b", "axb", "Ann"}),
    (Filters(text="red", type=StateType.TASK), {"anna", "bo"}),
    (Filters(text="red blue night"), set()),
    (Filters(updated_since=at(3.5)), {"a%b", "axb", "Ann"}),
    (Filters(deleted=True), {"gone", "gone too"}),
    (Filters(deleted=True, prefix="gone t"), {"gone too"}),
    (Filters(type=StateType.TASK, tags=("red",), owners=("bo",)), {"anna"}),
    (Filters(type=StateType.TASK, prefix="ann", updated_since=at(3.5)), set()),
]


def test_each_filter_finds_just_what_it_says(layer: PersistenceLayer) -> None:
    put(layer, a_write("gone"), a_write("gone too"))
    for minute, (state_id, fields) in enumerate(CAST.items()):
        put(layer, a_write(state_id, minute=minute, **fields))
    for state_id in ("gone", "gone too"):
        put(layer, a_write(state_id, expect=1, kind=EntryKind.DELETE, minute=2))
    for limit in (100, 1):
        found = [(filters, ids_of(layer, filters, limit)) for filters, _ in FILTERS]
        assert found == [(filters, sorted(expected)) for filters, expected in FILTERS]


def test_lists_tell_what_waits_for_a_state(layer: PersistenceLayer) -> None:
    put(layer, *(a_write(each) for each in ("calm", "failing", "parked", "settled", "waiting")))
    two = [{"op": "set", "path": "/a", "value": 7}, {"op": "delete", "path": "/b"}]
    layer.enqueue(an_op("w", state_id="waiting", request={"ops": two}))
    layer.note_retry(layer.enqueue(an_op("f", state_id="failing")), "the store was away")
    layer.enqueue(an_op("p", state_id="parked"))
    commit(
        layer,
        a_tx(
            conflicts=(
                a_conflict("c-1", state_id="parked"),
                a_conflict("c-2", state_id="settled", status=ConflictStatus.RESOLVED),
            )
        ),
    )
    page = layer.list_states(SPACE, Filters(), limit=9)
    assert {each.id: each.sync_status for each in page.states} == {
        "calm": SyncStatus.SYNCED,
        "failing": SyncStatus.ERROR,
        "parked": SyncStatus.CONFLICT,
        "settled": SyncStatus.SYNCED,
        "waiting": SyncStatus.PENDING,
    }
    pending = {each.id: each.pending_ops for each in page.states}
    assert [(op.id, op.type, op.key, op.value, op.agent_id) for op in pending["waiting"]] == [
        ("w", OperationType.SET, "/a", 7, "agent:wim"),
        ("w", OperationType.DELETE, "/b", None, "agent:wim"),
    ]
    assert [op.retry for op in pending["failing"]] == [1]
    assert pending["calm"] == ()
    for status, expected in (
        (SyncStatus.SYNCED, ["calm", "settled"]),
        (SyncStatus.PENDING, ["waiting"]),
        (SyncStatus.CONFLICT, ["parked"]),
        (SyncStatus.ERROR, ["failing"]),
        (SyncStatus.SYNCING, []),
    ):
        assert ids_of(layer, Filters(sync_status=status)) == expected
        assert ids_of(layer, Filters(sync_status=status), limit=1) == expected
