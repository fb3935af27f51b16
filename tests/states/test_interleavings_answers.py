"""Answers that get lost, and twins of one request: a write is done once, and whoever asks again hears how it ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from state.manager import StateManager
from state.refusals import (
    OutcomeUnknown,
    StoreDown,
)
from state.values import (
    OperationStatus,
)
from tests.states.build import (
    LENA,
    SPACE,
    WES,
    WIM,
    at,
    put,
    refused,
    swap,
    until,
)
from tests.states.stepping import Pair, stopped


def setting(key: str) -> Callable[[StateManager], object]:
    return lambda manager: manager.update_state(WIM, "plan", {key: 1})


def unknown() -> OutcomeUnknown:
    return OutcomeUnknown(extra={"outcome_unknown": True})


def test_a_write_whose_answer_was_lost_is_found_again_by_its_op_id(pair: Pair) -> None:
    one, two = pair

    def write(manager: StateManager) -> object:
        return manager.update_state(WIM, "plan", {"a": 1}, base=at(1), op_id="op-1")

    one.fail("after_commit", unknown())
    assert isinstance(refused(one.start(write).result), OutcomeUnknown)
    two.manager.update_state(WES, "plan", {"a": 7})
    again = two.start(write).result()
    assert (again.replayed, again.version, again.revision) == (True, 2, 2)
    assert two.manager.get_state(LENA, "plan").data["a"] == 7, "it is not done twice"
    assert two.manager.operation(WIM, "op-1").status is OperationStatus.APPLIED


def test_a_write_that_never_arrived_is_done_when_it_is_repeated(pair: Pair) -> None:
    one, two = pair

    def write(manager: StateManager) -> object:
        return manager.update_state(WIM, "plan", {"a": 1}, op_id="op-1")

    one.fail("before_commit", StoreDown())
    assert isinstance(refused(one.start(write).result), StoreDown)
    assert two.manager.get_state(LENA, "plan").version == 1
    again = two.start(write).result()
    assert (again.replayed, again.version) == (False, 2)


def test_a_refusal_whose_answer_was_lost_is_refused_alike_although_it_would_fit_now(
    pair: Pair,
) -> None:
    one, two = pair
    two.manager.update_state(WES, "plan", {"a": 5})

    def write(manager: StateManager) -> object:
        return manager.update_state(WIM, "plan", [swap("/a", 1, expect=0)], op_id="op-1")

    one.fail("after_commit", unknown())
    assert isinstance(refused(one.start(write).result), OutcomeUnknown)
    two.manager.update_state(WES, "plan", {"a": 0})
    error = refused(two.start(write).result)
    assert (error.reason, error.status, error.extra["replayed"]) == ("conflict", 409, True)
    assert two.manager.get_state(LENA, "plan").data["a"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"consistency": "strong"},
        {"frozen": True},
        {"access_policy": {"read_allow": ["*"]}},
        {"consistency": "eventual"},
    ],
    ids=["strong", "frozen", "no right", "eventual"],
)
def test_a_repeated_op_id_is_answered_as_then_whatever_the_state_has_become(
    pair: Pair, change: dict[str, object]
) -> None:
    one, two = pair
    one.manager.update_state(WIM, "plan", {"a": 1}, op_id="op-1")
    two.manager.configure(LENA, "plan", change)
    again = two.manager.update_state(WIM, "plan", {"a": 1}, op_id="op-1")
    assert (again.replayed, again.version) == (True, 2)


def test_twins_of_one_request_in_two_processes_write_once(pair: Pair) -> None:
    one, two = pair

    def write(manager: StateManager) -> object:
        return manager.update_state(
            WIM, "plan", [put("/a", 1), put("/list/-", "once")], op_id="op-1"
        )

    with stopped(one, "before_commit", write) as call:
        first = two.start(write).result()
    second = call.result()
    assert (first.version, first.replayed, second.version, second.replayed) == (2, False, 2, True)
    assert two.manager.get_state(LENA, "plan").data["list"] == ["once"]


def test_of_a_failing_batch_only_those_hear_of_it_that_were_not_written(pair: Pair) -> None:
    """The one that carried the others out is not told of their misfortune, nor they of success."""
    one, two = pair
    busy = one.stop("after_commit")
    first = one.start(lambda m: m.update_state(WIM, "plan", {"a": 1}))
    busy.wait()
    rest = [one.start(setting(key)) for key in ("x", "y")]
    until(lambda: len(one.manager._lane(SPACE)._waiting) == 2)
    one.fail("before_commit", StoreDown())
    busy.go()
    assert first.result().version == 2
    assert all(isinstance(refused(each.result), StoreDown) for each in rest)
    assert two.manager.get_state(LENA, "plan").data == {"a": 1, "b": 0}
    assert one.manager.update_state(WIM, "plan", {"z": 1}).version == 3
    assert "x" not in two.manager.get_state(LENA, "plan").data, "what was refused is not done later"
