"""Which schemas states take, what violates them, and the merge strategies they name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from state.limited import MAX_PATTERN
from state.merge import merge
from state.refusals import Unprocessable
from state.schema import TOO_SLOW, check_schema, strategies, violations

PLAN: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "https://example.org/plan",
    "type": "object",
    "required": ["title"],
    "properties": {
        "title": {"type": "string", "x-stars-merge": "text3"},
        "done": {"type": "integer", "x-stars-merge": "counter"},
        "tags": {"type": ["array", "null"], "x-stars-merge": "set"},
        "steps": {
            "type": "array",
            "x-stars-merge": "map:id",
            "items": {"$ref": "#/$defs/step"},
        },
        "pair": {"prefixItems": [{"type": "number", "x-stars-merge": "max"}]},
        "x-stars-merge": {"type": "boolean"},
    },
    "patternProperties": {"^log_": {"type": "array", "x-stars-merge": "append"}},
    "additionalProperties": {"x-stars-merge": "atomic"},
    "$defs": {
        "step": {
            "$anchor": "step",
            "type": "object",
            "properties": {
                "score": {"allOf": [{"$ref": "#/$defs/score"}]},
                "sub": {"$ref": "#step"},
            },
        },
        "score": {"type": "number", "x-stars-merge": "min"},
    },
}


def test_a_good_schema_is_taken() -> None:
    check_schema(PLAN)
    check_schema({})


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (None, "object"),
        ([], "object"),
        ({"type": "text"}, "text"),
        ({"properties": {"a": {"minimum": "1"}}}, "/properties/a/minimum"),
        ({"required": "title"}, "required"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "dialect"),
        ({"$schema": 5}, "dialect"),
        ({"$ref": "https://example.org/other.json"}, "nothing is fetched"),
        ({"properties": {"a": {"$ref": "other.json#/x"}}}, "nothing is fetched"),
        ({"$ref": "file:///etc/passwd"}, "nothing is fetched"),
        ({"$ref": "#/$defs/none"}, "nowhere"),
        ({"$ref": "#none"}, "nowhere"),
        ({"$ref": "#/default", "default": {"pattern": "x"}}, "nowhere"),
        ({"$dynamicRef": "#a"}, "dynamicRef"),
        ({"properties": {"a": {"$id": "http://x/", "$ref": "#/y"}}}, "root only"),
        (
            {"properties": {"a": {"$schema": "http://json-schema.org/draft-07/schema#"}}},
            "root only",
        ),
        ({"pattern": "x" * (MAX_PATTERN + 1)}, "at most"),
        ({"pattern": "((a{1000}){1000}){1000}"}, "repeats"),
        ({"items": {"pattern": "x{ 99999999999}"}}, "repeat"),
        (
            {"patternProperties": {"^x": True}, "allOf": [{"unevaluatedProperties": False}]},
            "together",
        ),
        ({"patternProperties": {"(": {}}}, "regular expression|regex"),
        ({"x-stars-merge": "sum"}, "is one of"),
        ({"x-stars-merge": 5}, "is one of"),
        ({"x-stars-merge": "map:"}, "is one of"),
        ({"type": "string", "x-stars-merge": "counter"}, "for the type number"),
        ({"type": "object", "x-stars-merge": "set"}, "for the type array"),
        ({"type": ["array", "string"], "x-stars-merge": "append"}, "for the type array"),
        ({"type": "array", "x-stars-merge": "granular"}, "for the type object"),
        ({"$defs": {"a": {"items": {"not": {"x-stars-merge": "?"}}}}}, "/\\$defs/a/items/not"),
        ({"$ref": "#"}, "circle"),
        (
            {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}},
            "circle",
        ),
    ],
)
def test_a_bad_schema_is_refused(schema: Any, why: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        check_schema(schema)
    assert refused.value.status == 422
    assert list(refused.value.fields) == ["schema"]
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(refused.value.fields["schema"])


def test_references_that_multiply_each_other_are_refused() -> None:
    doubling = {f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 2} for n in range(30)}
    with pytest.raises(Unprocessable):
        check_schema({"$defs": {**doubling, "a30": {}}, "$ref": "#/$defs/a0"})


def test_a_schema_may_refer_to_itself_further_down() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "n": {"type": "integer"}}}
    check_schema(tree)
    assert violations(tree, {"left": {"left": {"n": 1.0}}}) == []
    assert [path for path, _ in violations(tree, {"left": {"left": {"n": "x"}}})] == [
        "/left/left/n"
    ]


def test_violations_are_told_by_path() -> None:
    found = violations(PLAN, {"done": True, "steps": [{}, {"score": "x"}], "a/b": 1})
    assert [path for path, _ in found] == ["", "/done", "/steps/1/score"]
    assert "title" in found[0][1]
    assert violations(PLAN, {"title": "x", "done": 3, "tags": None}) == []
    assert violations(None, {"any": 1}) == []


def test_an_escaped_key_and_a_long_value_are_told_well() -> None:
    found = violations({"additionalProperties": {"type": "null"}}, {"a/b": "x" * 10_000})
    assert [path for path, _ in found] == ["/a~1b"]
    assert len(found[0][1]) <= 300


def test_violations_are_not_told_endlessly() -> None:
    assert len(violations({"additionalProperties": False, "items": False}, {})) == 0
    found = violations({"properties": {"l": {"items": {"type": "null"}}}}, {"l": [1] * 500})
    assert len(found) == 50


def test_an_unchecked_schema_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise AssertionError("fetched")

    monkeypatch.setattr("urllib.request.urlopen", fail)
    with pytest.raises(Unprocessable):
        violations({"$ref": "http://example.org/schema.json"}, {})


@pytest.mark.parametrize(
    ("path", "strategy"),
    [
        ((), "?prefer_modify"),
        (("title",), "text3"),
        (("done",), "counter"),
        (("tags",), "set"),
        (("steps",), "map:id"),
        (("steps", "3"), "?prefer_modify"),
        (("steps", "3", "score"), "min"),
        (("steps", "0", "sub", "sub", "score"), "min"),
        (("pair", "0"), "max"),
        (("pair", "1"), "?prefer_modify"),
        (("log_x",), "append"),
        (("other",), "atomic"),
        (("other", "deep"), "?prefer_modify"),
        (("x-stars-merge",), "?prefer_modify"),
    ],
)
def test_the_strategy_at_a_path(path: tuple[str, ...], strategy: str) -> None:
    assert strategies(PLAN, "prefer_modify")(path) == strategy
    expected = None if strategy.startswith("?") else strategy
    assert strategies(PLAN)(path) == expected


def test_without_a_schema_the_default_holds() -> None:
    assert strategies(None, "set")(("a",)) == "?set"
    assert strategies(None)(("a",)) is None


def test_a_schema_steers_a_merge() -> None:
    base = {"title": "t", "done": 1, "steps": [{"id": 1, "score": 5}], "tags": ["a"]}
    theirs = {"title": "t", "done": 2, "steps": [{"id": 1, "score": 3}], "tags": ["a", "b"]}
    mine = {"title": "t", "done": 2, "steps": [{"id": 1, "score": 4}], "tags": ["c"]}
    merged = merge(base, theirs, mine, strategies(PLAN))
    assert merged.conflicts == ()
    assert merged.result == {
        "title": "t",
        "done": 3,
        "steps": [{"id": 1, "score": 3}],
        "tags": ["b", "c"],
    }


# -- limits -----------------------------------------------------------------------------------------------------------

#: Backtracks exponentially on what SLOW_TEXT says.
SLOW, SLOW_TEXT = "^(a|a)*$", "a" * 60 + "b"


@contextmanager
def soon() -> Iterator[None]:
    """The block takes no more than about a second."""
    started = time.perf_counter()
    yield
    assert time.perf_counter() - started < 1.5


@pytest.mark.parametrize(
    ("schema", "data"),
    [
        ({"additionalProperties": {"pattern": SLOW}}, {"a": SLOW_TEXT}),
        ({"$schema": PLAN["$schema"], "properties": {"a": {"pattern": SLOW}}}, {"a": SLOW_TEXT}),
        ({"properties": {"a": {"not": {"pattern": SLOW}}}}, {"a": SLOW_TEXT}),
        ({"additionalProperties": {"anyOf": [{"pattern": SLOW}, True]}}, {"a": SLOW_TEXT}),
        ({"additionalProperties": {"$ref": "#"}, "pattern": SLOW}, {"a": {"b": SLOW_TEXT}}),
        (
            {"items": True, "additionalProperties": {"items": {"pattern": SLOW}}},
            {"a": [SLOW_TEXT] * 999},
        ),
        ({"patternProperties": {SLOW: True}}, {SLOW_TEXT: 1}),
        ({"patternProperties": {SLOW: True}, "additionalProperties": False}, {SLOW_TEXT: 1}),
        ({"propertyNames": {"pattern": SLOW}}, {SLOW_TEXT: 1}),
    ],
)
def test_a_pattern_that_takes_too_long_is_a_violation(schema: Any, data: Any) -> None:
    with soon():
        check_schema(schema)
        assert (("", TOO_SLOW)) in violations(schema, data)


def test_many_searches_share_one_budget() -> None:
    slowish = {"additionalProperties": {"anyOf": [{"pattern": SLOW}, True]}}
    data = {str(n): "a" * 13 + "b" for n in range(20_000)}
    with soon():
        assert violations(slowish, data)[0] == ("", TOO_SLOW)


def test_a_strategy_that_takes_too_long_to_find_is_refused() -> None:
    with soon(), pytest.raises(Unprocessable) as caught:
        strategies({"patternProperties": {SLOW: {"x-stars-merge": "set"}}})((SLOW_TEXT,))
    assert caught.value.fields == {"schema": [TOO_SLOW]}


def test_patterns_and_what_stands_beside_them_are_told_as_before() -> None:
    schema = {
        "properties": {"name": {"pattern": r"^\p{Lu}"}, "id": True},
        "patternProperties": {"^n_": {"type": "integer"}},
        "additionalProperties": False,
    }
    check_schema(schema)
    assert violations(schema, {"name": "Ärger", "id": 1, "n_1": 1}) == []
    assert [place for place, _ in violations(schema, {"name": "ärger", "n_1": "x"})] == [
        "/n_1",
        "/name",
    ]
    assert violations(schema, {"b": 1, "a": 1}) == [
        ("", "Additional properties are not allowed: 'a', 'b'")
    ]
    assert violations({"additionalProperties": {"type": "null"}}, {"b": 1})[0][0] == "/b"


def test_elements_are_unique_by_what_they_say_and_in_linear_time() -> None:
    schema = {"additionalProperties": {"uniqueItems": True}}
    for twice in ([1, 1.0], [{"a": 1, "b": [2]}, {"b": [2.0], "a": 1}], [None, 5, None]):
        (found,) = violations(schema, {"a": twice})
        assert found[0] == "/a" and found[1].endswith("non-unique elements")
    with soon():
        once = [*({"n": n} for n in range(5000)), 0, False, 1, True, "1", [1], [True]]
        assert violations(schema, {"a": once}) == []


def test_a_schema_of_many_odd_parts_is_refused_soon() -> None:
    with soon(), pytest.raises(Unprocessable):
        check_schema({"type": [{"n": n} for n in range(3000)]})
