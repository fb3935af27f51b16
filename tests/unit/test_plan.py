"""Plans: what is refused, field by field, and circles of dependencies."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groups.errors import PlanInvalid
from groups.execution.plan import (
    MAX_INSTRUCTIONS,
    MAX_SUBTASKS,
    MAX_TITLE,
    Plan,
    PlanItem,
    candidates,
    find_cycle,
    plan_from_json,
    validate,
)
from tests.unit.world import LENA, WES, WIM, item, plan

MEMBERS = [LENA, WIM, WES]


def faults(proposal: Plan) -> dict[str, list[str]]:
    with pytest.raises(PlanInvalid) as caught:
        validate(proposal, MEMBERS)
    return caught.value.fields


def test_a_good_plan_passes_and_survives_json() -> None:
    good = plan(item("a"), item("b", "a", assignee="steady"), item("c", "a", "b"), note="because")
    validate(good, MEMBERS)
    assert plan_from_json(good.as_json()) == good


def test_a_plan_needs_something_to_do() -> None:
    assert "at least one" in faults(plan())["subtasks"][0]


def test_a_plan_has_a_cap() -> None:
    validate(plan(*(item(f"k{n}") for n in range(MAX_SUBTASKS))), MEMBERS)
    many = faults(plan(*(item(f"k{n}") for n in range(MAX_SUBTASKS + 1))))
    assert str(MAX_SUBTASKS) in many["subtasks"][0]


@pytest.mark.parametrize(
    "key", ["", " ", "a b", "ä", ".a", "-a", "a" * 65, "plan", "summary", "a\n", "a\x00", "\ud800"]
)
def test_keys_are_simple_and_not_reserved(key: str) -> None:
    assert "subtasks[0].key" in faults(plan(item(key)))


@pytest.mark.parametrize("key", ["a", "A.b_c-1", "0", "a" * 64, "Plan"])
def test_simple_keys_are_taken(key: str) -> None:
    validate(plan(item(key)), MEMBERS)


def test_a_key_is_used_once() -> None:
    found = faults(plan(item("a"), item("b"), item("a")))
    assert list(found) == ["subtasks[2].key"]
    assert "twice" in found["subtasks[2].key"][0]


@pytest.mark.parametrize("title", [" ", "x" * (MAX_TITLE + 1), "a\x00b", "\ud800"])
def test_titles_are_bounded_and_storable(title: str) -> None:
    assert "subtasks[0].title" in faults(plan(item("a", title=title)))


@pytest.mark.parametrize("text", ["x" * (MAX_INSTRUCTIONS + 1), "a\x00b", "half \udc00"])
def test_instructions_are_bounded_and_storable(text: str) -> None:
    bad = PlanItem(key="a", title="A", assignee="wim", instructions=text)
    assert "subtasks[0].instructions" in faults(plan(bad))


@pytest.mark.parametrize("note", ["x" * (MAX_INSTRUCTIONS + 1), "a\x00b", "half \udc00"])
def test_the_note_is_bounded_and_storable(note: str) -> None:
    assert "note" in faults(plan(item("a"), note=note))


@pytest.mark.parametrize("assignee", ["", "nobody", "boss", "WIM"])
def test_an_assignee_is_a_member_or_a_workers_tag(assignee: str) -> None:
    # 'boss' is a tag of the leader's: only workers are found by tag.
    assert "subtasks[0].assignee" in faults(plan(item("a", assignee=assignee)))


def test_the_leader_may_take_work_by_its_id() -> None:
    validate(plan(item("a", assignee="lena")), MEMBERS)


def test_an_id_wins_over_a_tag_of_the_same_name() -> None:
    wim_tagged = type(WES)(agent_id="x", role="worker", tags=("wim",))
    assert candidates([*MEMBERS, wim_tagged], "wim") == [WIM]
    assert candidates(MEMBERS, "steady") == [WIM, WES]


def test_dependencies_must_exist() -> None:
    found = faults(plan(item("a", "ghost"), item("b", "a")))
    assert list(found) == ["subtasks[0].depends_on"]
    assert "ghost" in found["subtasks[0].depends_on"][0]


@pytest.mark.parametrize(
    "items",
    [
        [item("a", "a")],
        [item("a", "b"), item("b", "a")],
        [item("x"), item("a", "x", "c"), item("b", "a"), item("c", "b"), item("y", "c")],
    ],
)
def test_circles_are_named(items: list[PlanItem]) -> None:
    message = faults(plan(*items))["subtasks"][0]
    assert "wait for each other" in message and "a" in message
    circle = find_cycle(plan(*items))
    needs = {each.key: each.depends_on for each in items}
    assert circle[0] == circle[-1]
    assert all(b in needs[a] for a, b in itertools.pairwise(circle))


def test_a_diamond_is_no_circle() -> None:
    diamond = plan(item("a"), item("b", "a"), item("c", "a"), item("d", "b", "c"))
    assert find_cycle(diamond) == []


def test_a_long_chain_needs_no_deep_recursion() -> None:
    chain = [item("k0"), *(item(f"k{n}", f"k{n - 1}") for n in range(1, 20_000))]
    assert find_cycle(plan(*reversed(chain))) == []


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14))
def test_circles_are_found_exactly_when_there_are_any(edges: list[tuple[int, int]]) -> None:
    needs = {n: {b for a, b in edges if a == n} for n in range(7)}
    found = find_cycle(plan(*(item(f"k{n}", *(f"k{m}" for m in needs[n])) for n in range(7))))
    # Kahn: take away what waits for nothing, again and again; what is left holds a circle.
    left = dict(needs)
    while free := [n for n, waits in left.items() if not waits & left.keys()]:
        for n in free:
            del left[n]
    assert bool(found) == bool(left)


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (None, "plan"),
        ([], "plan"),
        ("plan", "plan"),
        ({}, "plan"),
        ({"subtasks": None}, "subtasks"),
        ({"subtasks": {}}, "subtasks"),
        ({"subtasks": [1]}, "subtasks[0]"),
        ({"subtasks": [{"key": "a", "title": "A"}]}, "subtasks[0]"),
        ({"subtasks": [{"key": 1, "title": "A", "assignee": "wim"}]}, "subtasks[0].key"),
        (
            {"subtasks": [{"key": "a", "title": "A", "assignee": "wim", "depends_on": "b"}]},
            "subtasks[0].depends_on",
        ),
        (
            {"subtasks": [{"key": "a", "title": "A", "assignee": "wim", "depends_on": [1]}]},
            "subtasks[0].depends_on[0]",
        ),
        ({"subtasks": [], "note": 1}, "note"),
    ],
)
def test_a_wrong_shape_is_refused_by_field(value: Any, field: str) -> None:
    with pytest.raises(PlanInvalid) as caught:
        plan_from_json(value)
    assert [field] == list(caught.value.fields)
