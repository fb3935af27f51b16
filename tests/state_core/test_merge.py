"""The laws of the three-way merge (shared-state 1.7) and its conflicts."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from state.jsonvalue import (
    MISSING,
    apply,
    diff,
    digest,
    get,
    json_equal,
    overlap,
)
from state.merge import (
    MergeConflict,
    merge,
    settle,
)
from state.values import OperationType
from tests.state_core.merging import NAMES, everywhere, one
from tests.state_core.strategies import SMALL, SMALL_DOCUMENTS

#: The same values under every strategy, fitting or not.
ANY_STRATEGY = st.sampled_from([None, *NAMES, "?set", "?counter"])
SIDES = (SMALL_DOCUMENTS, SMALL_DOCUMENTS, SMALL_DOCUMENTS)
VALUES_OR_NOTHING = st.one_of(st.just(MISSING), SMALL)


# -- laws -------------------------------------------------------------------------------------------------------------


@given(SMALL_DOCUMENTS, SMALL_DOCUMENTS, ANY_STRATEGY)
def test_what_only_one_side_changed_is_taken_whatever_the_strategy(
    base: Any, changed: Any, strategy: str | None
) -> None:
    for theirs, mine in ((changed, base), (base, changed)):
        merged = merge(base, theirs, mine, everywhere(strategy))
        assert json_equal(merged.result, changed)
        assert merged.conflicts == ()


@given(SMALL_DOCUMENTS, SMALL_DOCUMENTS, ANY_STRATEGY)
def test_what_both_made_alike_is_taken_except_from_counters_and_logs(
    base: Any, changed: Any, strategy: str | None
) -> None:
    assume(strategy not in ("counter", "append", "?counter"))
    merged = merge(base, changed, copy.deepcopy(changed), everywhere(strategy))
    assert json_equal(merged.result, changed)
    assert merged.conflicts == ()


def unordered(conflict: MergeConflict) -> tuple[str, str, str, frozenset[str]]:
    def text(value: Any) -> str:
        return "nothing" if value is MISSING else digest(value)

    sides = frozenset({text(conflict.theirs), text(conflict.mine)})
    return conflict.path, conflict.kind, text(conflict.base), sides


@given(*SIDES, ANY_STRATEGY)
def test_both_sides_see_the_same_conflicts(
    base: Any, theirs: Any, mine: Any, strategy: str | None
) -> None:
    strategy_of = everywhere(strategy)
    here, there = merge(base, theirs, mine, strategy_of), merge(base, mine, theirs, strategy_of)
    assert Counter(map(unordered, here.conflicts)) == Counter(map(unordered, there.conflicts))


@given(*SIDES, st.sampled_from([None, "atomic", "granular", "prefer_modify", "prefer_delete"]))
def test_every_change_of_either_side_is_in_the_result_or_in_a_conflict(
    base: Any, theirs: Any, mine: Any, strategy: str | None
) -> None:
    def strategy_of(tokens: tuple[str, ...]) -> str | None:
        return strategy if tokens else None

    merged = merge(base, theirs, mine, strategy_of)

    def disputed(path: str) -> bool:
        return any(path == each.path or overlap(path, each.path) for each in merged.conflicts)

    def is_kept(wanted: Any, path: str) -> bool:
        actual = get(merged.result, path)
        if json_equal(actual, wanted) or disputed(path):
            return True
        if not (isinstance(wanted, dict) and isinstance(actual, dict)):
            return False
        return all(is_kept(value, f"{path}/{key}") for key, value in wanted.items())

    for side, other in ((theirs, mine), (mine, theirs)):
        for change in diff(base, side):
            # The other side's deletion or change may have won, where the strategy says so.
            ruled = strategy in ("prefer_modify", "prefer_delete") and any(
                change.path == each.path or overlap(change.path, each.path)
                for each in diff(base, other)
                if OperationType.DELETE in (each.op, change.op)
            )
            assert ruled or is_kept(get(side, change.path), change.path)


@given(*SIDES, ANY_STRATEGY)
def test_a_merge_is_deterministic_and_changes_nothing_given(
    base: Any, theirs: Any, mine: Any, strategy: str | None
) -> None:
    kept = copy.deepcopy((base, theirs, mine))
    first = merge(base, theirs, mine, everywhere(strategy))
    assert (base, theirs, mine) == kept

    def shuffled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shuffled(value[key]) for key in reversed(value)}
        return [shuffled(each) for each in value] if isinstance(value, list) else value

    again = merge(shuffled(base), shuffled(theirs), shuffled(mine), everywhere(strategy))
    assert json_equal(again.result, first.result)
    assert again.conflicts == first.conflicts


@given(*SIDES, ANY_STRATEGY)
def test_each_path_is_in_conflict_once_and_the_result_has_theirs_there(
    base: Any, theirs: Any, mine: Any, strategy: str | None
) -> None:
    merged = merge(base, theirs, mine, everywhere(strategy))
    paths = [each.path for each in merged.conflicts]
    assert len(set(paths)) == len(paths)
    for each in merged.conflicts:
        if strategy != "map:id":  # there, elements move
            assert json_equal(get(merged.result, each.path), each.theirs)
    assert json_equal(apply(theirs, diff(theirs, merged.result)), merged.result)


@given(*SIDES)
def test_a_conflict_can_be_settled_either_way(base: Any, theirs: Any, mine: Any) -> None:
    merged = merge(base, theirs, mine)
    assert json_equal(settle(merged, lambda each: each.theirs), merged.result)
    ours = settle(merged, lambda each: each.mine)
    for each in merged.conflicts:
        assert json_equal(get(ours, each.path), each.mine)
    swapped = merge(base, mine, theirs)
    assert json_equal(ours, swapped.result)


@given(VALUES_OR_NOTHING, VALUES_OR_NOTHING, VALUES_OR_NOTHING, st.sampled_from(NAMES))
def test_no_strategy_fails_on_any_value(base: Any, theirs: Any, mine: Any, name: str) -> None:
    merge(base, theirs, mine, everywhere(name))


@given(*SIDES)
def test_documents_of_disjoint_changes_merge_cleanly(base: Any, theirs: Any, mine: Any) -> None:
    merged = merge({"t": base, "m": base}, {"t": theirs, "m": base}, {"t": base, "m": mine})
    assert json_equal(merged.result, {"t": theirs, "m": mine})
    assert merged.conflicts == ()


# -- kinds of conflict ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "theirs", "mine", "kind"),
    [
        (1, 2, 3, "both_changed"),
        (1, True, 0, "type_change"),
        (1, MISSING, 2, "delete_modify"),
        (1, 2, MISSING, "delete_modify"),
        (1, "a", [1], "type_change"),
        ([1], [1, 2], [1, 3], "both_changed"),
        ({"a": 1}, {"a": 2}, MISSING, "delete_modify"),
        ({"a": 1}, {"a": 2}, 5, "type_change"),
        (MISSING, "a", "b", "both_changed"),
    ],
)
def test_what_a_conflict_is_called(base: Any, theirs: Any, mine: Any, kind: str) -> None:
    assert one("", base, theirs, mine) == kind


def test_objects_that_both_made_anew_are_joined() -> None:
    merged = merge({}, {"n": {"a": 1, "s": 1}}, {"n": {"b": 2, "s": 1}})
    assert merged.result == {"n": {"a": 1, "b": 2, "s": 1}}
    assert merged.conflicts == ()


def test_conflicts_name_exactly_the_colliding_paths() -> None:
    base = {"plan": {"a": 1, "b": 2, "c": 3}, "x": 1}
    theirs = {"plan": {"a": 10, "b": 20, "c": 3}, "x": 1}
    mine = {"plan": {"a": 11, "b": 2, "c": 30}, "x": 5}
    merged = merge(base, theirs, mine)
    assert merged.conflicts == (
        MergeConflict(path="/plan/a", kind="both_changed", base=1, theirs=10, mine=11),
    )
    assert merged.result == {"plan": {"a": 10, "b": 20, "c": 30}, "x": 5}
