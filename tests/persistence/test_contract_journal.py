"""Contract of every persistence layer: the journal that commits settle, conflicts, audit trail and gauges."""

from __future__ import annotations

import msgspec

from state.persistence.base import PersistenceLayer
from state.values import AuditRecord, ConflictStatus, EntryKind, Mismatch, OperationStatus
from tests.persistence.build import (
    SPACE,
    a_conflict,
    a_tx,
    a_write,
    an_audit,
    an_op,
    at,
    commit,
    put,
    some,
)

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
