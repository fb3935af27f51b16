"""The language of changes: what operations do and write, what is ill-formed, and differences as operations."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.errors import Invalid, TooLarge
from state.jsonvalue import (
    Inapplicable,
    apply,
    check_ops,
    diff,
    json_equal,
    overlap,
    pointer,
    rfc7386,
    write_set,
)
from state.refusals import JsonDomain
from state.values import Limits, Operation, OperationType
from tests.state_core.strategies import DOCUMENTS, SMALL, SMALL_DOCUMENTS, deep

SET, DELETE, MERGE, CAS = (
    OperationType.SET,
    OperationType.DELETE,
    OperationType.MERGE,
    OperationType.CAS,
)


def test_each_operation_does_what_its_name_says() -> None:
    before: Any = {"a": {"b": 1, "n": None}, "l": [1, 2, 3], "s": "x"}
    kept = copy.deepcopy(before)
    after = apply(
        before,
        [
            Operation(SET, "/a/c/d", 2),
            Operation(SET, "/l/1", 20),
            Operation(SET, "/l/-", 4),
            Operation(DELETE, "/l/0"),
            Operation(DELETE, "/nothing/here"),
            Operation(DELETE, "/l/9"),
            Operation(MERGE, "/a", {"b": None, "e": {"f": [None], "g": None}}),
            Operation(MERGE, "/s", None),
            Operation(CAS, "/z", 9, expect_absent=True),
            Operation(SET, "/new/-", 1),
        ],
    )
    assert after == {
        "a": {"n": None, "c": {"d": 2}, "e": {"f": [None]}},
        "l": [20, 3, 4],
        "z": 9,
        "new": [1],
    }
    assert before == kept
    assert apply(after, [Operation(DELETE)]) == {}
    assert apply(after, [Operation(SET, "", {"only": 1})]) == {"only": 1}


@pytest.mark.parametrize(
    ("op", "why"),
    [
        (Operation(SET, "/s/x", 1), "nothing under it"),
        (Operation(SET, "/s/x/y", 1), "nothing under it"),
        (Operation(SET, "/n/x", 1), "nothing under it"),
        (Operation(SET, "/l/1", 1), "no index 1"),
        (Operation(SET, "/l/x", 1), "no index"),
        (Operation(SET, "/l/x/y", 1), "no index"),
        (Operation(SET, "/l/-/y", 1), "no index"),
        (Operation(SET, "", [1]), "object"),
        (Operation(MERGE, "", 5), "object"),
        (Operation(MERGE, "/s/x", {"a": 1}), "nothing under it"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(op: Operation, why: str) -> None:
    before: Any = {"s": "text", "l": [1], "n": None}
    with pytest.raises(Inapplicable, match=why) as refused:
        apply(before, [Operation(SET, "/l/0", 2), op])
    assert (refused.value.path, refused.value.status) == (op.path, 422)
    assert list(refused.value.fields) == ["ops[1].path"]
    assert before == {"s": "text", "l": [1], "n": None}


OPS = st.builds(
    lambda op, tokens, value: (
        Operation(op, pointer(tokens)) if op is DELETE else Operation(op, pointer(tokens), value)
    ),
    st.sampled_from([SET, DELETE, MERGE]),
    st.lists(st.sampled_from(["a", "b", "0", "1", "-"]), max_size=3),
    SMALL,
)


@given(SMALL_DOCUMENTS, st.lists(OPS, max_size=5))
def test_applying_never_changes_what_was_given(data: Any, ops: list[Operation]) -> None:
    kept = copy.deepcopy((data, ops))
    try:
        result = apply(data, ops)
        apply(result, ops)
    except Inapplicable:
        pass
    assert (data, ops) == kept


@given(SMALL_DOCUMENTS, st.lists(OPS, max_size=4))
def test_nothing_outside_the_write_set_is_changed(data: Any, ops: list[Operation]) -> None:
    try:
        result = apply(data, ops)
    except Inapplicable:
        return
    written = write_set(ops, data)
    for change in diff(data, result):
        assert any(overlap(change.path, path) for path in written)


@given(SMALL_DOCUMENTS, OPS, OPS)
def test_operations_that_do_not_meet_give_the_same_in_either_order(
    data: Any, one: Operation, other: Operation
) -> None:
    appends = one.path.endswith("/-") or other.path.endswith("/-")
    try:
        first, second = write_set([one], data), write_set([other], data)
        if appends or any(overlap(p, q) for p in first for q in second):
            return
        results = apply(data, [one, other]), apply(data, [other, one])
    except Inapplicable:
        return
    assert json_equal(*results)


@pytest.mark.parametrize(
    ("op", "paths"),
    [
        (Operation(SET, "/o/x", 1), {"/o/x"}),
        (Operation(SET, "/l/0", 1), {"/l/0"}),
        (Operation(SET, "/l/-", 1), {"/l/-"}),
        (Operation(SET, "/o/-", 1), {"/o"}),
        (Operation(DELETE, "/l/1"), {"/l"}),
        (Operation(DELETE, "/l/7"), {"/l/7"}),
        (Operation(DELETE, "/o/0"), {"/o/0"}),
        (Operation(DELETE), {""}),
        (
            Operation(MERGE, "/o", {"x": {"y": 1, "z": None}, "w": [1]}),
            {"/o/x/y", "/o/x/z", "/o/w"},
        ),
        (Operation(MERGE, "/o", {}), {"/o"}),
        (Operation(MERGE, "/o", {"-": 1}), {"/o"}),
        (Operation(MERGE, "/l", {"x": 1}), {"/l"}),
        (Operation(MERGE, "", {"l": {"x": 1}, "o": {"0": 2}}), {"/l", "/o/0"}),
        (Operation(CAS, "/o/x", 1, expect=0), {"/o/x"}),
    ],
)
def test_the_write_set_of_each_operation(op: Operation, paths: set[str]) -> None:
    assert write_set([op], {"l": [1, 2], "o": {"0": 1}}) == paths


def test_without_the_document_removals_count_for_the_whole_array() -> None:
    assert write_set([Operation(DELETE, "/l/1"), Operation(DELETE, "/o/x")]) == {"/l", "/o/x"}


def test_the_write_set_follows_what_earlier_operations_made() -> None:
    ops = [Operation(SET, "/n", [1, 2]), Operation(DELETE, "/n/0")]
    assert write_set(ops, {"n": {}}) == {"/n"}


@pytest.mark.parametrize(
    ("op", "field"),
    [
        (Operation("frob"), "ops[1].op"),  # type: ignore[arg-type]  # as a careless caller builds it
        (Operation(SET, "a", 1), "ops[1].path"),
        (Operation(SET, "/a"), "ops[1].value"),
        (Operation(SET, "", 1), "ops[1].value"),
        (Operation(MERGE, "", [1]), "ops[1].value"),
        (Operation(DELETE, "/a", 1), "ops[1].value"),
        (Operation(CAS, "/a", 1), "ops[1].expect"),
        (Operation(CAS, "/a", 1, expect=1, expect_absent=True), "ops[1].expect"),
        (Operation(SET, "/a", 1, expect=None), "ops[1].expect"),
        (Operation(SET, "/a", 1, expect_version=1), "ops[1].expect_version"),
        (Operation(DELETE, "/a", expect_absent=True), "ops[1].expect_absent"),
    ],
)
def test_ill_formed_operations_are_refused_by_number_and_member(op: Operation, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_ops([Operation(SET, "/a", None), op], Limits())
    assert list(refused.value.fields) == [field]
    assert refused.value.status == 400


def test_operations_outside_the_domain_are_refused_by_place() -> None:
    ops = [
        Operation(SET, "/a\0", 1),
        Operation(SET, "/a", {"b": ["\0"]}),
        Operation(SET, "/a" * 60, deep(5)),
        Operation(SET, "/a" * 65, 1),
        Operation(CAS, "/c", 1, expect=math.nan),
    ]
    with pytest.raises(JsonDomain) as refused:
        check_ops(ops, Limits())
    assert {field.split("/")[0] for field in refused.value.fields} == {
        "ops[0].path",
        "ops[1].value",
        "ops[2].value",
        "ops[3].path",
        "ops[4].expect",
    }
    check_ops([Operation(SET, "/a" * 60, deep(4)), Operation(SET, "/a" * 64, 1)], Limits())


def test_there_is_a_most_of_operations() -> None:
    ops = [Operation(SET, "/a", 1)] * 100
    check_ops(ops, Limits())
    with pytest.raises(TooLarge):
        check_ops([*ops, ops[0]], Limits())


# -- differences ------------------------------------------------------------------------------------------------------


@given(SMALL_DOCUMENTS, SMALL_DOCUMENTS)
def test_a_difference_leads_from_one_document_to_the_other(a: Any, b: Any) -> None:
    ops = diff(a, b)
    assert json_equal(apply(a, ops), b)
    assert (not ops) is json_equal(a, b)
    assert {op.op for op in ops} <= {SET, DELETE}


@given(DOCUMENTS, DOCUMENTS)
def test_a_difference_is_well_formed_for_any_keys(a: Any, b: Any) -> None:
    ops = diff(a, b)
    check_ops(ops, Limits(ops_per_request=1000))
    assert json_equal(apply(a, ops), b)


def test_a_difference_replaces_arrays_whole() -> None:
    assert diff({"l": [1, 2], "x": 1}, {"l": [1, 3], "x": True}) == (
        Operation(SET, "/l", [1, 3]),
        Operation(SET, "/x", True),
    )


# The examples of RFC 7386, appendix A, by target, patch and result.
@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_do_what_their_standard_says(target: Any, patch: Any, result: Any) -> None:
    assert json_equal(rfc7386(target, patch), result)
