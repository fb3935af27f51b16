"""JSON in Stars: domain, equality, hash, text, paths, operations and differences."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from state.errors import Invalid, TooLarge
from state.jsonvalue import (
    MAX_INT,
    MISSING,
    Inapplicable,
    Malformed,
    apply,
    canonical,
    check,
    check_ops,
    diff,
    digest,
    dumps,
    get,
    json_equal,
    loads,
    overlap,
    parse,
    pointer,
    rfc7386,
    seed_key,
    size,
    write_set,
)
from state.jsonvalue.canonical import slow_canonical
from state.refusals import DocumentTooLarge, DuplicateKey, JsonDomain
from state.values import Limits, Operation, OperationType
from tests.state_core.strategies import DOCUMENTS, KEYS, SMALL, SMALL_DOCUMENTS, VALUES

SET, DELETE, MERGE, CAS = (
    OperationType.SET,
    OperationType.DELETE,
    OperationType.MERGE,
    OperationType.CAS,
)


def deep(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = [value]
    return value


# -- equality and hash ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (True, 1, False),
        ([{"x": False}], [{"x": 0}], False),
        (1, 1.0, True),
        (0, -0.0, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ([1, 2], [2, 1], False),
        (None, MISSING, False),
        (MISSING, MISSING, True),
        ("missing", MISSING, False),
        (2**53, 2**53 + 1, False),
    ],
)
def test_equality_is_that_of_json_and_not_of_python(a: Any, b: Any, same: bool) -> None:
    assert json_equal(a, b) is same
    assert json_equal(b, a) is same


@given(SMALL, SMALL)
@example({"n": 2**60}, {"n": 2.0**60})
@example({"n": 2**53}, {"n": 2**53 + 1})
@example([True], [1])
def test_hashes_are_equal_exactly_when_values_are(a: Any, b: Any) -> None:
    assert (digest(a) == digest(b)) is json_equal(a, b)


@given(VALUES)
def test_the_short_cut_to_the_canonical_form_changes_nothing(value: Any) -> None:
    assert canonical(value) == slow_canonical(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_short_cut_writes_any_float_as_the_long_way_does(number: float) -> None:
    assert canonical([number]) == slow_canonical([number])


def narrow(value: Any) -> Any:
    """Numbers that RFC 8785 does not write exactly, made small."""
    if isinstance(value, dict):
        return {key: narrow(each) for key, each in value.items()}
    if isinstance(value, list):
        return [narrow(each) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= 2**53:
        return 7
    return value


@given(VALUES.map(narrow))
def test_the_canonical_form_is_that_of_rfc_8785_for_numbers_that_floats_hold(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_large_integers_keep_all_digits_in_the_canonical_form() -> None:
    assert canonical({"n": MAX_INT}) == b'{"n":9223372036854775807}'
    assert canonical([2.0**60, 1e21, -0.0]) == b"[1152921504606846976,1e+21,0]"


# -- domain -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": ["x\0"]}, "/a/0"),
        ({"a": "\ud800"}, "/a"),
        ({"a": {"k\0": 1}}, "/a/k\\u0000"),
        ({"\udfff": 1}, "/\\udfff"),
        ([1, math.nan], "/1"),
        ([math.inf], "/0"),
        ({"n": MAX_INT + 1}, "/n"),
        ({"n": -MAX_INT - 1}, "/n"),
        ({1: "x"}, "/1"),
        ({"t": (1, 2)}, "/t"),
        ({"a/b": {1, 2}}, "/a~1b"),
        (b"bytes", ""),
    ],
)
def test_what_json_cannot_express_is_refused_with_its_path(value: Any, where: str) -> None:
    with pytest.raises(JsonDomain) as refused:
        check(value)
    assert list(refused.value.fields) == [where]
    json.dumps(refused.value.fields).encode()


def test_the_edges_of_the_domain_are_inside() -> None:
    value = {"n": [MAX_INT, -MAX_INT], "t": "\u0001\uffff😀", "b": True, "z": None}
    assert check(value) is value
    assert check(deep(64))


@pytest.mark.parametrize("levels", [65, 200_000])
def test_depth_is_refused_however_deep(levels: int) -> None:
    with pytest.raises(JsonDomain):
        check(deep(levels))
    with pytest.raises(JsonDomain):
        check(deep(levels), sanitize=True)
    with pytest.raises(JsonDomain):
        loads(b"[" * levels + b"]" * levels)


def test_sanitizing_replaces_nul_and_lone_surrogates_in_a_copy() -> None:
    dirty = {"k\0": ["a\0b", "\ud83d\ude00", "\ud800"]}
    assert check(dirty, sanitize=True) == {"k�": ["a�b", "😀", "�"]}
    assert dirty == {"k\0": ["a\0b", "\ud83d\ude00", "\ud800"]}


def test_sanitizing_never_makes_one_key_of_two() -> None:
    for dirty in ({"k\0": 1, "k�": 2}, {"k�": 2, "k\0": 1}, {"k\ud800": 1, "k\0": 2}):
        with pytest.raises(JsonDomain):
            check(dirty, sanitize=True)


def test_many_faults_are_told_but_not_endlessly() -> None:
    with pytest.raises(JsonDomain) as refused:
        check(["\0"] * 1000)
    assert len(refused.value.fields) == 20


@given(DOCUMENTS)
def test_what_is_written_is_read_back(value: Any) -> None:
    raw = dumps(value)
    assert size(value) == len(raw)
    assert json_equal(loads(raw), value)


def test_double_keys_are_refused_with_their_paths() -> None:
    with pytest.raises(DuplicateKey) as refused:
        loads(b'{"a":1,"b":[{"x/y":1,"x/y":2}],"a":3}')
    assert set(refused.value.fields) == {"/b/0/x~1y", "/a"}


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"NaN", b"[Infinity]", b'"\x00"', b"\xff", b"{'a':1}", b"\xef\xbb\xbf{}", b"1 2"],
)
def test_what_is_not_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed) as refused:
        loads(raw)
    assert (refused.value.status, refused.value.reason) == (400, "malformed")


@pytest.mark.parametrize(
    "raw", [b"[1e999]", b'["\\u0000"]', b'["\\ud800"]', b"[9223372036854775808]"]
)
def test_json_outside_the_domain_is_refused_when_read(raw: bytes) -> None:
    with pytest.raises(JsonDomain) as refused:
        loads(raw)
    assert list(refused.value.fields) == ["/0"]


def test_an_endless_integer_and_a_large_text_are_refused() -> None:
    with pytest.raises(JsonDomain):
        loads(b"9" * 100_000)
    assert loads(b'"1234"', max_bytes=6) == "1234"
    with pytest.raises(DocumentTooLarge):
        loads(b'"12345"', max_bytes=6)


# -- paths ------------------------------------------------------------------------------------------------------------


@given(st.lists(KEYS))
def test_tokens_survive_a_pointer(tokens: list[str]) -> None:
    assert parse(pointer(tokens)) == tuple(tokens)


@pytest.mark.parametrize("path", ["a", "a/b", "~2", "/~2", "/a~", "/~", "#/a"])
def test_a_malformed_pointer_is_refused(path: str) -> None:
    with pytest.raises(Invalid):
        parse(path)


def test_keys_of_the_seed_are_pointers() -> None:
    assert [seed_key(key) for key in ("a", "a/b~c", "/a/b", "")] == ["/a", "/a~1b~0c", "/a/b", ""]


def test_what_stands_at_a_path() -> None:
    document = {"a": [{"x": None}, 2], "": 5, "-": 6, "0": 7, "a/b": 8}
    for path, value in {
        "": document,
        "/a/0/x": None,
        "/a/1": 2,
        "/": 5,
        "/-": 6,
        "/0": 7,
        "/a~1b": 8,
    }.items():
        assert json_equal(get(document, path), value)
    for path in ("/a/2", "/a/-", "/a/01", "/a/-1", "/a/x", "/a/1/x", "/b", "/a/١"):
        assert get(document, path) is MISSING


@pytest.mark.parametrize(
    ("p", "q", "meet"),
    [
        ("/a", "/a", True),
        ("", "/a/b", True),
        ("/a", "/a/b", True),
        ("/a", "/ab", False),
        ("/a/b", "/a/c", False),
        ("/a/-", "/a/-", False),
        ("/a/-", "/a", True),
        ("/a/-", "/a/3", True),
        ("/a/-", "/a/3/x", True),
        ("/a/-", "", True),
        ("/a/-", "/b/-", False),
        ("/a/-", "/a/3/-", True),
        ("/a/-", "/b", False),
    ],
)
def test_overlap_of_paths(p: str, q: str, meet: bool) -> None:
    assert overlap(p, q) is meet
    assert overlap(q, p) is meet


# -- operations -------------------------------------------------------------------------------------------------------


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
