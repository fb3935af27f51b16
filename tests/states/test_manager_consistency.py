"""What the levels of consistency let a client observe (shared-state 1.4), and requests that come twice (1.3)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from state.bus import InMemoryEventBus
from state.manager import WriteResult, WriteStatus, journal
from state.refusals import (
    BaseRequired,
    Conflicting,
    FutureRevision,
    OperationNotFound,
    OpIdReuse,
    Stale,
    StoreDown,
)
from state.values import EventType, OperationStatus, OperationType
from tests.persistence.backends import at_once
from tests.states.build import LENA, SPACE, WES, WIM, Ear, Office, at, put, refused, swap, until

# -- strong, weak, eventual -------------------------------------------------------------------------------------------


def test_a_strong_state_wants_to_know_what_its_writer_saw(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", data={"a": 0}, consistency="strong")
    for call in (
        lambda: manager.update_state(WIM, "plan", {"a": 1}),
        lambda: manager.delete_state(LENA, "plan"),
        lambda: manager.transact(WIM, [], {"plan": [put("/a", 1)]}),
    ):
        error = refused(call)
        assert isinstance(error, BaseRequired)
        assert error.status == 428
    assert manager.get_state(WIM, "plan").version == 1
    assert manager.update_state(WIM, "plan", {"a": 1}, base=at(1)).version == 2


def test_a_strong_state_takes_a_write_that_depends_on_nothing_there(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", data={"a": 0}, consistency="strong")
    done = manager.update_state(WIM, "plan", {"a": 1}, base=at(1, blind=True))
    assert done.version == 2


def test_strong_with_reject_takes_no_base_but_the_present_one(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "p", data={"a": 0}, consistency="strong", resolution="reject")
    manager.update_state(WIM, "p", {"a": 1}, base=at(1))
    error = refused(lambda: manager.update_state(WES, "p", {"b": 1}, base=at(1)))
    assert (error.status, error.extra["causes"][0]["kind"]) == (409, "stale")


def test_a_weak_state_takes_a_write_that_names_no_base(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", data={"a": 0})
    manager.update_state(WIM, "plan", {"a": 1})
    assert manager.update_state(WES, "plan", {"a": 2}).version == 3


def test_preconditions_are_refused_under_the_status_of_where_they_stood(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", data={"a": 0, "b": 0})
    manager.update_state(WIM, "plan", {"a": 1})
    header, body = at(1, exact=True, header=True), at(1, exact=True)
    for base, kind, status in ((header, Stale, 412), (body, Conflicting, 409)):
        error = refused(partial(manager.update_state, WES, "plan", {"b": 1}, base=base))
        assert (type(error), error.status) == (kind, status)
        error = refused(partial(manager.delete_state, LENA, "plan", base=base))
        assert (type(error), error.status) == (kind, status)


def test_an_eventual_write_is_answered_when_it_is_journalled_and_told_of_later(
    office: Office,
) -> None:
    manager = office.manager(drains=False)
    manager.create_state(LENA, "plan", data={"a": 0}, consistency="eventual")
    queued = manager.update_state(WIM, "plan", {"a": 1}, op_id="op-1")
    assert (queued.status, queued.version, queued.changed) == (WriteStatus.QUEUED, 1, False)
    assert manager.operation(WIM, "op-1").status is OperationStatus.QUEUED
    assert manager.get_state(WIM, "plan").data == {"a": 0}
    manager.tick()
    told = manager.operation(WIM, "op-1")
    assert told.status is OperationStatus.APPLIED
    assert told.outcome is not None
    assert (told.outcome["version"], told.done_at is not None) == (2, True)
    assert manager.get_state(WIM, "plan").data == {"a": 1}


def test_the_journal_is_drained_soon_by_itself(office: Office) -> None:
    manager = office.manager(sync_interval=timedelta(hours=1))
    manager.create_state(LENA, "plan", data={"list": []}, consistency="eventual")
    for n in range(5):
        manager.update_state(WIM, "plan", [put("/list/-", n)])
    until(lambda: len(manager.get_state(WIM, "plan").data["list"]) == 5)
    assert manager.get_state(WIM, "plan").data["list"] == [0, 1, 2, 3, 4]
    until(lambda: manager.get_metrics().pending_operations == 0)


def test_queued_operations_are_shown_to_their_author_and_to_owners(quick: Office) -> None:
    manager = quick.manager(drains=False)
    manager.create_state(LENA, "plan", data={"a": 0}, consistency="eventual")
    manager.update_state(WIM, "plan", [put("/a", 1), put("/b", 2)], op_id="op-1")
    manager.update_state(WES, "plan", {"c": 3}, op_id="op-2")
    seen = {who.name: manager.get_state(who, "plan", with_status=True) for who in (WIM, WES, LENA)}
    assert {state.sync_status for state in seen.values()} == {"pending"}
    keys = {name: [op.key for op in state.pending_ops] for name, state in seen.items()}
    assert keys == {
        "agent:wim": ["/a", "/b"],
        "agent:wes": ["/c"],
        "agent:lena": ["/a", "/b", "/c"],
    }
    first = seen["agent:wim"].pending_ops[0]
    assert (first.id, first.type, first.value) == ("op-1", OperationType.SET, 1)
    manager.tick()
    state = manager.get_state(LENA, "plan", with_status=True)
    assert (state.sync_status, state.pending_ops) == ("synced", ())
    assert state.last_sync is not None


def test_a_queued_write_that_loses_becomes_a_conflict_that_is_told_and_never_silent(
    quick: Office,
) -> None:
    bus = InMemoryEventBus()
    ear = Ear(bus)
    manager = quick.manager(bus=bus, drains=False)
    manager.create_state(LENA, "plan", data={"a": 0}, consistency="eventual")
    manager.update_state(WIM, "plan", {"a": 1}, base=at(1), op_id="op-1")
    manager.update_state(WES, "plan", {"a": 2}, base=at(1), op_id="op-2")
    manager.tick()
    assert manager.operation(WIM, "op-1").status is OperationStatus.APPLIED
    lost = manager.operation(WES, "op-2")
    assert lost.status is OperationStatus.CONFLICT
    assert lost.outcome is not None
    assert lost.outcome["extra"]["causes"][0]["path"] == "/a"
    (event,) = ear.wait(EventType.CONFLICT_DETECTED)
    assert (event.agent_id, event.op_id, event.metadata["paths"]) == ("agent:wes", "op-2", ["/a"])


def test_an_explicit_precondition_is_not_put_off(quick: Office) -> None:
    manager = quick.manager(drains=False)
    manager.create_state(LENA, "plan", data={"a": 0}, consistency="eventual")
    done = manager.update_state(WIM, "plan", [swap("/a", 1, expect=0)])
    assert (done.status, done.version) == (WriteStatus.APPLIED, 2)
    with pytest.raises(Conflicting):
        manager.update_state(WES, "plan", {"a": 2}, base=at(1, exact=True))


def test_a_queued_operation_that_waited_for_a_day_is_not_carried_out(quick: Office) -> None:
    manager = quick.manager(drains=False)
    manager.create_state(LENA, "plan", data={"a": 0}, consistency="eventual")
    manager.update_state(WIM, "plan", {"a": 1}, op_id="op-1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "DAY", timedelta(seconds=-1))
        manager.tick()
    told = manager.operation(WIM, "op-1")
    assert told.status is OperationStatus.EXPIRED
    assert manager.get_state(LENA, "plan").version == 1


# -- reads --------------------------------------------------------------------------------------------------------


def test_a_read_waits_for_the_revision_that_it_must_not_be_older_than(office: Office) -> None:
    one, two = office.manager(), office.manager()
    one.create_state(LENA, "plan", data={"a": 0})

    def write() -> None:
        time.sleep(0.15)
        one.update_state(WIM, "plan", {"a": 1})

    read = partial(two.get_state, LENA, "plan", min_revision=2)
    state = at_once(read, write)[0]
    assert state is not None
    assert (state.revision, state.data) == (2, {"a": 1})


def test_a_revision_that_does_not_come_is_refused_with_the_head(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan")
    began = time.monotonic()
    error = refused(lambda: manager.get_state(LENA, "plan", min_revision=99))
    assert isinstance(error, FutureRevision)
    assert (error.status, error.extra) == (409, {"head": 1})
    assert 0.5 < time.monotonic() - began < 5


def test_every_process_reads_what_another_one_has_just_been_answered(office: Office) -> None:
    one, two = office.manager(), office.manager()
    one.create_state(LENA, "plan", data={"n": 0})
    for n in range(1, 6):
        writer, reader = (one, two) if n % 2 else (two, one)
        done = writer.update_state(WIM, "plan", {"n": n})
        state = reader.get_state(LENA, "plan")
        assert (state.version, state.data) == (done.version, {"n": n})


# -- the same request again -----------------------------------------------------------------------------------------


def test_every_kind_of_write_is_done_once_under_its_op_id(office: Office) -> None:
    manager = office.manager()
    calls: dict[str, Callable[[], WriteResult]] = {
        "create": lambda: manager.create_state(LENA, "plan", data={"a": [0]}, op_id="1"),
        "update": lambda: manager.update_state(LENA, "plan", [put("/a/-", 1)], op_id="2"),
        "configure": lambda: manager.configure(LENA, "plan", {"tags": ["t"]}, op_id="3"),
        "restore": lambda: manager.restore_version(LENA, "plan", 1, op_id="4"),
        "delete": lambda: manager.delete_state(LENA, "plan", op_id="5"),
    }
    for name, call in calls.items():
        first, again = call(), call()
        assert (first.replayed, again.replayed) == (False, True), name
        assert (again.version, again.revision) == (first.version, first.revision), name
        assert again.status is first.status
    assert manager.space(LENA).revision == 5


def test_a_transaction_is_done_once_under_its_op_id(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "x", data={"list": []})
    manager.create_state(LENA, "y", data={"list": []})
    ops = {"x": [put("/list/-", 1)], "y": [put("/list/-", 1)]}
    first = manager.transact(WIM, [], ops, op_id="t")
    manager.update_state(WIM, "y", {"more": 1})
    again = manager.transact(WIM, [], ops, op_id="t")
    assert (again.replayed, again.revision) == (True, first.revision)
    assert [each.version for each in again.results] == [2, 2]
    assert manager.get_state(LENA, "x").data == {"list": [1]}


def test_an_op_id_does_not_serve_two_requests(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", data={"a": 0})
    manager.update_state(WIM, "plan", {"a": 1}, op_id="op-1")
    for call in (
        lambda: manager.update_state(WIM, "plan", {"a": 2}, op_id="op-1"),
        lambda: manager.update_state(WIM, "plan", {"a": True}, op_id="op-1"),
        lambda: manager.update_state(WIM, "plan", {"a": 1}, base=at(1), op_id="op-1"),
    ):
        error = refused(call)
        assert isinstance(error, OpIdReuse)
        assert (error.status, error.reason) == (422, "op_id_reuse")
    assert manager.get_state(LENA, "plan").data == {"a": 1}
    assert manager.update_state(WES, "plan", {"a": 2}, op_id="op-1").version == 3, "another's own"


def test_a_refusal_is_recorded_so_that_no_queue_hangs_on_it(office: Office) -> None:
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"a": 1})

    def write() -> object:
        return manager.update_state(WIM, "plan", [swap("/a", 2, expect=0)], op_id="op-1")

    first = refused(write)
    assert manager.operation(WIM, "op-1").status is OperationStatus.CONFLICT
    manager.update_state(WES, "plan", {"a": 0})
    if office.backend.keeps:
        manager = office.restarted()
    again = refused(write)
    assert (again.reason, again.status, again.message) == (first.reason, 409, first.message)
    assert again.extra["conflict_id"] == first.extra["conflict_id"]
    assert manager.get_state(LENA, "plan").data == {"a": 0}


def test_what_may_be_otherwise_next_time_is_not_recorded(
    quick: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", data={"a": 0}, consistency="strong")

    def away(*_: object) -> None:
        raise StoreDown

    with monkeypatch.context() as broken:
        broken.setattr(quick.layer, "commit", away)
        with pytest.raises(StoreDown):
            manager.update_state(WIM, "plan", {"a": 1}, base=at(1), op_id="op-1")
    with pytest.raises(OperationNotFound):
        manager.operation(WIM, "op-1")
    assert manager.update_state(WIM, "plan", {"a": 1}, base=at(1), op_id="op-1").version == 2
    with pytest.raises(OperationNotFound):
        manager.operation(WES, "op-1")


def test_outcomes_are_known_after_a_restart(office: Office) -> None:
    if not office.backend.keeps:
        return
    manager = office.manager()
    manager.create_state(LENA, "plan", data={"a": 0})
    manager.update_state(WIM, "plan", {"a": 1}, op_id="op-1")
    manager = office.restarted()
    again = manager.update_state(WIM, "plan", {"a": 1}, op_id="op-1")
    assert (again.replayed, again.version, again.revision) == (True, 2, 2)
    assert manager.space(LENA).revision == 2
    assert office.layer.open_space(SPACE).revision == 2
