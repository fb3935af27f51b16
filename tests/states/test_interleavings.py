"""Two processes step by step (L3 of shared-state 4): what one does between any two steps of the other loses nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connections

from state.manager import Answer, Compare, StateManager
from state.manager.writer import OPTIMISTIC
from state.refusals import (
    Conflicting,
    TransactionRefused,
)
from state.values import (
    EventType,
    Operation,
    StateEvent,
)
from tests.states.build import (
    LENA,
    SPACE,
    WES,
    WIM,
    Office,
    at,
    put,
    refused,
    swap,
    until,
)
from tests.states.stepping import Call, Pair, Point, Session, stopped


def setting(key: str) -> Callable[[StateManager], object]:
    return lambda manager: manager.update_state(WIM, "plan", {key: 1})


# -- lost races ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", ["after_read", "before_commit"])
def test_who_loses_a_race_is_judged_again_on_what_the_winner_wrote(
    pair: Pair, point: Point
) -> None:
    one, two = pair
    with stopped(one, point, lambda m: m.update_state(WIM, "plan", {"a": 1})) as call:
        assert two.manager.update_state(WES, "plan", {"b": 2}).version == 2
    assert call.result().version == 3
    assert two.manager.get_state(LENA, "plan").data == {"a": 1, "b": 2}


@pytest.mark.parametrize("point", ["after_read", "before_commit"])
def test_who_loses_a_race_for_one_path_is_told(pair: Pair, point: Point) -> None:
    one, two = pair
    call: Call
    with stopped(one, point, lambda m: m.update_state(WIM, "plan", {"a": 1}, base=at(1))) as call:
        two.manager.update_state(WES, "plan", {"a": 2})
    error = refused(call.result)
    assert isinstance(error, Conflicting)
    assert error.extra["head_version"] == 2
    assert error.extra["causes"][0]["by"] == "agent:wes"
    assert two.manager.get_state(LENA, "plan").data["a"] == 2


def test_a_cas_that_was_true_when_read_is_judged_at_the_head(pair: Pair) -> None:
    one, two = pair
    take = swap("/lease", "one", expect_absent=True)
    with stopped(one, "before_commit", lambda m: m.update_state(WIM, "plan", [take])) as call:
        two.manager.update_state(WES, "plan", [swap("/lease", "two", expect_absent=True)])
    error = refused(call.result)
    assert error.extra["causes"][0]["kind"] == "cas_value"
    assert two.manager.get_state(LENA, "plan").data["lease"] == "two"


@pytest.mark.parametrize("point", ["after_read", "before_commit"])
def test_writes_that_share_a_commit_are_not_built_on_what_another_process_overtook(
    pair: Pair, point: Point
) -> None:
    """Else the second of them would find the version that it expects, with somebody else's data, and undo those."""
    one, two = pair
    busy = one.stop("after_commit")
    first = one.start(lambda m: m.create_state(LENA, "other"))
    busy.wait()
    stop = one.stop(point)
    calls = [one.start(setting(key)) for key in ("x", "y")]
    lane = one.manager._lane(SPACE)
    until(lambda: len(lane._waiting) == 2)
    busy.go()
    stop.wait()
    other = two.start(lambda m: m.update_state(WES, "plan", {"b": 2}))
    other._thread.join(0.2)
    stop.go()
    versions = {call.result().version for call in (*calls, other)}
    assert first.result().version == 1
    assert versions == {2, 3, 4}
    assert two.manager.get_state(LENA, "plan").data == {"a": 0, "b": 2, "x": 1, "y": 1}
    assert [each.version for each in two.manager.history(LENA, "plan")] == [4, 3, 2, 1]


def test_after_two_losses_the_state_is_held_and_the_write_gets_through(pair: Pair) -> None:
    one, two = pair
    stops = [one.stop("before_commit") for _ in range(OPTIMISTIC)]
    call = one.start(lambda m: m.update_state(WIM, "plan", {"a": 1}))
    for n, stop in enumerate(stops):
        stop.wait()
        two.manager.update_state(WES, "plan", {"b": n + 1})
        held = one.stop("before_commit") if stop is stops[-1] else None
        stop.go()
    assert held is not None
    held.wait()
    assert one.store.holds == 1
    third = two.start(lambda m: m.update_state(WES, "plan", {"b": 99}))
    third._thread.join(0.3)
    assert third.waits, "somebody wrote what is held"
    held.go()
    assert call.result().version == 2 + OPTIMISTIC
    assert third.result().version == 3 + OPTIMISTIC
    assert two.manager.get_state(LENA, "plan").data == {"a": 1, "b": 99}


def test_nothing_is_published_before_it_stands_also_when_it_was_held(office: Office) -> None:
    one = Session(office)
    one.manager.create_state(LENA, "plan", data={"n": 0}, merge_fallback="park")
    there: list[tuple[int, int]] = []

    def look(event: StateEvent) -> None:
        # Another thread's connection: it sees what is committed, and nothing else.
        there.append((event.version, office.layer.load_state(SPACE, "plan").version))
        connections.close_all()

    one.manager.bus.subscribe(EventType.STATE_UPDATED, look)
    one.manager.update_state(WIM, "plan", {"n": 1}, base=at(1))
    parked = one.manager.update_state(WES, "plan", {"n": 2}, base=at(1))
    assert parked.conflict is not None
    one.manager.resolve_conflict(LENA, parked.conflict["conflict_id"], Answer(value={"n": 12}))
    until(lambda: len(there) == 2)
    assert all(seen >= told for told, seen in there)
    assert one.store.holds == 1


# -- several states --------------------------------------------------------------------------------------------------


def test_write_skew_is_prevented(pair: Pair) -> None:
    """Each takes the other state's word for it; together they would break what both of them checked."""
    one, two = pair
    one.manager.create_state(LENA, "x", data={"on": True})
    one.manager.create_state(LENA, "y", data={"on": True})
    both = [Compare("x", 1), Compare("y", 1)]
    with stopped(
        one, "before_commit", lambda m: m.transact(WIM, both, {"x": [put("/on", False)]})
    ) as call:
        two.manager.transact(WES, both, {"y": [put("/on", False)]})
    error = refused(call.result)
    assert isinstance(error, TransactionRefused)
    assert error.extra["failed"] == [{"state": "y", "expected": 1, "version": 2}]
    assert one.manager.get_state(LENA, "x").data == {"on": True}


def test_a_state_that_a_transaction_finds_as_it_wants_it_is_guarded_too(pair: Pair) -> None:
    one, two = pair
    one.manager.create_state(LENA, "log", data={})
    ops: dict[str, list[Operation]] = {"plan": [put("/a", 0)], "log": [put("/said", "a is 0")]}
    with stopped(
        one, "before_commit", lambda m: m.transact(WIM, [Compare("plan", 1)], ops)
    ) as call:
        two.manager.update_state(WES, "plan", {"a": 1})
    assert isinstance(refused(call.result), TransactionRefused)
    assert one.manager.get_state(LENA, "log").data == {}


def test_a_transaction_overtaken_on_one_state_is_judged_anew_as_a_whole(pair: Pair) -> None:
    one, two = pair
    one.manager.create_state(LENA, "x", data={"n": 1})
    ops = {"x": [put("/n", 2)], "plan": [put("/a", 2)]}
    with stopped(one, "before_commit", lambda m: m.transact(WIM, [], ops)) as call:
        two.manager.update_state(WES, "plan", {"b": 9})
    done = call.result()
    assert {each.revision for each in done.results} == {done.revision}
    assert two.manager.get_state(LENA, "plan").data == {"a": 2, "b": 9}
    assert two.manager.get_state(LENA, "x").data == {"n": 2}
