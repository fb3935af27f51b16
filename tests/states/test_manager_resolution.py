"""What becomes of a write that collides, by the resolution of its state, through the manager (shared-state 1.6)."""

from __future__ import annotations

from typing import Any

import pytest

from state.conflicts import ConflictDetector
from state.errors import StarsError
from state.manager import WriteStatus
from state.refusals import (
    Conflicting,
    Unprocessable,
    Unresolved,
)
from state.values import (
    Cause,
    ConflictInfo,
    ConflictResolution,
    ConflictType,
    Incoming,
    SharedState,
)
from tests.states.build import (
    BASE,
    LENA,
    WES,
    WIM,
    Office,
    at,
    collide,
    refused,
    swap,
)

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
