"""Contract of every persistence layer: what commits judge, number and keep."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from state.persistence.base import PersistenceLayer
from state.refusals import StateNotFound, VersionMismatch
from state.values import (
    Committed,
    EntryKind,
    Filters,
    Mismatch,
    Replayed,
    Transaction,
)
from tests.persistence.build import (
    SPACE,
    a_conflict,
    a_state,
    a_tx,
    a_write,
    an_audit,
    an_op,
    commit,
    grow,
    numbers,
    put,
    some,
    whole_log,
)


def nothing_written(layer: PersistenceLayer, before: Any) -> None:
    assert picture(layer) == before


def picture(layer: PersistenceLayer) -> Any:
    """Everything that a commit could change."""
    return (
        layer.open_space(SPACE),
        layer.list_states(SPACE, Filters(), limit=100, with_data=True),
        layer.list_states(SPACE, Filters(deleted=True), limit=100),
        whole_log(layer),
        layer.queued(SPACE),
        layer.conflicts(SPACE),
        layer.read_audit(SPACE, after=0, limit=100),
        layer.counts(),
        [layer.find_op(SPACE, "agent:wim", op_id) for op_id in ("op-1", "op-2", "op-3")],
    )


# -- numbers ----------------------------------------------------------------------------------------------------------


def test_revisions_and_versions_count_without_gaps(layer: PersistenceLayer) -> None:
    first = put(layer, a_write("a"))
    second = put(layer, a_write("b"))
    third = put(layer, a_write("a", expect=1))
    assert [first.revision, second.revision, third.revision] == [1, 2, 3]
    assert third.states == (layer.load_state(SPACE, "a"),)
    assert third.entries == tuple(layer.history(SPACE, "a", after=1, limit=9))
    assert (third.states[0].version, third.states[0].revision) == (2, 3)
    assert layer.open_space(SPACE).revision == 3


def test_a_transaction_has_one_revision_and_numbers_its_entries(layer: PersistenceLayer) -> None:
    put(layer, a_write("b"))
    done = put(layer, a_write("c"), a_write("a"), a_write("b", expect=1))
    assert done.revision == 2
    assert numbers(done.entries) == [(2, 0), (2, 1), (2, 2)]
    assert [each.state_id for each in done.entries] == ["c", "a", "b"]
    assert [(each.id, each.version, each.revision) for each in done.states] == [
        ("c", 1, 2),
        ("a", 1, 2),
        ("b", 2, 2),
    ]
    assert layer.read_log(SPACE, after=1, limit=9).entries == done.entries


def test_every_field_of_an_entry_is_kept(layer: PersistenceLayer) -> None:
    write = a_write()
    entry = msgspec.structs.replace(
        write.entry,
        config={"frozen": True},
        conflict={"conflict_id": "c", "type": "write_write", "paths": ["/a"]},
        overwrote=(),
    )
    put(layer, msgspec.structs.replace(write, entry=entry))
    assert layer.history(SPACE, "plan", limit=1) == [
        msgspec.structs.replace(entry, revision=1, seq=0)
    ]


def test_versions_continue_through_tombstones(layer: PersistenceLayer) -> None:
    grow(layer, until=3)
    put(layer, a_write(expect=3, kind=EntryKind.DELETE))
    reborn = put(
        layer, a_write(data={"again": 1}, expect=4, kind=EntryKind.CREATE, uid="another life")
    )
    assert (reborn.states[0].version, reborn.revision) == (5, 5)
    state = layer.load_state(SPACE, "plan")
    assert (state.uid, state.deleted, state.data) == ("another life", False, {"again": 1})
    kinds = [each.kind for each in layer.history(SPACE, "plan", limit=9)]
    assert kinds == ["create", "update", "update", "delete", "create"]


# -- refusals ---------------------------------------------------------------------------------------------------------


def test_a_mismatch_names_every_wrong_version_and_writes_nothing(layer: PersistenceLayer) -> None:
    put(layer, a_write("a"), a_write("b"), a_write("c"), a_write("gone"))
    put(layer, a_write("a", expect=1), a_write("gone", expect=1, kind=EntryKind.DELETE))
    before = picture(layer)
    refused = layer.commit(
        SPACE,
        [
            a_tx(
                a_write("a", expect=1),
                a_write("b", expect=1),
                a_write("new", expect=7),
                a_write("gone", expect=0),
                a_write("c", expect=0),
                checks={"b": 1, "d": 4, "plan": 0},
                op=an_op(settled=True),
                conflicts=(a_conflict(),),
                audit=(an_audit(),),
            )
        ],
    )
    assert refused == [Mismatch(versions={"a": 2, "new": 0, "gone": 2, "c": 1, "d": 0})]
    nothing_written(layer, before)


@pytest.mark.parametrize(
    ("checks", "wrong"),
    [
        ({"a": 2}, {}),
        ({"a": 2, "b": 1}, {}),
        ({"x": 0, "gone": 0}, {}),
        ({"a": 1}, {"a": 2}),
        ({"a": 3, "b": 1, "x": 1}, {"a": 2, "x": 0}),
        ({"b": 0}, {"b": 1}),
    ],
    ids=str,
)
@pytest.mark.parametrize("writes", [True, False], ids=["writing", "only comparing"])
def test_states_are_compared_without_being_written(
    layer: PersistenceLayer, checks: dict[str, int], wrong: dict[str, int], writes: bool
) -> None:
    grow(layer, "a", until=2)
    put(layer, a_write("b"), a_write("gone"))
    put(layer, a_write("gone", expect=1, kind=EntryKind.DELETE))
    written = (a_write("plan"),) if writes else ()
    result = layer.commit(SPACE, [Transaction(writes=written, checks=checks)])[0]
    if wrong:
        assert result == Mismatch(versions=wrong)
    else:
        assert isinstance(result, Committed)
        assert result.revision == (5 if writes else 0)
    assert layer.open_space(SPACE).revision == (5 if writes and not wrong else 4)
    assert layer.load_state(SPACE, "a").version == 2


def test_a_settled_op_is_replayed_whatever_the_versions_are(layer: PersistenceLayer) -> None:
    op = an_op(settled=True)
    commit(layer, a_tx(a_write(), op=op))
    before = picture(layer)
    # Another digest, and a state that has moved: the op_id is judged first.
    again = msgspec.structs.replace(op, digest="another", outcome={"status": 500})
    for tx in (a_tx(a_write(), op=again), a_tx(a_write(expect=1), op=again), a_tx(op=again)):
        result = layer.commit(SPACE, [tx])[0]
        assert isinstance(result, Replayed)
        assert result.op == layer.find_op(SPACE, "agent:wim", "op-1")
        assert (result.op.digest, result.op.outcome) == (op.digest, op.outcome)
    nothing_written(layer, before)


def test_op_ids_belong_to_their_agent_and_space(layer: PersistenceLayer) -> None:
    layer.open_space("Bay")
    commit(layer, a_tx(op=an_op(settled=True)))
    commit(layer, a_tx(op=an_op(settled=True, agent="agent:wes")))
    commit(layer, a_tx(op=an_op(settled=True, space="Bay")), space="Bay")
    assert some(layer.find_op(SPACE, "agent:wes", "op-1")).agent == "agent:wes"
    assert some(layer.find_op("Bay", "agent:wim", "op-1")).space == "Bay"
    assert layer.find_op("Bay", "agent:wes", "op-1") is None


# -- batches ----------------------------------------------------------------------------------------------------------


def test_what_fails_in_a_batch_fails_alone_and_later_ones_see_earlier_ones(
    layer: PersistenceLayer,
) -> None:
    results = layer.commit(
        SPACE,
        [
            a_tx(a_write("a"), op=an_op("op-1", settled=True), audit=(an_audit(1),)),
            a_tx(
                a_write("b"),
                a_write("a"),
                op=an_op("op-2", settled=True),
                audit=(an_audit(2),),
                conflicts=(a_conflict(),),
            ),
            a_tx(a_write("a", expect=1), checks={"b": 0}, audit=(an_audit(3),)),
            a_tx(a_write("b"), op=an_op("op-1", settled=True)),
            a_tx(a_write("b"), checks={"a": 2}, op=an_op("op-2", settled=True)),
            a_tx(a_write("b", expect=1, kind=EntryKind.DELETE)),
            a_tx(a_write("b", expect=2), checks={"a": 1}),
            a_tx(a_write("b", expect=2, kind=EntryKind.CREATE), checks={"a": 2, "b": 0}),
        ],
    )
    assert [type(each) for each in results] == [
        *(Committed, Mismatch, Committed, Replayed, Committed, Committed, Mismatch, Committed)
    ]
    assert results[1] == Mismatch(versions={"a": 1})
    assert results[6] == Mismatch(versions={"a": 2})
    revisions = [each.revision for each in results if isinstance(each, Committed)]
    assert revisions == [1, 2, 3, 4, 5]
    assert layer.open_space(SPACE).revision == 5
    assert numbers(whole_log(layer)) == [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0)]
    assert [each.n for each in layer.read_audit(SPACE, after=0, limit=9)] == [1, 2]
    assert layer.conflicts(SPACE) == []
    b = layer.load_state(SPACE, "b")
    assert (b.version, b.revision, b.deleted) == (3, 5, False)


def test_an_empty_batch_does_nothing(layer: PersistenceLayer) -> None:
    assert layer.commit(SPACE, []) == []
    assert layer.commit(SPACE, [Transaction()]) == [Committed()]
    assert layer.open_space(SPACE).revision == 0


def test_a_batch_larger_than_batch_size_is_one_commit(layer: PersistenceLayer) -> None:
    grow(layer, until=700)
    assert layer.load_state(SPACE, "plan").version == 700
    assert numbers(whole_log(layer)) == [(n, 0) for n in range(1, 701)]
    put(layer, *(a_write(f"s{n}") for n in range(600)))
    assert len(layer.load_states(SPACE, (f"s{n}" for n in range(600)))) == 600
    assert layer.open_space(SPACE).revision == 701


# -- the seed's calls -------------------------------------------------------------------------------------------------


def test_a_state_is_saved_updated_and_deleted_by_the_seeds_calls(layer: PersistenceLayer) -> None:
    saved = layer.save_state(a_state(data={"a": 1}))
    assert (saved.version, saved.revision) == (1, 1)
    assert saved == layer.load_state(SPACE, "plan")
    updated = layer.update_state(msgspec.structs.replace(saved, data={"a": 2}))
    assert (updated.version, updated.data) == (2, {"a": 2})
    with pytest.raises(VersionMismatch) as caught:
        layer.update_state(saved)
    assert caught.value.extra == {"current": 2}
    with pytest.raises(VersionMismatch):
        layer.save_state(a_state())
    with pytest.raises(VersionMismatch):
        layer.delete_state(SPACE, "plan", expect=1)
    with pytest.raises(StateNotFound):
        layer.delete_state(SPACE, "x")
    gone = layer.delete_state(SPACE, "plan")
    assert (gone.version, gone.deleted, gone.data) == (3, True, {})
    again = layer.save_state(a_state(data={"a": 3}), expect=3)
    assert (again.version, again.deleted) == (4, False)
