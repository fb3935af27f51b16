"""Laws of judging (hypothesis), and the seed's faults of shared-state 0.3, each shown to be gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from state import jsonvalue
from state.conflicts import Apply, ConflictDetector, Decision, Park, Refuse, Unchanged, decide
from state.refusals import Unresolved
from state.values import (
    ConflictInfo,
    ConflictResolution,
    ConflictType,
    Entry,
    Json,
    MergeFallback,
    Operation,
    OperationType,
)
from tests.state_core.conflict_cases import BASE, LAST_WRITE, MERGE, Case, drop, patch, put, write
from tests.state_core.strategies import SMALL, SMALL_DOCUMENTS

Drawn = tuple[Case, tuple[Operation, ...]]

PATHS = st.lists(st.sampled_from(["a", "b", "0", "1", "-"]), min_size=1, max_size=3).map(
    jsonvalue.pointer
)
ANY_OPS = st.one_of(
    st.builds(put, PATHS, SMALL),
    st.builds(drop, PATHS.filter(lambda path: not path.endswith("-"))),
    st.builds(patch, PATHS, SMALL_DOCUMENTS),
    st.builds(put, st.just(""), SMALL_DOCUMENTS),
)
#: Objects and numbers only: where every change is one of a path.
TREES = st.recursive(
    st.integers(0, 3), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
TREE_DOCUMENTS = st.dictionaries(st.sampled_from("abc"), TREES, max_size=3)
TREE_PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(jsonvalue.pointer)
TREE_OPS = st.one_of(
    st.builds(put, TREE_PATHS, TREES),
    st.builds(drop, TREE_PATHS),
    st.builds(patch, TREE_PATHS, TREE_DOCUMENTS),
    st.builds(put, st.just(""), TREE_DOCUMENTS),
)
SETTINGS = st.fixed_dictionaries(
    {
        "resolution": st.sampled_from(list(ConflictResolution)),
        "merge_fallback": st.sampled_from(list(MergeFallback)),
        "resolver": st.just("park"),
    }
)


def fitting(ops: list[Operation], data: Json) -> tuple[Operation, ...]:
    """Those that can be applied in this order."""
    kept = []
    for op in ops:
        try:
            data = jsonvalue.apply(data, (op,))
        except jsonvalue.Inapplicable:
            continue
        kept.append(op)
    return tuple(kept)


@st.composite
def cases(
    draw: st.DrawFn,
    documents: st.SearchStrategy[Any] = SMALL_DOCUMENTS,
    ops: st.SearchStrategy[Operation] = ANY_OPS,
    strategies: tuple[str, ...] = ("", "set", "append", "counter", "granular"),
) -> Drawn:
    """A state, up to three entries of others, and operations that fit what their writer saw."""
    base = draw(documents)
    entries: list[Entry] = []
    data: Json = base
    for _ in range(draw(st.integers(0, 3))):
        theirs = fitting(draw(st.lists(ops, min_size=1, max_size=2)), data)
        data = jsonvalue.apply(data, theirs)
        entries.append(write(*theirs))
    case = Case(base, *entries, merge=draw(st.sampled_from(strategies)), **draw(SETTINGS))
    return case, fitting(draw(st.lists(ops, min_size=1, max_size=3)), base)


def told(decision: Decision) -> list[str]:
    """Paths that the writer is told of, or the log."""
    found = [cause.path for cause in decision.conflict.causes] if decision.conflict else []
    return found + [each.path for each in getattr(decision, "overwrote", ())]


def result_of(case: Case, decision: Decision) -> Json:
    event(type(decision).__name__ + ("" if decision.conflict is None else " with conflict"))
    if isinstance(decision, Refuse | Park):
        assert decision.conflict.causes
        assume(False)
    return decision.data if isinstance(decision, Apply) else case.head.data


def edits(before: Json, after: Json) -> Iterator[tuple[str, Json]]:
    """Each changed leaf with what it became."""
    for op in jsonvalue.diff(before, after):
        if op.op is OperationType.DELETE:
            yield op.path, jsonvalue.MISSING
        else:
            for path in jsonvalue.leaves(op.value, op.path):
                yield path, jsonvalue.get(after, path)


@settings(max_examples=150)
@given(cases(TREE_DOCUMENTS, TREE_OPS, strategies=("",)))
def test_no_edit_is_lost_silently(drawn: Drawn) -> None:
    """Each leaf that either side changed is in the result as that side left it, or in causes, or in overwrote."""
    case, ops = drawn
    decision = case.decide(*ops)
    result = result_of(case, decision)
    for side in (jsonvalue.apply(case.base, ops), case.head.data):
        for path, wanted in edits(case.base, side):
            here = jsonvalue.get(result, path)
            kept = isinstance(here, dict) if wanted == {} else here == wanted
            assert kept or any(jsonvalue.overlap(path, each) for each in told(decision)), path


@settings(max_examples=150)
@given(st.data(), st.sampled_from(["", "set", "append"]), SETTINGS)
def test_no_element_of_an_array_is_lost_doubled_or_brought_back_silently(
    data: st.DataObject, strategy: str, chosen: dict[str, Any]
) -> None:
    base = {"l": list(range(data.draw(st.integers(0, 3))))}
    fresh = iter(range(100, 200))
    places = st.sampled_from(["-", "-", "0", "1", "2"])

    def draw_ops(document: Json) -> tuple[Operation, ...]:
        drawn = data.draw(st.lists(st.tuples(st.booleans(), places), max_size=3))
        ops = [
            put(f"/l/{at}", next(fresh)) if sets or at == "-" else drop(f"/l/{at}")
            for sets, at in drawn
        ]
        return fitting(ops, document)

    theirs = draw_ops(base)
    case = Case(base, write(*theirs), merge=strategy, **chosen)
    ops = draw_ops(base)
    decision = case.decide(*ops)
    result = result_of(case, decision)["l"]
    if any(path.startswith("/l") for path in told(decision)):
        return
    before, mine, head = base["l"], jsonvalue.apply(base, ops)["l"], case.head.data["l"]
    wanted = {n for n in before if n in mine and n in head} | ({*mine, *head} - {*before})
    assert sorted(result) == sorted(wanted)


@settings(max_examples=100)
@given(st.integers(-5, 5), st.lists(st.integers(-5, 5), max_size=3), st.integers(-5, 5), SETTINGS)
def test_no_increment_is_lost(
    start: int, others: list[int], mine: int, chosen: dict[str, Any]
) -> None:
    entries, total = [], start
    for each in others:
        total += each
        entries.append(write(put("/n", total)))
    case = Case({"n": start}, *entries, merge="counter", **chosen)
    decision = case.decide(put("/n", start + mine))
    assert decision.conflict is None
    assert result_of(case, decision) == {"n": total + mine}


@settings(max_examples=100)
@given(cases())
def test_the_log_leads_to_the_document_and_each_path_is_told_once_per_type(drawn: Drawn) -> None:
    case, ops = drawn
    decision = case.decide(*ops)
    if isinstance(decision, Apply):
        replayed = jsonvalue.apply(case.head.data, decision.ops)
        assert jsonvalue.json_equal(replayed, decision.data)
        assert not jsonvalue.json_equal(case.head.data, decision.data)
        assert decision.ops
        paths = [each.path for each in decision.overwrote]
        assert len(paths) == len(set(paths))
    if decision.conflict is not None:
        keys = [(cause.type, cause.path) for cause in decision.conflict.causes]
        assert len(keys) == len(set(keys))
        order = [list(ConflictType).index(kind) for kind, _ in keys]
        assert order == sorted(order)
        assert decision.conflict.type is keys[0][0]
        assert set(decision.conflict.metadata["paths"]) == {path for _, path in keys}


@settings(max_examples=100)
@given(cases())
def test_a_write_on_the_present_version_is_never_in_conflict(drawn: Drawn) -> None:
    case, ops = drawn
    assume(fitting(list(ops), case.head.data) == ops)
    decision = case.decide(*ops, base_version=None, base_data=None, since=())
    expected = jsonvalue.apply(case.head.data, ops)
    assert not isinstance(decision, Refuse | Park)
    assert decision.conflict is None
    assert jsonvalue.json_equal(result_of(case, decision), expected)


def turned(value: Json) -> Json:
    """The same with keys in the opposite order."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(each) for each in value] if isinstance(value, list) else value


@settings(max_examples=150)
@given(cases(), st.datetimes(), st.datetimes())
def test_the_answer_depends_on_the_question_only_not_on_key_order_or_clocks(
    drawn: Drawn, one: datetime, other: datetime
) -> None:
    """The seed took a map's first key and compared timestamps."""
    case, ops = drawn
    replace = msgspec.structs.replace
    incoming = case.incoming(*ops)
    first = decide(incoming, case.head, ConflictDetector())
    assert msgspec.to_builtins(first) == msgspec.to_builtins(
        decide(incoming, case.head, ConflictDetector())
    )
    again = decide(
        replace(
            incoming,
            at=one.replace(tzinfo=UTC),
            base_data=turned(incoming.base_data),
            since=tuple(replace(each, at=other.replace(tzinfo=UTC)) for each in case.since),
        ),
        replace(case.head, data=turned(case.head.data), timestamp=other.replace(tzinfo=UTC)),
        ConflictDetector(),
    )
    assert type(again) is type(first)
    assert told(again) == told(first)
    assert getattr(again, "data", None) == getattr(first, "data", None)


# -- the seed's faults, 0.3 -----------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(SMALL, SMALL, SMALL, st.sampled_from(list(ConflictResolution)))
def test_detection_is_not_always_nothing(
    base: Json, theirs: Json, mine: Json, resolution: ConflictResolution
) -> None:
    """Two different values for one path are a conflict, whatever is made of it then."""
    assume(not jsonvalue.json_equal(theirs, mine))
    case = Case({"a": base}, write(put("/a", theirs)), resolution=resolution, resolver="park")
    found = case.detect(put("/a", mine))
    assert found is not None
    assert found.metadata["paths"] == ("/a",)


def test_the_states_of_a_conflict_have_their_ids_and_versions() -> None:
    found = Case({"a": 1}, write(put("/a", 2))).detect(put("/a", 3))
    assert {name: (each.id, each.version) for name, each in found.states.items()} == {
        "base": ("plan", BASE),
        "current": ("plan", BASE + 1),
        "incoming": ("plan", BASE),
    }


@pytest.mark.parametrize("strategy", list(ConflictResolution))
def test_settling_a_conflict_without_states_is_refused_and_does_not_crash(
    strategy: ConflictResolution,
) -> None:
    bare = ConflictInfo(conflict_id="c", type=ConflictType.WRITE_WRITE, description="")
    with pytest.raises(Unresolved):
        ConflictDetector().resolve_conflict(bare, strategy)


def test_the_later_commit_wins_though_its_clock_is_behind() -> None:
    case = Case({"a": 1}, write(put("/a", "theirs")), resolution=LAST_WRITE)
    decision = case.decide(put("/a", "mine"), at=datetime(1970, 1, 1, tzinfo=UTC))
    assert isinstance(decision, Apply)
    assert decision.data == {"a": "mine"}


def test_a_merge_is_not_a_choice_between_two_states() -> None:
    case = Case({}, write(put("/x", 1)), write(put("/y", 2)), resolution=MERGE)
    decision = case.decide(put("", {"z": 3}))
    assert isinstance(decision, Apply)
    assert decision.data == {"x": 1, "y": 2, "z": 3}
    assert not isinstance(decision, Unchanged)
