"""Standard patches as operations; the cases follow the appendices of RFC 6902 and RFC 7386."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given

from state.jsonvalue import apply, check_ops, get, json_equal, rfc7386
from state.patching import from_json_patch, from_merge_patch, from_put
from state.refusals import Unprocessable
from state.values import Limits, Operation, OperationType
from tests.state_core.strategies import SMALL_DOCUMENTS


def patched(data: Any, *patch: dict[str, Any]) -> Any:
    """The document after the patch, if its tests hold for it."""
    kept = copy.deepcopy(data)
    preconditions, ops = from_json_patch(list(patch), data)
    assert data == kept
    check_ops(ops, Limits())
    for path, expected in preconditions:
        if not json_equal(get(data, path), expected):
            return "a test failed"
    return apply(data, ops)


def add(path: str, value: Any) -> dict[str, Any]:
    return {"op": "add", "path": path, "value": value}


@pytest.mark.parametrize(
    ("data", "operation", "after"),
    [
        ({"sky": 1}, add("/sea", 2), {"sky": 1, "sea": 2}),
        ({"l": ["x", "y"]}, add("/l/1", "new"), {"l": ["x", "new", "y"]}),
        ({"l": ["x", "y"]}, add("/l/2", "new"), {"l": ["x", "y", "new"]}),
        ({"l": ["x"]}, add("/l/-", ["y", 1]), {"l": ["x", ["y", 1]]}),
        ({"l": {"-": 1}}, add("/l/-", 2), {"l": {"-": 2}}),
        ({"a": 1}, add("/a", None), {"a": None}),
        ({"a": 1}, add("", {"b": 2}), {"b": 2}),
        (
            {"a": 1},
            {**add("/b", {"c": {}}), "comment": "unknown members are passed over"},
            {"a": 1, "b": {"c": {}}},
        ),
        ({"a": 1, "b": 2}, {"op": "remove", "path": "/a"}, {"b": 2}),
        ({"l": [1, 2, 3]}, {"op": "remove", "path": "/l/1"}, {"l": [1, 3]}),
        ({"a": 1, "b": 2}, {"op": "replace", "path": "/a", "value": [9]}, {"a": [9], "b": 2}),
        ({"l": [1, 2]}, {"op": "replace", "path": "/l/0", "value": None}, {"l": [None, 2]}),
        (
            {"from": {"x": 1, "y": 2}, "to": {"z": 3}},
            {"op": "move", "from": "/from/x", "path": "/to/w"},
            {"from": {"y": 2}, "to": {"z": 3, "w": 1}},
        ),
        (
            {"l": ["a", "b", "c", "d"]},
            {"op": "move", "from": "/l/1", "path": "/l/3"},
            {"l": ["a", "c", "d", "b"]},
        ),
        ({"a": 1}, {"op": "move", "from": "/a", "path": "/a"}, {"a": 1}),
        ({"a": {"b": 1}}, {"op": "move", "from": "/a/b", "path": "/a"}, {"a": 1}),
        (
            {"a": [1], "b": {}},
            {"op": "copy", "from": "/a", "path": "/b/c"},
            {"a": [1], "b": {"c": [1]}},
        ),
        (
            {"s": "x", "l": [1, 2.0]},
            {"op": "test", "path": "/l/1", "value": 2},
            {"s": "x", "l": [1, 2.0]},
        ),
        ({"s": "x"}, {"op": "test", "path": "/s", "value": "y"}, "a test failed"),
        ({"n": 1}, {"op": "test", "path": "/n", "value": True}, "a test failed"),
        ({"n": "10"}, {"op": "test", "path": "/n", "value": 10}, "a test failed"),
        ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, {"/": 9, "~1": 10}),
        ({}, {"op": "test", "path": "/n", "value": None}, "a test failed"),
    ],
)
def test_each_operation_does_what_its_standard_says(data: Any, operation: Any, after: Any) -> None:
    assert json_equal(patched(data, operation), after)


def test_operations_build_on_each_other() -> None:
    assert patched(
        {"l": []},
        add("/l/0", "b"),
        add("/l/0", "a"),
        {"op": "copy", "from": "/l", "path": "/m"},
        {"op": "test", "path": "/m/0", "value": "a"},
        {"op": "move", "from": "/l/1", "path": "/m/-"},
        {"op": "remove", "path": "/l/0"},
    ) == {"l": [], "m": ["a", "b", "b"]}


def test_a_test_of_what_stood_before_is_a_precondition_and_one_of_what_was_written_is_judged() -> (
    None
):
    test = {"op": "test", "path": "/a", "value": 1}
    assert from_json_patch([test, add("/a", 2)], {"a": 5})[0] == (("/a", 1),)
    assert from_json_patch([add("/a", 1), test], {"a": 5})[0] == ()
    with pytest.raises(Unprocessable) as refused:
        from_json_patch([add("/a", 2), test], {"a": 1})
    assert list(refused.value.fields) == ["[1].value"]


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ("add", "[1].op"),
        ({"path": "/a"}, "[1].op"),
        ({"op": "spam", "path": "/a"}, "[1].op"),
        ({"op": ["add"], "path": "/a"}, "[1].op"),
        ({"op": "add", "value": 1}, "[1].path"),
        ({"op": "add", "path": "/a"}, "[1].value"),
        ({"op": "move", "path": "/a"}, "[1].from"),
        ({"op": "copy", "path": "/z", "from": 5}, "[1].from"),
        (add("a", 1), "[1].path"),
        (add("/x/y", 1), "[1].path"),
        (add("/a/y", 1), "[1].path"),
        (add("/l/3", 1), "[1].path"),
        (add("/l/01", 1), "[1].path"),
        (add("", [1]), "[1].path"),
        ({"op": "remove", "path": "/x"}, "[1].path"),
        ({"op": "remove", "path": ""}, "[1].path"),
        ({"op": "remove", "path": "/l/-"}, "[1].path"),
        ({"op": "replace", "path": "/x", "value": 1}, "[1].path"),
        ({"op": "move", "from": "/x", "path": "/y"}, "[1].from"),
        ({"op": "move", "from": "/o", "path": "/o/p"}, "[1].path"),
        ({"op": "copy", "from": "/x", "path": "/y"}, "[1].from"),
    ],
)
def test_what_cannot_be_done_is_refused_by_number_and_member(operation: Any, field: str) -> None:
    data = {"a": 1, "l": [1, 2], "o": {"p": 1}}
    with pytest.raises(Unprocessable) as refused:
        from_json_patch([add("/ok", 1), operation], data)
    assert list(refused.value.fields) == [field]
    assert data == {"a": 1, "l": [1, 2], "o": {"p": 1}}


def test_a_patch_is_an_array_and_a_merge_patch_and_a_document_are_objects() -> None:
    for refuse in (
        lambda: from_json_patch({}, {}),
        lambda: from_merge_patch([]),
        lambda: from_put(None),
    ):
        with pytest.raises(Unprocessable):
            refuse()


@given(SMALL_DOCUMENTS, SMALL_DOCUMENTS)
def test_a_merge_patch_is_one_operation_on_the_whole(data: Any, patch: Any) -> None:
    assert json_equal(apply(data, from_merge_patch(patch)), rfc7386(data, patch))


def test_a_put_replaces_the_whole() -> None:
    assert from_put({"b": None}) == (Operation(OperationType.SET, "", {"b": None}),)
