"""What each resolution makes of a conflict (shared-state 1.6), and what none of them may do."""

from __future__ import annotations

from typing import Any

import pytest

from state.conflicts import Unchanged
from state.errors import Invalid
from state.values import (
    ConflictResolution,
    ConsistencyLevel,
    MergeFallback,
    Overwritten,
    ReadPolicy,
)
from tests.state_core.conflict_cases import (
    BASE,
    CUSTOM,
    LAST_WRITE,
    MERGE,
    REJECT,
    Case,
    applied,
    cas,
    drop,
    parked,
    present,
    put,
    refused,
    replays,
    told,
    write,
)

COUNTER = {"properties": {"n": {"type": "integer", "x-stars-merge": "counter"}}}
TAGS = {"properties": {"tags": {"type": "array", "x-stars-merge": "set"}}}


# -- reject ---------------------------------------------------------------------------------------------------------


def test_reject_writes_nothing_and_names_the_paths() -> None:
    case = Case({"a": 1, "b": 1}, write(put("/a", 2)))
    decision = refused(case.decide(put("/a", 3), put("/b", 3)))
    assert decision.unresolved == ("/a",)
    assert decision.conflict.resolution is REJECT


# -- last_write -----------------------------------------------------------------------------------------------------


def test_last_write_applies_and_keeps_what_it_overwrote() -> None:
    case = Case(
        {"a": 1, "b": {"x": 1}},
        write(put("/a", 2), by="agent:w8"),
        write(put("/b/x", 2), put("/c", 2), by="agent:w9"),
        resolution=LAST_WRITE,
    )
    done = applied(case.decide(put("/a", 3), put("/b", {})))
    assert done.data == {"a": 3, "b": {}, "c": 2}
    assert done.overwrote == (
        Overwritten("/a", 2, "agent:w8", BASE + 1),
        Overwritten("/b/x", 2, "agent:w9", BASE + 2),
    )
    assert (done.settled, done.merged) == (LAST_WRITE, False)
    assert present(done.conflict).metadata["paths"] == ("/a", "/b/x")


def test_last_write_goes_by_the_order_of_commits_and_never_by_clocks() -> None:
    entry = write(put("/a", 2))
    case = Case({"a": 1}, entry, resolution=LAST_WRITE)
    early = entry.at.replace(year=1999)
    assert applied(case.decide(put("/a", 3), at=early)).data == {"a": 3}


def test_last_write_still_merges_what_commutes() -> None:
    case = Case({"n": 10}, write(put("/n", 15)), resolution=LAST_WRITE, schema=COUNTER)
    done = applied(case.decide(put("/n", 11)))
    assert (done.data, done.merged, done.overwrote) == ({"n": 16}, True, ())


def test_last_write_that_replaces_a_counter_from_above_keeps_its_value() -> None:
    case = Case({"n": 10}, write(put("/n", 15)), resolution=LAST_WRITE, schema=COUNTER)
    done = applied(case.decide(put("", {"n": 11})))
    assert done.data == {"n": 11}
    assert [(each.path, each.value) for each in done.overwrote] == [("/n", 15)]


def test_last_write_keeps_the_order_of_operations_that_hang_together() -> None:
    case = Case(
        {"tags": ["a"], "x": 1},
        write(put("/x", 2), put("/tags/-", "t")),
        resolution=LAST_WRITE,
        schema=TAGS,
    )
    done = applied(case.decide(put("", {"tags": ["a"], "x": 9}), put("/tags/-", "m")))
    assert done.data == {"tags": ["a", "m"], "x": 9}
    assert [(each.path, each.value) for each in done.overwrote] == [
        ("/tags", ["a", "t"]),
        ("/x", 2),
    ]


def test_last_write_counts_nothing_as_overwritten_that_still_stands() -> None:
    case = Case({"a": 1, "b": 1}, write(put("/a", 2), put("/b", 2)), resolution=LAST_WRITE)
    done = applied(case.decide(put("/a", 2), put("/b", 3)))
    assert [each.path for each in done.overwrote] == ["/b"]


def test_last_write_does_not_settle_a_misfit_with_the_schema() -> None:
    schema = {"properties": {"l": {"maxItems": 2}}}
    case = Case({"l": [1]}, write(put("/l/-", 2)), resolution=LAST_WRITE, schema=schema)
    assert told(refused(case.decide(put("/l/-", 3))).conflict) == [("schema", "invalid", "/l")]


def test_last_write_over_a_changed_read_is_told_as_settled() -> None:
    case = Case({"goal": 1}, write(put("/goal", 2)), resolution=LAST_WRITE)
    done = applied(case.decide(put("/x", 1), reads=("/goal",)))
    assert told(done.conflict) == [("read_write", "read_changed", "/goal")]
    assert done.settled is LAST_WRITE


# -- merge ----------------------------------------------------------------------------------------------------------


def test_merge_joins_what_can_be_joined() -> None:
    case = Case({"a": {"x": 1, "y": 1}}, write(put("/a", {"x": 2, "y": 1})), resolution=MERGE)
    done = applied(case.decide(put("/a", {"x": 1, "y": 2})))
    assert done.data == {"a": {"x": 2, "y": 2}}
    assert (done.merged, done.settled) == (True, MERGE)
    assert replays(case, done)


def test_merge_refuses_with_the_unsettled_paths_only() -> None:
    case = Case(
        {"a": {"x": 1, "y": 1}, "n": 1},
        write(put("/a", {"x": 2, "y": 2}), put("/n", 2)),
        resolution=MERGE,
        schema=COUNTER,
    )
    decision = refused(case.decide(put("/a", {"x": 3, "y": 2}), put("/n", 5)))
    assert told(decision.conflict) == [("write_write", "both_changed", "/a/x")]
    assert decision.unresolved == ("/a/x",)
    (cause,) = decision.conflict.causes
    assert (cause.base, cause.theirs, cause.mine, cause.by) == (1, 2, 3, "agent:w2")


def test_merge_falls_back_to_ours_and_keeps_what_that_overwrote() -> None:
    case = Case(
        {"a": 1, "b": 1},
        write(put("/a", 2), drop("/b")),
        resolution=MERGE,
        merge_fallback=MergeFallback.OURS,
    )
    done = applied(case.decide(put("/a", 3), put("/b", 3), put("/c", 3)))
    assert done.data == {"a": 3, "b": 3, "c": 3}
    assert [(each.path, each.value) for each in done.overwrote] == [("/a", 2), ("/b", None)]
    assert done.settled is MERGE


def test_merge_falls_back_to_theirs_and_says_so_even_when_nothing_is_left_to_write() -> None:
    settings = {"resolution": MERGE, "merge_fallback": MergeFallback.THEIRS}
    case = Case({"a": 1}, write(put("/a", 2)), **settings)
    done = applied(case.decide(put("/a", 3), put("/c", 3)))
    assert done.data == {"a": 2, "c": 3}
    assert present(done.conflict).causes[0].mine == 3
    nothing = case.decide(put("/a", 3))
    assert isinstance(nothing, Unchanged)
    assert nothing.settled is MERGE
    assert present(nothing.conflict).causes[0].mine == 3


def test_merge_falls_back_to_asking_the_one_the_state_names() -> None:
    case = Case(
        {"a": {"x": 1}, "l": [1]},
        write(put("/a", {"x": 2}), put("/l/-", 2)),
        resolution=MERGE,
        merge_fallback=MergeFallback.PARK,
        resolver="role:leader",
    )
    decision = parked(case.decide(put("/a", {"x": 3}), put("/l/-", 3)))
    assert decision.resolver == "role:leader"
    # Whoever resolves picks by path from a merge of the whole documents, where the array collides as well.
    assert decision.conflict.metadata["paths"] == ("/a/x", "/l")
    assert decision.conflict.states["incoming"].data == {"a": {"x": 3}, "l": [1, 3]}


def test_merge_heeds_reads_unless_the_state_says_otherwise() -> None:
    entry = write(put("/goal", 2))
    strict = Case({"goal": 1}, entry, resolution=MERGE, merge_fallback=MergeFallback.OURS)
    decision = refused(strict.decide(put("/x", 1), reads=("/goal",)))
    assert told(decision.conflict) == [("read_write", "read_changed", "/goal")]
    lax = Case({"goal": 1}, entry, resolution=MERGE, read_policy=ReadPolicy.IGNORE)
    assert applied(lax.decide(put("/x", 1), reads=("/goal",))).data == {"goal": 2, "x": 1}


def test_merge_refuses_a_result_that_violates_the_schema_though_each_side_is_fine() -> None:
    schema = {"properties": {"a": {"maxProperties": 2}}}
    case = Case({"a": {}}, write(put("/a", {"x": 1})), resolution=MERGE, schema=schema)
    decision = refused(case.decide(put("/a", {"y": 1, "z": 1})))
    assert told(decision.conflict) == [("schema", "invalid", "/a")]
    asking = Case(
        {"a": {}},
        write(put("/a", {"x": 1})),
        resolution=MERGE,
        schema=schema,
        merge_fallback=MergeFallback.PARK,
    )
    assert parked(asking.decide(put("/a", {"y": 1, "z": 1}))).resolver == ""


@pytest.mark.parametrize("resolution", [REJECT, MERGE, LAST_WRITE])
def test_two_increments_from_one_base_are_both_counted(resolution: ConflictResolution) -> None:
    case = Case({"n": 10}, write(put("/n", 11)), resolution=resolution, schema=COUNTER)
    done = applied(case.decide(put("/n", 11)))
    assert (done.data, done.merged, done.conflict) == ({"n": 12}, True, None)
    assert replays(case, done)


@pytest.mark.parametrize("resolution", [MERGE, LAST_WRITE])
def test_equal_increments_are_counted_also_beside_a_conflict(
    resolution: ConflictResolution,
) -> None:
    case = Case(
        {"n": 10, "a": {}},
        write(put("/n", 11), put("/a", {"t": 1})),
        resolution=resolution,
        schema=COUNTER,
    )
    done = applied(case.decide(put("/n", 11), put("/a", {"m": 1})))
    assert done.data["n"] == 12
    assert present(done.conflict).metadata["paths"] == ("/a",)


def test_a_set_takes_an_element_that_both_appended_once() -> None:
    case = Case({"tags": ["a"]}, write(put("/tags/-", "b"), put("/tags/-", "c")), schema=TAGS)
    done = applied(case.decide(put("/tags/-", "c"), put("/tags/-", "d")))
    assert done.data == {"tags": ["a", "b", "c", "d"]}


def test_pipelined_increments_count_what_others_added_between() -> None:
    # I saw 10 and wrote 11 (merged to 16 over another's +5); not knowing of that, I now write 12.
    case = Case(
        {"n": 10},
        write(put("/n", 15)),
        write(put("/n", 16), by="agent:w1", op_id="mine-1"),
        resolution=MERGE,
        schema=COUNTER,
    )
    assert applied(case.decide(put("/n", 12), after=("mine-1",))).data == {"n": 17}


def test_a_strategy_that_does_not_suit_the_values_leaves_a_conflict() -> None:
    case = Case({"tags": ["a"]}, write(put("/tags", "none")), resolution=REJECT, schema=TAGS)
    case_types = told(refused(case.decide(put("/tags/-", "b"))).conflict)
    assert ("write_write", "type_change", "/tags") in case_types


def test_merge_rebases_operations_that_meet_nobody_beside_those_that_do() -> None:
    case = Case(
        {"rows": [{"v": 1}, {"v": 2}], "log": [], "a": {"x": 1}},
        write(put("/rows/0/v", 5), put("/log/-", "t"), put("/a", {"x": 1, "t": 1})),
        resolution=MERGE,
    )
    done = applied(
        case.decide(put("/rows/1/v", 6), put("/log/-", "m"), put("/a", {"x": 1, "m": 1}))
    )
    assert done.data == {
        "rows": [{"v": 5}, {"v": 6}],
        "log": ["t", "m"],
        "a": {"x": 1, "t": 1, "m": 1},
    }
    assert replays(case, done)


def test_operations_that_hang_together_are_merged_together() -> None:
    case = Case({"l": ["x"], "a": 1}, write(put("/l/-", "t")), resolution=MERGE)
    decision = refused(case.decide(put("/l/-", "m"), put("/l/0", "n"), put("/a", 2)))
    assert decision.conflict.causes[0].path == "/l"
    assert decision.conflict.causes[0].mine == ["n", "m"]


# -- custom ---------------------------------------------------------------------------------------------------------


def test_custom_parks_for_whom_the_state_names() -> None:
    entry = write(put("/a", 2))
    for resolver, asked in [("park", ""), ("agent:judge", "agent:judge")]:
        case = Case({"a": 1}, entry, resolution=CUSTOM, resolver=resolver)
        decision = parked(case.decide(put("/a", 3)))
        assert (decision.resolver, decision.conflict.resolution) == (asked, CUSTOM)


# -- what no resolution does ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("resolution", list(ConflictResolution))
@pytest.mark.parametrize(
    "demand",
    [
        {"exact": True},
        {"base_version": BASE + 9},
        {"op": cas("/b", 3, expect="other")},
        {"op": cas("/b", 3, expect_absent=True)},
        {"op": cas("/b", 3, expect_version=BASE)},
    ],
)
def test_no_resolution_overrides_an_explicit_precondition(
    resolution: ConflictResolution, demand: dict[str, Any]
) -> None:
    case = Case(
        {"a": 1, "b": 1},
        write(put("/a", 2)),
        resolution=resolution,
        merge_fallback=MergeFallback.OURS,
        resolver="park",
        read_policy=ReadPolicy.IGNORE,
    )
    more = dict(demand)
    op = more.pop("op", put("/c", 1))
    refused(case.decide(put("/a", 3), op, **more))


@pytest.mark.parametrize("own", list(ConflictResolution))
@pytest.mark.parametrize("asked", list(ConflictResolution))
def test_a_request_may_be_stricter_and_looser_only_by_leave(
    own: ConflictResolution, asked: ConflictResolution
) -> None:
    strict = [REJECT, CUSTOM, MERGE, LAST_WRITE]
    case = Case({"a": 1}, write(put("/a", 2)), resolution=own, resolver="park")
    if strict.index(asked) <= strict.index(own):
        case.decide(put("/a", 3), resolution=asked)
    else:
        with pytest.raises(Invalid) as refusal:
            case.decide(put("/b", 3), resolution=asked)
        assert refusal.value.status == 422
        assert set(refusal.value.fields) == {"resolution"}
    free = Case({"a": 1}, write(put("/a", 2)), resolution=own, resolver="park", allow_override=True)
    decision = free.decide(put("/a", 3), resolution=asked)
    assert present(decision.conflict).resolution is asked


def test_a_looser_request_in_a_strong_state_is_not_exact_any_more() -> None:
    case = Case(
        {"a": 1}, write(put("/b", 2)), consistency=ConsistencyLevel.STRONG, allow_override=True
    )
    refused(case.decide(put("/a", 3)))
    assert applied(case.decide(put("/a", 3), resolution=MERGE)).data == {"a": 3, "b": 2}
