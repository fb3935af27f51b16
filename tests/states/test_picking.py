"""A merge in which somebody has chosen at each path."""

from __future__ import annotations

from typing import Any

import pytest

from state.errors import Invalid
from state.merge import picked
from state.schema import strategies

BASE: dict[str, Any] = {"a": 1, "b": {"x": 1, "y": 1}, "c": [1]}
THEIRS: dict[str, Any] = {"a": 2, "b": {"x": 2, "y": 1}, "c": [1], "new": True}
MINE: dict[str, Any] = {"a": 3, "b": {"x": 1, "y": 3}}


@pytest.mark.parametrize(
    ("picks", "values", "result", "decided"),
    [
        ({}, {}, 2, False),
        ({"/a": "theirs"}, {}, 2, True),
        ({"/a": "mine"}, {}, 3, True),
        ({"/a": "base"}, {}, 1, True),
        ({}, {"/a": None}, None, True),
    ],
)
def test_where_both_changed_it_the_choice_stands(
    picks: Any, values: Any, result: Any, decided: bool
) -> None:
    data, all_decided = picked(BASE, THEIRS, MINE, picks, values)
    assert data == {"a": result, "b": {"x": 2, "y": 3}, "new": True}
    assert all_decided is decided


def test_a_path_that_a_merge_joins_by_itself_can_be_chosen_too() -> None:
    picks: Any = {"/a": "mine", "/b/x": "mine", "/c": "theirs", "/new": "base"}
    data, _ = picked(BASE, THEIRS, MINE, picks)
    assert data == {"a": 3, "b": {"x": 1, "y": 3}, "c": [1]}
    data, _ = picked(BASE, THEIRS, MINE, {"/a": "mine"}, {"/b/x": 9, "/deep/er": 1})
    assert data["b"] == {"x": 9, "y": 3} and data["deep"] == {"er": 1}


def test_elements_of_keyed_lists_are_chosen_by_their_place() -> None:
    def people(*ages: int) -> dict[str, Any]:
        return {"crew": [{"id": n, "age": age} for n, age in enumerate(ages)]}

    strategy = strategies({"properties": {"crew": {"x-stars-merge": "map:id"}}})
    data, decided = picked(
        people(1, 1), people(2, 1), people(3, 1), {}, {"/crew/0/age": 7}, strategy
    )
    assert data == people(7, 1) and decided


def test_a_choice_at_what_is_no_path() -> None:
    with pytest.raises(Invalid):
        picked(BASE, THEIRS, MINE, {"/a": "mine"}, {"a~b": 1})
