"""Two processes step by step: deletion, another life, freezing, lost rights between a write's read and its commit."""

from __future__ import annotations

from functools import partial

import pytest

from state.refusals import (
    Conflicting,
    Frozen,
    NotPermitted,
    StateExists,
    StateNotFound,
)
from tests.states.build import (
    ADMIN,
    LENA,
    WES,
    WIM,
    at,
    refused,
)
from tests.states.stepping import Pair, Point, stopped


def test_a_delete_between_read_and_commit_leaves_nothing_to_update(pair: Pair) -> None:
    one, two = pair
    with stopped(one, "before_commit", lambda m: m.update_state(WIM, "plan", {"a": 1})) as call:
        two.manager.delete_state(LENA, "plan")
    assert isinstance(refused(call.result), StateNotFound)
    based = refused(lambda: one.manager.update_state(WIM, "plan", {"a": 1}, base=at(1)))
    assert based.extra["causes"][0]["kind"] == "deleted"


def test_a_delete_that_knows_its_version_does_not_take_a_later_one_along(pair: Pair) -> None:
    one, two = pair
    with stopped(one, "before_commit", lambda m: m.delete_state(LENA, "plan", base=at(1))) as call:
        two.manager.update_state(WES, "plan", {"a": 1})
    assert refused(call.result).extra["head_version"] == 2
    assert two.manager.get_state(LENA, "plan").data["a"] == 1


@pytest.mark.parametrize("by_uid", [True, False], ids=["with its uid", "by version only"])
def test_a_base_of_an_earlier_life_never_matches(pair: Pair, by_uid: bool) -> None:
    one, two = pair
    before = one.manager.get_state(WIM, "plan")
    base = at(1, uid=before.uid) if by_uid else at(1)
    with stopped(
        one, "before_commit", lambda m: m.update_state(WIM, "plan", {"a": 1}, base=base)
    ) as call:
        two.manager.delete_state(LENA, "plan")
        reborn = two.manager.create_state(LENA, "plan", data={"new": True})
    assert reborn.version == 3
    assert reborn.uid != before.uid
    assert refused(call.result).extra["causes"][0]["kind"] == "uid"
    stale = at(3, uid=before.uid)
    for write in (
        lambda: one.manager.update_state(WIM, "plan", {"a": 1}, base=stale),
        lambda: one.manager.delete_state(LENA, "plan", base=stale),
        lambda: one.manager.configure(LENA, "plan", {"name": "x"}, base=stale),
        lambda: one.manager.restore_version(LENA, "plan", 1, base=stale),
    ):
        assert isinstance(refused(write), Conflicting)
    assert two.manager.get_state(LENA, "plan").data == {"new": True}


def test_two_creators_of_one_id_make_one_state(pair: Pair) -> None:
    one, two = pair
    with stopped(
        one, "before_commit", lambda m: m.create_state(WIM, "new", data={"by": "wim"})
    ) as call:
        two.manager.create_state(WES, "new", data={"by": "wes"})
    assert isinstance(refused(call.result), StateExists)
    assert one.manager.get_state(LENA, "new").data == {"by": "wes"}


def test_a_freeze_between_read_and_commit_stops_the_write(pair: Pair) -> None:
    one, two = pair
    with stopped(one, "before_commit", lambda m: m.update_state(WIM, "plan", {"a": 1})) as call:
        two.manager.freeze(LENA, "plan")
    assert isinstance(refused(call.result), Frozen)


def test_a_right_that_is_taken_between_read_and_commit_is_gone(pair: Pair) -> None:
    one, two = pair
    with stopped(one, "before_commit", lambda m: m.update_state(WIM, "plan", {"a": 1})) as call:
        two.manager.configure(LENA, "plan", {"access_policy": {"read_allow": ["*"]}})
    assert isinstance(refused(call.result), NotPermitted)
    assert one.manager.get_state(WIM, "plan").data["a"] == 0


@pytest.mark.parametrize("point", ["after_read", "before_commit", "after_commit"])
def test_a_space_dropped_under_a_write_begins_anew_and_breaks_nothing(
    pair: Pair, point: Point
) -> None:
    one, two = pair
    epoch = two.manager.space(LENA).epoch
    with stopped(one, point, lambda m: m.update_state(WIM, "plan", {"a": 1})) as call:
        two.manager.drop_space(ADMIN)
    if point == "after_commit":
        assert call.result().version == 2
    else:
        assert isinstance(refused(call.result), StateNotFound)
    for each in pair:
        assert isinstance(refused(partial(each.manager.get_state, LENA, "plan")), StateNotFound)
    assert one.manager.create_state(LENA, "plan").version == 1
    assert two.manager.update_state(WIM, "plan", {"a": 2}).version == 2
    assert one.manager.space(LENA).epoch != epoch


def test_a_create_into_a_space_dropped_meanwhile_is_done_in_the_new_one(pair: Pair) -> None:
    one, two = pair
    with stopped(one, "before_commit", lambda m: m.create_state(LENA, "late")) as call:
        two.manager.drop_space(ADMIN)
    assert call.result().version == 1
    assert two.manager.get_state(LENA, "late").revision == 1
