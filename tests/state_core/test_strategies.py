"""What each merge strategy does with values that suit it, and with others."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.jsonvalue import MAX_INT, MISSING, json_equal
from state.merge import STRATEGIES, effective, is_commuting, is_known, merge, settle, suits
from tests.state_core.merging import NAMES, everywhere, one, under


def test_an_atomic_object_is_not_joined() -> None:
    assert one("atomic", {"a": 1}, {"a": 2}, {"a": 1, "b": 1}) == "both_changed"


NUMBERS = st.integers(-1000, 1000)


@given(NUMBERS, st.lists(NUMBERS, min_size=2, max_size=6))
def test_a_counter_loses_no_increment_even_when_all_add_the_same(
    start: int, adds: list[int]
) -> None:
    head = start
    for added in adds:
        head = one("counter", start, head, start + added)
    assert head == start + sum(adds)


@given(NUMBERS, NUMBERS)
def test_a_counter_that_two_begin_has_both_counts(one_count: int, other: int) -> None:
    assert one("counter", MISSING, one_count, other) == one_count + other


def test_a_counter_stays_within_the_domain() -> None:
    assert one("counter", 0, MAX_INT, 1) == "both_changed"
    assert one("counter", 0, 1e308, 1.7e308) == "both_changed"
    assert one("counter", 0.5, 1.5, 2) == 3.0


TAGS = st.lists(
    st.sampled_from(["a", "b", "c", 1, 1.5, True, None]), unique_by=lambda x: (type(x), x)
)


@given(TAGS, TAGS, TAGS)
def test_a_set_has_all_that_was_added_and_nothing_that_was_removed(
    base: Any, theirs: Any, mine: Any
) -> None:
    def keys(values: list[Any]) -> set[tuple[bool, Any]]:
        return {(isinstance(each, bool), each) for each in values}

    result = one("set", base, theirs, mine)
    b, t, m = keys(base), keys(theirs), keys(mine)
    assert keys(result) == (t - b) | (m - b) | (t & m)
    assert len(keys(result)) == len(result)
    positions = [theirs.index(each) for each in result if (isinstance(each, bool), each) in t]
    if not (json_equal(base, theirs) or True in theirs):
        assert positions == sorted(positions)


def test_a_set_keeps_their_order_and_adds_mine_behind() -> None:
    assert one("set", ["x", "y"], ["n", "y", "x"], ["m", "x"]) == ["n", "x", "m"]


@given(st.lists(NUMBERS), st.lists(NUMBERS), st.lists(NUMBERS))
def test_a_log_has_every_appended_element(base: Any, theirs: Any, mine: Any) -> None:
    result = one("append", base, base + theirs, base + mine)
    assert result == base + theirs + mine


def test_a_log_whose_past_was_changed_is_a_conflict() -> None:
    assert one("append", [1, 2], [1, 2, 3], [9, 2, 4]) == "structure"
    assert one("append", [1, True], [1, True, 3], [1, 1, 4]) == "structure"
    assert one("append", MISSING, [1], [2]) == [1, 2]


@given(NUMBERS, NUMBERS, NUMBERS)
def test_the_largest_and_the_smallest_win(base: int, theirs: int, mine: int) -> None:
    changed = [each for each in (theirs, mine) if each != base] or [base]
    assert one("max", base, theirs, mine) == max(changed)
    assert one("min", base, theirs, mine) == min(changed)


def test_preferring_a_change_or_a_deletion() -> None:
    for theirs, mine in ((MISSING, 2), (2, MISSING)):
        assert one("prefer_modify", 1, theirs, mine) == 2
        assert one("prefer_delete", 1, theirs, mine) is MISSING
    assert one("prefer_modify", 1, 2, 3) == "both_changed"
    assert one("prefer_delete", {"a": 1}, {"a": 1, "b": 2}, {"a": 3}) == {"a": 3, "b": 2}


def test_texts_are_merged_by_lines() -> None:
    base = "one\ntwo\nthree\nfour\n"
    theirs, mine = base.replace("one", "ONE"), base.replace("four", "FOUR") + "five"
    assert one("text3", base, theirs, mine) == "ONE\ntwo\nthree\nFOUR\nfive"
    assert one("text3", base, theirs, base.replace("one", "1")) == "both_changed"
    assert one("text3", base, base.replace("two\n", ""), base + "end") == "one\nthree\nfour\nend"


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d"]), max_size=5).map("".join)


@given(LINES, LINES, LINES)
def test_texts_merge_the_same_from_both_sides(base: str, theirs: str, mine: str) -> None:
    assert one("text3", base, theirs, mine) == one("text3", base, mine, theirs)


# -- keyed arrays -----------------------------------------------------------------------------------------------------


def test_far_apart_changes_of_a_long_text_are_merged() -> None:
    lines = [f"{n}\n" for n in range(5000)]
    theirs = [*lines[:10], "theirs\n", *lines[11:]]
    mine = [*lines[:4990], "mine\n", *lines[4990:]]
    both = [*lines[:10], "theirs\n", *lines[11:4990], "mine\n", *lines[4990:]]
    merged = merge("".join(lines), "".join(theirs), "".join(mine), lambda tokens: "text3")
    assert (merged.result, merged.conflicts) == ("".join(both), ())


BLANK = "\n" * 1000
LONG = [f"{n}\n" for n in range(4000)]


@pytest.mark.parametrize(
    ("base", "theirs", "mine", "result"),
    [
        (BLANK, "a\n" + BLANK, BLANK + "b\n", "a\n" + BLANK + "b\n"),
        (BLANK, "a\n" + BLANK + "b\n", "c\n" + BLANK + "d\n", None),
        (BLANK * 900, "a\n" + BLANK * 900, BLANK * 900 + "b\n", None),
        ("x\n\n" * 500, "a\n" + "\nx\n" * 500, "\n" + "\n\nx\n" * 400, None),
        ("".join(LONG), "".join(LONG[::-1]), "".join(LONG[1::2] + LONG[::2]), None),
    ],
)
def test_texts_that_are_hard_to_compare_are_not_compared_for_long(
    base: str, theirs: str, mine: str, result: str | None
) -> None:
    started = time.perf_counter()
    merged = merge(base, theirs, mine, lambda tokens: "text3")
    assert time.perf_counter() - started < 1
    assert [each.kind for each in merged.conflicts] == ([] if result else ["both_changed"])
    assert merged.result == (result or theirs)


def rows(*pairs: Any) -> list[dict[str, Any]]:
    return [{"id": key, "v": value} for key, value in pairs]


def test_elements_of_a_keyed_array_are_merged_one_by_one() -> None:
    base = rows((1, "a"), (2, "b"), (3, "c"))
    theirs = rows((3, "c"), (1, "A"), (2, "b"), (9, "t"))
    mine = [{"id": 1, "v": "a", "w": 1}, *rows((5, "m"), (6, "n"), (3, "C"))]
    assert one("map:id", base, theirs, mine) == [
        *rows((3, "C")),
        {"id": 1, "v": "A", "w": 1},
        *rows((5, "m"), (6, "n"), (9, "t")),
    ]


def test_a_new_element_stands_after_its_nearest_surviving_predecessor() -> None:
    base, theirs = rows((1, 0), (2, 0)), rows((1, 0), (7, 0))
    assert one("map:id", base, theirs, rows((1, 0), (2, 0), (3, 0))) == rows((1, 0), (3, 0), (7, 0))
    assert one("map:id", base, theirs, rows((3, 0), (1, 0), (2, 0))) == rows((3, 0), (1, 0), (7, 0))


def test_conflicts_in_a_keyed_array_are_named_by_their_place_in_theirs() -> None:
    base = {"x": rows((1, "a"), (2, "b"), (3, "c"))}
    theirs = {"x": rows((2, "T"))}
    mine = {"x": rows((1, "M"), (2, "M"), (3, "M"))}
    merged = merge(base, theirs, mine, under("map:id"))
    assert {each.path: each.kind for each in merged.conflicts} == {
        "/x/0/v": "both_changed",
        "/x/1": "delete_modify",
        "/x/2": "delete_modify",
    }
    assert merged.result == theirs
    assert settle(merged, lambda each: each.mine) == mine


def test_a_key_of_several_fields_and_of_odd_types() -> None:
    base = [{"a": 1, "b": "x"}, {"a": True, "b": "x"}]
    theirs = [*base, {"a": 1, "b": "y", "t": 1}]
    mine = [*base, {"a": 1.0, "b": "y", "m": 1}]
    merged = one("map:a,b", base, theirs, mine)
    assert json_equal(merged, [*base, {"a": 1, "b": "y", "t": 1, "m": 1}])


IDS = st.lists(st.sampled_from([1, 2, 3, 4, True]), unique_by=lambda x: (type(x), x), max_size=4)


@given(IDS, IDS, IDS)
def test_a_keyed_array_loses_no_element(base: Any, theirs: Any, mine: Any) -> None:
    b, t, m = ([{"id": each} for each in side] for side in (base, theirs, mine))
    result = one("map:id", b, t, m)

    def keys(side: list[dict[str, Any]]) -> set[tuple[bool, Any]]:
        return {(isinstance(each["id"], bool), each["id"]) for each in side}

    expected = (keys(t) - keys(b)) | (keys(m) - keys(b)) | (keys(t) & keys(m))
    assert keys(result) == expected
    assert len(result) == len(expected)


@pytest.mark.parametrize(
    ("strategy", "theirs", "mine", "kind"),
    [
        ("counter", "x", 3, "type_change"),
        ("counter", True, 3, "type_change"),
        ("max", None, 3, "type_change"),
        ("text3", 2, "b", "type_change"),
        ("set", {}, ["a"], "type_change"),
        ("set", ["a", "a"], ["b"], "structure"),
        ("set", [{"a": 1}], ["b"], "structure"),
        ("append", "x", [1], "type_change"),
        ("map:id", rows((1, 0), (1, 1)), rows((2, 0)), "structure"),
        ("map:id", rows((1, 0), (1.0, 1)), rows((2, 0)), "structure"),
        ("map:id", [1], rows((2, 0)), "structure"),
        ("map:id", [{"v": 1}], rows((2, 0)), "structure"),
        ("map:id", "x", rows((2, 0)), "type_change"),
        ("counter", MISSING, 3, "delete_modify"),
    ],
)
def test_a_strategy_on_the_wrong_value_is_a_conflict(
    strategy: str, theirs: Any, mine: Any, kind: str
) -> None:
    assert one(strategy, 1, theirs, mine) == kind
    assert one(strategy, 1, mine, theirs) == kind


# -- names ------------------------------------------------------------------------------------------------------------


def test_which_strategies_there_are() -> None:
    assert all(map(is_known, NAMES))
    assert {name.split(":")[0] for name in NAMES} == {name.rstrip(":") for name in STRATEGIES}
    assert not any(map(is_known, ["", "map", "map:", "map:a,", "sum", "?set"]))
    assert [name for name in NAMES if is_commuting(name)] == [
        "set",
        "append",
        "counter",
        "max",
        "min",
    ]


def test_which_values_a_strategy_suits() -> None:
    assert suits("counter", 1.5) and not suits("counter", True)
    assert suits("set", [1, True, "1"]) and not suits("set", [1, 1.0])
    assert suits("map:id", [{"id": 1}]) and not suits("map:id", [{"id": [1]}])
    assert suits("granular", {}) and not suits("granular", [])
    assert suits("text3", "") and suits("atomic", None) and suits("prefer_delete", 1)


def test_a_default_holds_only_where_it_suits() -> None:
    assert effective("?append", [1], [2]) == "append"
    assert effective("?append", {}, [2]) is None
    assert effective("?append", MISSING, [2]) == "append"
    assert effective("append", {}) == "append"
    merged = merge({"l": [], "n": 1}, {"l": [1], "n": 2}, {"l": [2], "m": 1}, everywhere("?append"))
    assert merged.result == {"l": [1, 2], "n": 2, "m": 1}
    assert [each.path for each in merged.conflicts] == ["/n"]
