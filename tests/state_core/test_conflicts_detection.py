"""Detection step by step (shared-state 1.5): what is a conflict, what is not, and how it is told."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from state.refusals import Compacted, Damaged, Unprocessable
from state.values import (
    ConflictType,
    ConsistencyLevel,
    EntryKind,
    Operation,
    OperationStatus,
)
from tests.state_core.conflict_cases import (
    BASE,
    LAST_WRITE,
    MERGE,
    OTHER_UID,
    UID,
    Case,
    applied,
    cas,
    drop,
    patch,
    put,
    refused,
    replays,
    told,
    write,
)

STRONG = ConsistencyLevel.STRONG


def test_step_1_a_deleted_state_refuses_a_write_that_names_its_base() -> None:
    case = Case({"a": 1}, write(kind=EntryKind.DELETE), deleted=True)
    found = case.detect(put("/a", 2))
    assert told(found) == [("version", "deleted", "")]
    assert "deleted" in found.description
    refused(Case({}, deleted=True, resolution=LAST_WRITE).decide(put("/a", 2)))


def test_step_2_a_base_that_was_never_reached_is_a_conflict() -> None:
    case = Case({"a": 1}, resolution=LAST_WRITE)
    found = refused(case.decide(put("/a", 2), base_version=BASE + 5)).conflict
    assert told(found) == [("version", "future", "")]
    assert found.metadata["base_version"] == BASE + 5
    assert found.metadata["head_version"] == BASE


def test_step_2_a_base_of_an_earlier_life_is_a_conflict_by_its_uid_or_by_the_log() -> None:
    case = Case({"a": 1}, write(put("/b", 1)), resolution=MERGE)
    assert told(case.detect(put("/a", 2), base_uid=OTHER_UID)) == [("version", "uid", "")]
    assert case.find(put("/a", 2), base_uid=UID) is None
    reborn = Case(
        {"a": 1},
        write(drop(""), kind=EntryKind.DELETE, uid=OTHER_UID),
        write(put("", {"a": 5}), kind=EntryKind.CREATE),
        resolution=MERGE,
    )
    assert told(reborn.detect(put("/b", 2))) == [("version", "uid", "")]


def test_step_3_without_the_base_data_paths_are_not_guessed() -> None:
    case = Case({"a": 1}, write(put("/b", 1)), resolution=LAST_WRITE, compacted_version=8)
    with pytest.raises(Compacted) as refusal:
        case.decide(put("/a", 2), base_data=None, since=())
    assert refusal.value.extra["compacted_version"] == 8
    found = refused(case.decide(put("/a", 2), base_data=None, since=(), exact=True)).conflict
    assert told(found) == [("version", "stale", "")]


def test_step_4_an_exact_precondition_fails_on_any_other_version() -> None:
    case = Case({"a": 1}, write(put("/b", 1)), resolution=LAST_WRITE)
    assert told(case.detect(put("/a", 2), exact=True)) == [("version", "stale", "")]
    refused(case.decide(put("/a", 2), exact=True))
    applied(Case({"a": 1}).decide(put("/a", 2), exact=True))


def test_step_4_reject_in_a_strong_state_is_exact_and_another_resolution_is_not() -> None:
    entry = write(put("/b", 1))
    strict = Case({"a": 1}, entry, consistency=STRONG)
    assert told(strict.detect(put("/a", 2))) == [("version", "stale", "")]
    assert Case({"a": 1}, entry).find(put("/a", 2)) is None
    merging = Case({"a": 1}, entry, consistency=STRONG, resolution=MERGE)
    assert merging.find(put("/a", 2)) is None


def test_step_4_a_change_of_settings_fails_an_exact_base_and_no_path() -> None:
    case = Case({"a": 1}, write(kind=EntryKind.CONFIG, config={"tags": ["x"]}))
    assert told(case.detect(put("/a", 2), exact=True)) == [("version", "stale", "")]
    assert applied(case.decide(put("/a", 2), reads="auto")).data == {"a": 2}


@pytest.mark.parametrize(
    ("op", "holds"),
    [
        (cas("/n", 9, expect=1), True),
        (cas("/n", 9, expect=1.0), True),
        (cas("/n", 9, expect=2), False),
        (cas("/n", 9, expect=True), False),
        (cas("/null", 9, expect=None), True),
        (cas("/gone", 9, expect=None), False),
        (cas("/gone", 9, expect_absent=True), True),
        (cas("/null", 9, expect_absent=True), False),
        (cas("/n", 9, expect_version=BASE), True),
        (cas("/n", 9, expect_version=BASE - 1), False),
    ],
)
def test_step_5_a_cas_writes_exactly_when_its_condition_holds(op: Operation, holds: bool) -> None:
    case = Case({"n": 1, "null": None}, resolution=LAST_WRITE)
    decision = case.decide(op)
    if holds:
        assert applied(decision).data == case.head.data | {op.path[1:]: 9}
        assert applied(decision).ops == (put(op.path, 9),)
    else:
        refused(decision)


def test_step_5_a_failed_cas_tells_expected_actual_and_the_last_writer() -> None:
    case = Case({"lease": None}, write(put("/lease", "w9"), by="agent:w9"), resolution=MERGE)
    found = refused(case.decide(cas("/lease", "w1", expect=None))).conflict
    assert told(found) == [("write_write", "cas_value", "/lease")]
    (cause,) = found.causes
    assert (cause.expected, cause.theirs, cause.mine) == (None, "w9", "w1")
    assert (cause.by, cause.version) == ("agent:w9", BASE + 1)


def test_step_5_a_failed_expect_version_is_a_version_conflict() -> None:
    case = Case({"n": 1}, write(put("/m", 1)))
    found = case.detect(cas("/n", 2, expect_version=BASE))
    assert told(found) == [("version", "cas", "/n")]
    assert (found.causes[0].expected, found.causes[0].theirs) == (BASE, BASE + 1)


def test_step_5_all_false_conditions_are_told_at_once() -> None:
    case = Case({"a": 1, "b": 2, "c": 3})
    found = case.detect(
        cas("/c", 0, expect=1), cas("/a", 0, expect=1), cas("/b", 0, expect_absent=True)
    )
    assert told(found) == [("write_write", "cas_value", "/b"), ("write_write", "cas_value", "/c")]


def test_step_5_a_true_condition_is_the_only_check_of_its_path() -> None:
    case = Case({"lease": "w2", "x": 1}, write(put("/lease", None)), resolution=MERGE)
    done = applied(case.decide(cas("/lease", "w1", expect=None)))
    assert done.data == {"lease": "w1", "x": 1}
    assert done.conflict is None


@pytest.mark.parametrize(
    ("theirs", "mine", "collides"),
    [
        (put("/a/x", 5), put("/a/x", 6), "/a/x"),
        (put("/a", {"x": 5}), put("/a/x", 6), "/a/x"),
        (put("/a/x", 5), put("/a", {"x": 6}), "/a/x"),
        (put("", {"a": {"x": 5}}), put("/a/x", 6), "/a/x"),
        (drop("/a/x"), put("/a/x", 6), "/a/x"),
        (put("/a/x", 5), drop("/a"), "/a/x"),
        (patch("/a", {"x": 5}), patch("/a", {"x": 6, "z": 1}), "/a/x"),
        (put("/l/0", 5), put("/l/0", 6), "/l/0"),
        (drop("/l/0"), put("/l/1", 6), "/l"),
        (put("/l/1", 6), drop("/l/0"), "/l"),
        (put("/l/-", 5), put("/l/0", 6), "/l"),
        (put("/l", [1]), put("/l/-", 6), "/l"),
        (put("/a/x", 5), put("/a/y", 6), None),
        (patch("/a", {"x": 5}), patch("/a", {"y": 6}), None),
        (put("/l/0", 5), put("/l/1", 6), None),
        (put("/l/-", 5), put("/l/-", 6), None),
        (put("/a~1x", 5), put("/a/x", 6), None),
        (put("/ab", 5), put("/a/x", 6), None),
    ],
)
def test_step_6_writes_collide_exactly_where_they_overlap(
    theirs: Operation, mine: Operation, collides: str | None
) -> None:
    case = Case({"a": {"x": 1, "y": 2}, "l": [1, 2, 3]}, write(theirs))
    found = case.find(mine)
    assert (found and found.metadata["paths"]) == (collides and (collides,))


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        (put("/a/x", 5), put("/a/x", 5)),
        (put("/a/x", 5), put("/a/x", 5.0)),
        (drop("/a"), drop("/a/x")),
        (drop("/a/x"), drop("/a/x")),
        (drop("/l/0"), drop("/l/0")),
        (put("/a", {"x": 5, "y": 2}), patch("/a", {"x": 5})),
    ],
)
def test_step_6_writes_that_leave_the_same_converge(theirs: Operation, mine: Operation) -> None:
    case = Case({"a": {"x": 1, "y": 2}, "l": [1, 2]}, write(theirs))
    assert case.find(mine) is None
    assert type(case.decide(mine)).__name__ == "Unchanged"


def test_step_6_true_and_1_do_not_converge() -> None:
    assert Case({"a": 0}, write(put("/a", 1))).find(put("/a", True)) is not None


@pytest.mark.parametrize(
    ("base", "theirs", "mine", "kind"),
    [
        (1, put("/a", 2), put("/a", 3), "both_changed"),
        (1, put("/a", 2), put("/a", "3"), "type_change"),
        (1, put("/a", True), put("/a", 2), "type_change"),
        (1, drop("/a"), put("/a", 3), "delete_modify"),
        (1, put("/a", 2), drop("/a"), "delete_modify"),
    ],
)
def test_step_6_the_kind_says_how_they_collide(
    base: Any, theirs: Operation, mine: Operation, kind: str
) -> None:
    assert told(Case({"a": base}, write(theirs)).detect(mine)) == [("write_write", kind, "/a")]


def test_step_6_a_cause_carries_all_three_values_and_who_wrote_last() -> None:
    case = Case({"a": 1}, write(put("/a", 2), by="agent:w8"), write(drop("/a"), by="human:ada"))
    (cause,) = case.detect(put("/a", 3)).causes
    assert (cause.base, cause.theirs, cause.mine) == (1, UNSET, 3)
    assert (cause.by, cause.version) == ("human:ada", BASE + 2)


@pytest.mark.parametrize(
    ("first", "second"),
    [(put("/a", {"x": 2}), put("/a/x", 3)), (put("/a/x", 3), put("/a", {"x": 2}))],
)
def test_step_6_the_last_writer_is_named_whichever_path_it_wrote_by(
    first: Operation, second: Operation
) -> None:
    case = Case({"a": {"x": 1}}, write(first, by="agent:w8"), write(second, by="agent:w9"))
    (cause,) = case.detect(put("/a/x", 5)).causes
    assert (cause.by, cause.version) == ("agent:w9", BASE + 2)


def test_step_6_a_path_under_a_colliding_one_is_not_told_again() -> None:
    case = Case({"a": {"x": 1}}, write(put("/a", {"x": 2})), write(put("/a/x", 3)))
    found = case.detect(put("/a", {"x": 4}), put("/a/x", 5))
    assert told(found) == [("write_write", "both_changed", "/a")]


def test_step_6_the_writers_own_pipelined_writes_do_not_count() -> None:
    own = write(put("/a", 2), by="agent:w1", op_id="mine-1")
    case = Case({"a": 1}, own)
    assert case.find(put("/a", 3)) is not None
    assert applied(case.decide(put("/a", 3), after=("mine-1",))).data == {"a": 3}
    stranger = Case({"a": 1}, write(put("/a", 2), by="agent:w2", op_id="mine-1"))
    assert stranger.find(put("/a", 3), after=("mine-1",)) is not None


def test_a_stale_base_without_a_finding_is_rebased_and_is_no_conflict() -> None:
    case = Case({"a": 1, "l": [1]}, write(put("/b", 2), put("/l/-", 2)))
    done = applied(case.decide(put("/a", 5), put("/l/-", 3)))
    assert done.data == {"a": 5, "b": 2, "l": [1, 2, 3]}
    assert (done.merged, done.conflict, done.settled, done.overwrote) == (False, None, None, ())
    assert done.ops == (put("/a", 5), put("/l/-", 3))


def test_without_a_base_the_head_is_the_base() -> None:
    case = Case({"a": 1}, write(put("/a", 2)))
    done = applied(case.decide(put("/a", 3), base_version=None, base_data=None, since=()))
    assert done.data == {"a": 3}


def test_a_removal_that_both_made_moves_the_elements_once() -> None:
    case = Case({"l": ["x", "y", "z"], "a": 1}, write(drop("/l/0")))
    done = applied(case.decide(drop("/l/0"), put("/a", 2)))
    assert done.data == {"l": ["y", "z"], "a": 2}
    assert replays(case, done)


def test_step_7_a_changed_read_is_a_conflict_by_value_or_by_version() -> None:
    changed = Case({"goal": "a", "x": 1}, write(put("/goal", "b")))
    assert told(changed.detect(put("/x", 2), reads=("/goal",))) == [
        ("read_write", "read_changed", "/goal")
    ]
    assert changed.find(put("/x", 2), reads=("/x",)) is None
    assert changed.find(put("/x", 2)) is None
    back = Case({"goal": "a", "x": 1}, write(put("/goal", "b")), write(put("/goal", "a")))
    assert back.find(put("/x", 2), reads=("/goal",)) is None
    assert told(back.detect(put("/x", 2), reads=("/goal",), read_mode="version")) == [
        ("read_write", "read_changed", "/goal")
    ]


@pytest.mark.parametrize("mode", ["value", "version"])
def test_step_7_auto_reads_the_whole_document_and_names_what_changed_in_it(mode: str) -> None:
    case = Case({"a": {"x": 1}, "b": 2}, write(put("/a/x", 5)), write(drop("/b")))
    found = case.detect(put("/c", 2), reads="auto", read_mode=mode)
    assert [path for _, _, path in told(found)] == ["/a/x", "/b"]


def test_step_8_operations_that_no_longer_fit_are_a_conflict() -> None:
    case = Case({"a": {"x": 1}}, write(put("/a", 5)))
    found = case.detect(put("/a/x", 2))
    assert told(found) == [
        ("schema", "structure", "/a/x"),
        ("write_write", "delete_modify", "/a/x"),
    ]
    refused(Case(case.base, *case.since, resolution=LAST_WRITE).decide(put("/a/x", 2)))


SCHEMA = {
    "properties": {"l": {"type": "array", "maxItems": 2}, "n": {"type": "integer"}},
}


def test_step_8_a_document_that_only_together_violates_the_schema_is_a_conflict() -> None:
    case = Case({"l": [1]}, write(put("/l/-", 2)), schema=SCHEMA)
    found = refused(case.decide(put("/l/-", 3))).conflict
    assert told(found) == [("schema", "invalid", "/l")]
    assert found.causes[0].theirs == [1, 2]


@pytest.mark.parametrize("entries", [(), (write(put("/b", 1)),)])
def test_step_8_what_is_wrong_on_its_own_base_too_is_the_writers_error(entries: Any) -> None:
    case = Case({"n": 1, "s": "x"}, *entries, schema=SCHEMA)
    with pytest.raises(Unprocessable) as refusal:
        case.decide(put("/n", "many"))
    assert set(refusal.value.fields) == {"/n"}
    with pytest.raises(Unprocessable) as refusal:
        case.decide(put("/b", 1), put("/s/deep", 1))
    assert set(refusal.value.fields) == {"ops[1].path"}


def test_the_whole_state_is_not_deleted_by_an_operation() -> None:
    with pytest.raises(Unprocessable):
        Case({"a": 1}).decide(put("/a", 2), drop(""))


def test_a_log_that_cannot_be_replayed_is_called_damaged() -> None:
    case = Case({"a": {}}, write(put("/a/x", 1)))
    with pytest.raises(Damaged):
        case.decide(put("/b", 1), base_data={"a": 5})


def test_all_findings_are_listed_each_path_once_per_type_and_the_first_type_names_it() -> None:
    case = Case(
        {"a": 1, "b": 1, "l": [1]},
        write(put("/a", 2), put("/l/-", 2)),
        write(put("/a", 3), put("/b", 3)),
        schema=SCHEMA,
    )
    found = case.detect(
        put("/a", 9), put("/a", 8), put("/l/-", 3), exact=True, reads=("/b", "/a", "/b")
    )
    assert told(found) == [
        ("version", "stale", ""),
        ("schema", "invalid", "/l"),
        ("write_write", "both_changed", "/a"),
        ("read_write", "read_changed", "/a"),
        ("read_write", "read_changed", "/b"),
    ]
    assert found.type is ConflictType.VERSION
    assert found.metadata["paths"] == ("", "/l", "/a", "/b")


def test_a_conflict_has_the_three_documents_and_the_operations_of_both_sides() -> None:
    case = Case({"a": 1}, write(put("/a", 2), op_id="theirs-1"), write(put("/z", 2), op_id="far"))
    found = case.detect(put("/a", 3))
    states = found.states
    assert [states[name].data for name in ("base", "current", "incoming")] == [
        {"a": 1},
        {"a": 2, "z": 2},
        {"a": 3},
    ]
    assert states["current"].version == BASE + 2
    assert states["base"].version == BASE
    mine, theirs = found.operations
    assert (mine.id, mine.key, mine.value, mine.old_value) == ("op-1", "/a", 3, 1)
    assert (mine.status, mine.agent_id) == (OperationStatus.CONFLICT, "agent:w1")
    assert (theirs.id, theirs.status) == ("theirs-1", OperationStatus.APPLIED)
    assert found.metadata["blame"] == {"/a": {"agent": "agent:w2", "version": BASE + 1}}


def test_the_conflict_has_the_same_id_at_every_try_and_another_for_another_request() -> None:
    case = Case({"a": 1}, write(put("/a", 2)))
    further = Case({"a": 1}, write(put("/a", 2)), write(put("/a", 4)))
    first = case.detect(put("/a", 3)).conflict_id
    assert further.detect(put("/a", 3)).conflict_id == first
    assert case.detect(put("/a", 3), op_id="op-2").conflict_id != first
    assert case.detect(put("/a", 3), agent="agent:ada").conflict_id != first, "with the same op_id"
