"""JSON in Stars: domain, equality, hash, text and paths."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from state.errors import Invalid
from state.jsonvalue import (
    MAX_INT,
    MISSING,
    Malformed,
    canonical,
    check,
    digest,
    dumps,
    get,
    json_equal,
    loads,
    overlap,
    parse,
    pointer,
    seed_key,
    size,
)
from state.jsonvalue.canonical import slow_canonical
from state.refusals import DocumentTooLarge, DuplicateKey, JsonDomain
from tests.state_core.strategies import DOCUMENTS, KEYS, SMALL, VALUES, deep

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
