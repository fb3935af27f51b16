"""Conflicts that wait for somebody: what they keep, who settles them and how, how they end (shared-state 1.6)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from state.bus import InMemoryEventBus
from state.manager import Answer, StateManager, WriteStatus
from state.refusals import (
    ConflictClosed,
    ConflictNotFound,
    Frozen,
    NotPermitted,
)
from state.values import (
    ConflictStatus,
    EventType,
)
from tests.states.build import (
    ADMIN,
    BASE,
    CY,
    LENA,
    SPACE,
    WES,
    WIM,
    Clock,
    Ear,
    Office,
    at,
    collide,
    drop,
    put,
    refused,
)

# -- parked -----------------------------------------------------------------------------------------------------------


def parked(manager: StateManager, **given: Any) -> str:
    """The id of a conflict about /a that the leader is asked about."""
    done = collide(
        manager,
        **{"resolution": "custom", "resolver": "role:leader", "owners": ["human:ada"], **given},
    )
    assert done.status is WriteStatus.PARKED
    assert (done.version, done.changed) == (2, False)
    assert done.conflict is not None
    return str(done.conflict["conflict_id"])


def test_a_parked_conflict_keeps_all_three_documents_and_shows_in_the_inbox(office: Office) -> None:
    manager = office.manager()
    found = parked(manager)
    (record,) = manager.conflicts(LENA)
    assert record == manager.conflict(LENA, found)
    assert (record.resolver, record.agent, record.op_id) == ("role:leader", "agent:wes", "late")
    assert (record.base_version, record.head_version, record.paths) == (1, 2, ("/a",))
    assert record.base == BASE
    assert record.current == {**BASE, "a": "wim", "b": 1}
    assert record.incoming == {**BASE, "a": "wes", "c": 1}
    state = manager.get_state(LENA, "plan", with_status=True)
    assert (state.sync_status, state.version) == ("conflict", 2)
    assert manager.conflicts(CY) == []
    with pytest.raises(ConflictNotFound):
        manager.conflict(CY, found)


def test_the_same_request_again_is_the_same_conflict(office: Office) -> None:
    manager = office.manager()
    found = parked(manager)
    again = manager.update_state(WES, "plan", {"a": "wes", "c": 1}, base=at(1), op_id="late")
    assert (again.status, again.replayed) == (WriteStatus.PARKED, True)
    assert again.conflict is not None
    assert again.conflict["conflict_id"] == found
    assert len(manager.conflicts(LENA)) == 1


RESOLVED = {**BASE, "b": 1}


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        (Answer(picks={"/a": "mine"}), {**RESOLVED, "a": "wes", "c": 1}),
        (Answer(picks={"/a": "theirs"}), {**RESOLVED, "a": "wim", "c": 1}),
        (Answer(ops=(put("/a", "both"), drop("/list"))), {"a": "both", "b": 1, "n": 10}),
        (Answer(value={"whole": True}), {"whole": True}),
    ],
    ids=["mine", "theirs", "operations", "document"],
)
def test_a_parked_conflict_is_settled_by_picks_operations_or_a_document(
    office: Office, answer: Answer, data: dict[str, Any]
) -> None:
    manager = office.manager()
    found = parked(manager)
    done = manager.resolve_conflict(LENA, found, answer, expected_head=2)
    assert done.version == 3
    assert manager.get_state(LENA, "plan").data == data
    record = manager.conflict(LENA, found)
    assert (record.status, record.resolved_by, record.version) == ("resolved", "agent:lena", 3)
    assert manager.conflicts(LENA) == []
    assert [each.conflict_id for each in manager.conflicts(LENA, status=None)] == [found]
    error = refused(lambda: manager.resolve_conflict(LENA, found, answer))
    assert isinstance(error, ConflictClosed)
    assert error.extra["resolved_by"] == "agent:lena"


def test_a_dismissed_conflict_writes_nothing(quick: Office) -> None:
    manager = quick.manager()
    found = parked(manager)
    assert not manager.resolve_conflict(LENA, found, Answer(dismiss=True)).changed
    assert manager.conflict(LENA, found).status is ConflictStatus.REJECTED
    assert manager.get_state(LENA, "plan").version == 2


def test_only_who_is_asked_and_admins_settle(quick: Office) -> None:
    manager = quick.manager()
    found = parked(manager)
    for who in (WIM, WES):
        with pytest.raises(NotPermitted):
            manager.resolve_conflict(who, found, Answer(dismiss=True))
    with pytest.raises(ConflictNotFound):
        manager.resolve_conflict(CY, found, Answer(dismiss=True))
    record = manager.conflict(LENA, found)
    may = [manager.may_resolve(who, record) for who in (LENA, WIM, ADMIN)]
    assert may == [True, False, True]
    manager.resolve_conflict(ADMIN, found, Answer(dismiss=True))


def test_an_answer_is_checked_like_any_write(quick: Office) -> None:
    manager = quick.manager()
    found = parked(manager)
    bad: list[tuple[Answer, int]] = [
        (Answer(), 400),
        (Answer(dismiss=True, value={}), 400),
        (Answer(picks={}), 400),
        (Answer(picks={"/a": "mine", "/b": "mine"}), 400),
        (Answer(value={"a": float("nan")}), 422),
        (Answer(ops=(put("/a/x", 1),)), 422),
    ]
    for answer, status in bad:
        error = refused(partial(manager.resolve_conflict, LENA, found, answer))
        assert error.status == status, answer
    manager.freeze(ADMIN, "plan")
    with pytest.raises(Frozen):
        manager.resolve_conflict(LENA, found, Answer(value={}))
    assert manager.conflict(LENA, found).status is ConflictStatus.OPEN


def test_a_conflict_of_a_state_that_is_gone_is_closed_without_a_write(quick: Office) -> None:
    manager = quick.manager()
    found = parked(manager)
    manager.delete_state(ADMIN, "plan")
    manager.create_state(LENA, "plan", data={"new": 1})
    assert not manager.resolve_conflict(ADMIN, found, Answer(value={"old": 1})).changed
    assert manager.get_state(LENA, "plan").data == {"new": 1}
    assert manager.conflict(ADMIN, found).status is ConflictStatus.REJECTED


def test_a_conflict_that_nobody_settles_is_rejected_after_a_day(quick: Office) -> None:
    clock, bus = Clock(), InMemoryEventBus()
    ear = Ear(bus)
    manager = quick.manager(clock=clock, bus=bus)
    found = parked(manager, state_type=None)
    clock.go(hours=23)
    assert manager.sweep()["conflicts"] == 0
    clock.go(hours=2)
    assert manager.sweep()["conflicts"] == 1
    assert manager.sweep()["conflicts"] == 0
    record = quick.layer.find_conflict(SPACE, found)
    assert record is not None
    assert (record.status, record.resolved_by) == (ConflictStatus.REJECTED, "system")
    (event,) = ear.wait(EventType.CONFLICT_RESOLVED)
    assert (event.metadata["reason"], event.metadata["status"]) == ("expired", "rejected")


def test_a_settlement_is_done_once_under_its_op_id(office: Office) -> None:
    manager = office.manager()
    found = parked(manager)
    answer = Answer(picks={"/a": "mine"})
    first = manager.resolve_conflict(LENA, found, answer, op_id="r")
    again = manager.resolve_conflict(LENA, found, answer, op_id="r")
    assert (first.replayed, again.replayed, again.version) == (False, True, first.version)
