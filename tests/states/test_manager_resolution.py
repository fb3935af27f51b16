"""What becomes of a write that collides, by the resolution of its state, through the manager (shared-state 1.6)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from state.bus import InMemoryEventBus
from state.conflicts import ConflictDetector
from state.errors import StarsError
from state.manager import Answer, StateManager, WriteResult, WriteStatus
from state.refusals import (
    ConflictClosed,
    Conflicting,
    ConflictNotFound,
    Frozen,
    NotPermitted,
    Unprocessable,
    Unresolved,
)
from state.values import (
    Cause,
    ConflictInfo,
    ConflictResolution,
    ConflictStatus,
    ConflictType,
    EventType,
    Incoming,
    SharedState,
)
from tests.states.build import (
    ADMIN,
    CY,
    LENA,
    SPACE,
    WES,
    WIM,
    Clock,
    Ear,
    Office,
    at,
    drop,
    put,
    refused,
    swap,
)

BASE = {"a": 0, "b": 0, "list": [1], "n": 10}


def collide(manager: StateManager, **given: Any) -> WriteResult:
    """Wim and Wes have both seen version 1; Wim is first."""
    manager.create_state(LENA, "plan", data=BASE, **given)
    manager.update_state(WIM, "plan", {"a": "wim", "b": 1}, base=at(1))
    return manager.update_state(WES, "plan", {"a": "wes", "c": 1}, base=at(1), op_id="late")


# -- reject, last_write, merge ----------------------------------------------------------------------------------------


def test_reject_writes_nothing_and_tells_all_that_is_needed_to_try_again(quick: Office) -> None:
    manager = quick.manager()
    error = refused(lambda: collide(manager, resolution="reject"))
    assert isinstance(error, Conflicting)
    told = error.extra
    assert (told["base_version"], told["head_version"], told["resolution"]) == (1, 2, "reject")
    (cause,) = told["causes"]
    assert {key: cause[key] for key in ("path", "base", "theirs", "mine", "by", "version")} == {
        "path": "/a",
        "base": 0,
        "theirs": "wim",
        "mine": "wes",
        "by": "agent:wim",
        "version": 2,
    }
    head = manager.get_state(LENA, "plan")
    assert (told["current"], head.version, "c" in head.data) == (head.data, 2, False)
    done = manager.update_state(WES, "plan", {"a": "wes"}, base=at(told["head_version"]))
    assert done.version == 3


def test_last_write_is_applied_and_keeps_what_it_overwrote(quick: Office) -> None:
    manager = quick.manager()
    done = collide(manager, resolution="last_write")
    assert done.conflict is not None
    assert done.conflict["resolution"] == "last_write"
    (lost,) = done.conflict["overwrote"]
    assert (lost["path"], lost["value"], lost["by"], lost["version"]) == (
        "/a",
        "wim",
        "agent:wim",
        2,
    )
    assert manager.get_state(LENA, "plan").data == {**BASE, "a": "wes", "b": 1, "c": 1}
    entry = manager.history(LENA, "plan")[0]
    assert [(each.path, each.value) for each in entry.overwrote] == [("/a", "wim")]


@pytest.mark.parametrize(("fallback", "value"), [("ours", "wes"), ("theirs", "wim")])
def test_merge_settles_what_it_cannot_merge_by_its_fallback(
    quick: Office, fallback: str, value: str
) -> None:
    manager = quick.manager()
    done = collide(manager, merge_fallback=fallback)
    assert (done.status, done.merged) == (WriteStatus.MERGED, True)
    assert manager.get_state(LENA, "plan").data == {**BASE, "a": value, "b": 1, "c": 1}


def test_merge_rejects_by_default_what_it_cannot_merge(quick: Office) -> None:
    error = refused(lambda: collide(quick.manager()))
    assert [cause["path"] for cause in error.extra["causes"]] == ["/a"]


def test_merge_strategies_of_the_schema_keep_both(quick: Office) -> None:
    schema = {
        "properties": {
            "n": {"x-stars-merge": "counter"},
            "list": {"x-stars-merge": "append"},
            "tags": {"x-stars-merge": "set"},
        }
    }
    manager = quick.manager()
    manager.create_state(LENA, "p", data={"n": 10, "list": [1], "tags": ["x"]}, schema=schema)
    manager.update_state(WIM, "p", {"n": 11, "list": [1, "wim"], "tags": ["x", "w"]}, base=at(1))
    done = manager.update_state(WES, "p", {"n": 8, "list": [1, "wes"], "tags": ["e"]}, base=at(1))
    assert done.merged
    data = manager.get_state(LENA, "p").data
    assert data == {"n": 9, "list": [1, "wim", "wes"], "tags": ["w", "e"]}


def test_what_a_write_was_based_on_is_checked_where_it_says_so(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", data=BASE)
    manager.update_state(WIM, "plan", {"a": 1}, base=at(1))
    error = refused(lambda: manager.update_state(WES, "plan", {"b": 2}, base=at(1), reads=("/a",)))
    assert error.extra["conflict_type"] == "read_write"
    error = refused(lambda: manager.update_state(WES, "plan", {"b": 2}, base=at(1), reads="auto"))
    assert error.extra["conflict_type"] == "read_write"
    assert manager.update_state(WES, "plan", {"b": 2}, base=at(1), reads=("/n",)).version == 3


def test_writes_of_ones_own_that_are_under_way_do_not_count_against_one(quick: Office) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", data=BASE)
    manager.update_state(WIM, "plan", {"a": 1}, base=at(1), op_id="one")
    done = manager.update_state(WIM, "plan", {"a": 2}, base=at(1), after=("one",), op_id="two")
    assert (done.version, done.conflict) == (3, None)
    with pytest.raises(Conflicting):
        manager.update_state(WES, "plan", {"a": 3}, base=at(1), after=("one", "two"))


def test_no_resolution_goes_over_a_precondition(quick: Office) -> None:
    manager = quick.manager()
    for resolution in ("last_write", "merge", "custom"):
        state_id = f"p-{resolution}"
        manager.create_state(
            LENA, state_id, data=BASE, resolution=resolution, resolver="park", merge_fallback="ours"
        )
        manager.update_state(WIM, state_id, {"a": 1})
        with pytest.raises(Conflicting):
            manager.update_state(WES, state_id, [swap("/a", 2, expect=0)])
        with pytest.raises(Conflicting):
            manager.update_state(WES, state_id, {"b": 2}, base=at(1, exact=True))
        assert manager.get_state(LENA, state_id).version == 2


def test_a_request_may_ask_for_a_stricter_resolution_and_for_a_looser_one_where_allowed(
    quick: Office,
) -> None:
    manager = quick.manager()
    manager.create_state(LENA, "plan", data=BASE, merge_fallback="ours")
    manager.update_state(WIM, "plan", {"a": 1}, base=at(1))
    loose, strict = ConflictResolution.LAST_WRITE, ConflictResolution.REJECT
    with pytest.raises(Conflicting):
        manager.update_state(WES, "plan", {"a": 2}, base=at(1), resolution=strict)
    with pytest.raises(Unprocessable):
        manager.update_state(WES, "plan", {"a": 2}, base=at(1), resolution=loose)
    manager.configure(LENA, "plan", {"allow_override": True})
    done = manager.update_state(WES, "plan", {"a": 2}, base=at(1), resolution=loose)
    assert done.conflict is not None
    assert done.conflict["resolution"] == "last_write"


def test_a_document_that_the_schema_forbids_is_the_writers_error_and_after_a_race_a_conflict(
    quick: Office,
) -> None:
    manager = quick.manager()
    schema = {"properties": {"x": {"maximum": 10}}, "maxProperties": 2}
    manager.create_state(LENA, "plan", data={"x": 1}, schema=schema)
    error = refused(lambda: manager.update_state(WIM, "plan", {"x": 11}))
    assert (error.status, error.reason) == (422, "invalid")
    manager.update_state(WIM, "plan", {"y": 1})
    error = refused(lambda: manager.update_state(WES, "plan", {"z": 1}, base=at(1)))
    assert (error.status, error.extra["conflict_type"]) == (409, "schema")
    assert manager.get_state(LENA, "plan").data == {"x": 1, "y": 1}


# -- custom -----------------------------------------------------------------------------------------------------------


def longer(conflict: ConflictInfo) -> dict[str, Any] | None:
    mine, theirs = conflict.states["incoming"].data, conflict.states["current"].data
    if mine["a"] == "give up":
        return None
    return {**theirs, **mine, "a": max(mine["a"], theirs["a"], key=len)}


def test_a_resolver_of_ones_own_settles_and_its_answer_must_fit(quick: Office) -> None:
    detector = ConflictDetector()
    detector.add_resolver("longer", longer)
    manager = quick.manager(detector=detector)
    schema = {"properties": {"a": {"maxLength": 8}}}
    manager.create_state(
        LENA, "p", data={"a": ""}, resolution="custom", resolver="longer", schema=schema
    )
    manager.update_state(WIM, "p", {"a": "wim"}, base=at(1))
    done = manager.update_state(WES, "p", {"a": "longer"}, base=at(1))
    assert done.conflict is not None
    assert done.conflict["resolution"] == "custom"
    assert manager.get_state(LENA, "p").data == {"a": "longer"}
    with pytest.raises(Unresolved):
        manager.update_state(WES, "p", {"a": "give up"}, base=at(1))
    manager.configure(LENA, "p", {"resolver": "nobody"})
    with pytest.raises(Unresolved):
        manager.update_state(WES, "p", {"a": "x"}, base=at(1))
    assert manager.get_state(LENA, "p").data == {"a": "longer"}


def test_a_resolver_that_fails_writes_nothing(quick: Office) -> None:
    detector = ConflictDetector()

    def broken(conflict: ConflictInfo) -> dict[str, Any] | None:
        raise KeyError("no")

    detector.add_resolver("broken", broken)
    manager = quick.manager(detector=detector)
    error = refused(lambda: collide(manager, resolution="custom", resolver="broken"))
    assert (type(error), error.status) == (StarsError, 500)
    assert manager.get_state(LENA, "plan").version == 2


def test_a_rule_of_ones_own_finds_conflicts(quick: Office) -> None:
    def no_friday(incoming: Incoming, current: SharedState) -> ConflictInfo | None:
        if not any(op.value == "friday" for op in incoming.ops):
            return None
        cause = Cause(type=ConflictType.CUSTOM, kind="friday", path="/day")
        return ConflictInfo(
            conflict_id="", type=ConflictType.CUSTOM, description="Not on Fridays.", causes=(cause,)
        )

    detector = ConflictDetector()
    detector.add_rule(no_friday, "no friday")
    manager = quick.manager(detector=detector)
    manager.create_state(LENA, "plan", data={})
    assert manager.update_state(WIM, "plan", {"day": "monday"}).version == 2
    error = refused(lambda: manager.update_state(WIM, "plan", {"day": "friday"}))
    assert error.extra["conflict_type"] == "custom"
    assert error.extra["causes"][0]["kind"] == "friday"


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
    assert manager.conflict(LENA, found).status is ConflictStatus.REJECTED


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
