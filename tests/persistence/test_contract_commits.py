"""Contract of every persistence layer: what commits judge, number and keep; and the journal they settle."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from state.persistence.base import PersistenceLayer
from state.refusals import StateNotFound, VersionMismatch
from state.values import (
    AuditRecord,
    Committed,
    ConflictStatus,
    EntryKind,
    Filters,
    Mismatch,
    OperationStatus,
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
    at,
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


# -- the journal ------------------------------------------------------------------------------------------------------


def test_the_journal_keeps_the_order_of_arrival(layer: PersistenceLayer) -> None:
    kept = [
        layer.enqueue(an_op(op_id, state_id=state_id, agent=agent))
        for op_id, state_id, agent in (
            ("z", "b", "agent:wim"),
            ("y", "a", "agent:wes"),
            ("x", "b", "agent:wes"),
            ("w", "a", "agent:wim"),
        )
    ]
    order = [each.n for each in kept]
    assert order[0] > 0
    assert order == sorted(set(order))
    assert layer.queued(SPACE) == kept
    assert layer.queued(SPACE, limit=3) == kept[:3]
    assert layer.queued(SPACE, state_id="b") == [kept[0], kept[2]]
    assert layer.queued(SPACE, state_id="b", limit=1) == [kept[0]]
    assert layer.queued(SPACE, state_id="c") == []
    assert layer.find_op(SPACE, "agent:wes", "y") == kept[1]
    assert kept[1] == msgspec.structs.replace(
        an_op("y", state_id="a", agent="agent:wes"), n=kept[1].n
    )


def test_a_known_op_is_not_queued_again(layer: PersistenceLayer) -> None:
    first = layer.enqueue(an_op("op-1"))
    assert layer.enqueue(an_op("op-1", digest="another", state_id="b")) == first
    commit(layer, a_tx(op=an_op("op-2", settled=True)))
    settled = layer.enqueue(an_op("op-2"))
    assert settled == layer.find_op(SPACE, "agent:wim", "op-2")
    assert settled.status is OperationStatus.APPLIED
    assert layer.queued(SPACE) == [first]


def test_a_commit_settles_what_waited(layer: PersistenceLayer) -> None:
    queued = layer.enqueue(an_op("op-1"))
    layer.enqueue(an_op("op-2"))
    layer.note_retry(queued, "away")
    settling = msgspec.structs.replace(
        queued,
        status=OperationStatus.MERGED,
        request=None,
        outcome={"status": 200, "merged": True},
        done_at=at(9),
    )
    refused = layer.commit(SPACE, [a_tx(a_write(expect=5), op=settling)])
    assert refused == [Mismatch(versions={"plan": 0})]
    assert [each.op_id for each in layer.queued(SPACE)] == ["op-1", "op-2"], "it still waits"
    commit(layer, a_tx(a_write(), op=settling))
    assert [each.op_id for each in layer.queued(SPACE)] == ["op-2"]
    found = some(layer.find_op(SPACE, "agent:wim", "op-1"))
    assert (found.status, found.outcome, found.request, found.n, found.done_at) == (
        OperationStatus.MERGED,
        {"status": 200, "merged": True},
        None,
        queued.n,
        at(9),
    )
    assert layer.counts()["pending_operations"] == 1


def test_transient_failures_are_counted_without_losing_the_place(layer: PersistenceLayer) -> None:
    first, second = layer.enqueue(an_op("op-1")), layer.enqueue(an_op("op-2"))
    layer.note_retry(first, "away")
    layer.note_retry(first, "still away")
    assert layer.queued(SPACE) == [
        msgspec.structs.replace(first, retry=2, error="still away"),
        second,
    ]
    assert some(layer.find_op(SPACE, "agent:wim", "op-1")).retry == 2


def test_only_outcomes_settled_long_ago_are_forgotten(layer: PersistenceLayer) -> None:
    layer.enqueue(an_op("waits", at=at(-900)))
    for op_id, minute in (("old", 1.0), ("older", 0.0), ("young", 3.0)):
        commit(layer, a_tx(op=an_op(op_id, settled=True, done_at=at(minute))))
    assert layer.forget_ops(SPACE, before=at(2)) == 2
    assert layer.forget_ops(SPACE, before=at(2)) == 0
    found = {
        op_id: layer.find_op(SPACE, "agent:wim", op_id) is not None
        for op_id in ("waits", "old", "older", "young")
    }
    assert found == {"waits": True, "old": False, "older": False, "young": True}
    assert [each.op_id for each in layer.queued(SPACE)] == ["waits"]
    commit(layer, a_tx(a_write(), op=an_op("old", settled=True)))


# -- conflicts and audit ----------------------------------------------------------------------------------------------


def test_conflicts_are_kept_and_changed_by_commits(layer: PersistenceLayer) -> None:
    first, second, third = (
        a_conflict("c-1", created_at=at(1)),
        a_conflict("c-3", created_at=at(3), state_id="b"),
        a_conflict("c-2", created_at=at(2), base=None),
    )
    commit(layer, a_tx(conflicts=(first, second)))
    commit(layer, a_tx(conflicts=(third,)))
    assert layer.open_space(SPACE).revision == 0, "a conflict spends no revision"
    assert layer.conflicts(SPACE) == [second, third, first]
    assert layer.conflicts(SPACE, limit=2) == [second, third]
    settled = msgspec.structs.replace(
        first, status=ConflictStatus.RESOLVED, resolved_at=at(8), resolved_by="human:ada", version=3
    )
    commit(layer, a_tx(a_write(), conflicts=(settled,)))
    assert layer.find_conflict(SPACE, "c-1") == settled
    assert layer.find_conflict(SPACE, "c-2") == third
    assert layer.find_conflict(SPACE, "c-9") is None
    assert layer.conflicts(SPACE, status=ConflictStatus.OPEN) == [second, third]
    assert layer.conflicts(SPACE, status=ConflictStatus.RESOLVED) == [settled]
    assert layer.conflicts(SPACE, status=ConflictStatus.REJECTED) == []
    assert layer.conflicts(SPACE, state_id="b") == [second]
    assert layer.conflicts(SPACE, state_id="plan", status=ConflictStatus.OPEN) == [third]


def test_audit_records_are_numbered_without_spending_revisions(layer: PersistenceLayer) -> None:
    first = commit(layer, a_tx(audit=(an_audit(1), an_audit(2))))
    second = commit(layer, a_tx(a_write(), audit=(an_audit(3),)))
    assert (first.revision, second.revision) == (0, 1)
    assert [each.n for each in (*first.audit, *second.audit)] == [1, 2, 3]
    assert layer.open_space(SPACE).audit == 3
    layer.open_space("Bay")
    assert commit(layer, a_tx(audit=(an_audit(1, space="Bay"),)), space="Bay").audit[0].n == 1
    found = layer.read_audit(SPACE, after=0, limit=9)
    assert found == [*first.audit, *second.audit]
    assert [msgspec.structs.replace(bare(each), n=0) for each in found] == [
        an_audit(version) for version in (1, 2, 3)
    ]
    assert [each.n for each in layer.read_audit(SPACE, after=1, limit=1)] == [2]
    assert layer.read_audit(SPACE, after=3, limit=9) == []


def bare(record: AuditRecord) -> AuditRecord:
    """Without the id, which a store may give it with its number."""
    return msgspec.structs.replace(record, event=msgspec.structs.replace(record.event, id=""))


def test_gauges_count_states_operations_and_conflicts(layer: PersistenceLayer) -> None:
    layer.open_space("Bay")
    assert set(layer.counts().values()) == {0}
    put(layer, a_write("a"), a_write("b"), a_write("c"))
    put(layer, a_write("b", expect=1, kind=EntryKind.DELETE))
    put(layer, a_write("a", space="Bay"), space="Bay")
    layer.enqueue(an_op("op-1"))
    layer.enqueue(an_op("op-2", space="Bay"))
    commit(layer, a_tx(op=an_op("op-3", settled=True)))
    rejected = a_conflict("c-2", status=ConflictStatus.REJECTED)
    commit(layer, a_tx(conflicts=(a_conflict("c-1"), rejected)))
    here = {"total_states": 3, "active_states": 2, "pending_operations": 1, "open_conflicts": 1}
    assert layer.counts(SPACE) == here
    assert layer.counts() == {
        "total_states": 4,
        "active_states": 3,
        "pending_operations": 2,
        "open_conflicts": 1,
    }
