"""Two processes step by step: parked conflicts settled by two at once, journals drained by two at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from state.manager import Answer, StateManager, WriteStatus
from state.refusals import (
    ConflictClosed,
    Conflicting,
    StoreDown,
)
from state.values import (
    ConflictStatus,
    EventType,
    OperationStatus,
)
from tests.states.build import (
    LENA,
    SPACE,
    WES,
    WIM,
    Office,
    at,
    drop,
    put,
    refused,
    until,
)
from tests.states.stepping import Pair, Point, Session, stopped

COUNTER = {"properties": {"n": {"type": "integer", "x-stars-merge": "counter"}}}


def answering(conflict_id: str, answer: Answer) -> Callable[[StateManager], object]:
    return lambda manager: manager.resolve_conflict(LENA, conflict_id, answer)


# -- parked conflicts ------------------------------------------------------------------------------------------------


def park(session: Session) -> str:
    """A conflict that waits for the leader; its id."""
    manager = session.manager
    manager.create_state(LENA, "p", data={"n": 0}, merge_fallback="park", resolver="role:leader")
    manager.update_state(WIM, "p", {"n": 1}, base=at(1))
    parked = manager.update_state(WES, "p", {"n": 2}, base=at(1))
    assert parked.status is WriteStatus.PARKED
    assert parked.conflict is not None
    return str(parked.conflict["conflict_id"])


ANSWERS = {
    "both answer": (Answer(picks={"/n": "mine"}), Answer(value={"n": 3})),
    "answer, dismiss": (Answer(picks={"/n": "mine"}), Answer(dismiss=True)),
    "dismiss, answer": (Answer(dismiss=True), Answer(picks={"/n": "mine"})),
    "both dismiss": (Answer(dismiss=True), Answer(dismiss=True)),
}


@pytest.mark.parametrize("answers", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("point", ["after_read", "before_commit"])
def test_of_two_people_that_settle_a_conflict_at_once_one_does(
    pair: Pair, office: Office, answers: tuple[Answer, Answer], point: Point
) -> None:
    one, two = pair
    found = park(one)
    mine, theirs = answers
    stop = one.stop(point)
    calls = [one.start(answering(found, mine))]
    stop.wait()
    calls.append(two.start(answering(found, theirs)))
    calls[1]._thread.join(0.2)
    stop.go()
    ends: list[object] = []
    for call in calls:
        try:
            ends.append(call.result())
        except ConflictClosed as error:
            ends.append(error)
    assert sum(isinstance(end, ConflictClosed) for end in ends) == 1
    winner = answers[isinstance(ends[0], ConflictClosed)]
    record = one.manager.conflict(LENA, found)
    state = two.manager.get_state(LENA, "p")
    if winner.dismiss:
        assert (record.status, state.version, state.data) == (ConflictStatus.REJECTED, 2, {"n": 1})
    else:
        assert (record.status, record.version) == (ConflictStatus.RESOLVED, state.version)
        assert state.data == ({"n": 2} if winner.picks else {"n": 3})
    audit = office.layer.read_audit(SPACE, after=0, limit=99)
    assert [each.event.type for each in audit] == [
        EventType.CONFLICT_DETECTED,
        EventType.CONFLICT_RESOLVED,
    ]


def test_two_people_of_one_process_settle_a_conflict_once(office: Office) -> None:
    one = Session(office)
    found = park(one)
    busy = one.stop("after_commit")
    first = one.start(lambda m: m.create_state(LENA, "other"))
    busy.wait()
    answers = [Answer(value={"n": n}) for n in (8, 9)]
    calls = [one.start(answering(found, answer)) for answer in answers]
    until(lambda: len(one.manager._lane(SPACE)._waiting) == 2)
    busy.go()
    first.result()
    closed = 0
    for call in calls:
        try:
            call.result()
        except ConflictClosed:
            closed += 1
    assert closed == 1
    assert one.manager.get_state(LENA, "p").version == 3


def test_an_answer_made_for_an_older_version_is_refused_and_the_conflict_stays_open(
    pair: Pair,
) -> None:
    one, two = pair
    found = park(one)
    answer = Answer(picks={"/n": "mine"})
    two.manager.update_state(WIM, "p", {"m": 1})
    error = refused(lambda: one.manager.resolve_conflict(LENA, found, answer, expected_head=2))
    assert isinstance(error, Conflicting)
    assert one.manager.conflict(LENA, found).status is ConflictStatus.OPEN
    one.manager.resolve_conflict(LENA, found, answer, expected_head=3)
    assert two.manager.get_state(LENA, "p").data == {"n": 2, "m": 1}


# -- the journal -----------------------------------------------------------------------------------------------------


def queue(session: Session, many: int) -> None:
    session.manager.create_state(LENA, "q", data={"n": 0}, schema=COUNTER, consistency="eventual")
    for n in range(many):
        done = session.manager.update_state(
            WIM, "q", [put("/last", n), put("/all/-", n)], op_id=f"q{n}"
        )
        assert done.status is WriteStatus.QUEUED


@pytest.mark.parametrize("point", ["after_read", "before_commit", "after_commit"])
def test_a_journal_drained_by_two_processes_is_applied_once_and_in_order(
    pair: Pair, point: Point
) -> None:
    one, two = pair
    queue(one, 5)
    stop = one.stop(point)
    drains = [one.start(lambda m: m.tick())]
    stop.wait()
    drains.append(two.start(lambda m: m.tick()))
    drains[1]._thread.join(0.2)
    stop.go()
    for each in drains:
        each.result()
    state = two.manager.get_state(LENA, "q")
    assert state.data == {"n": 0, "last": 4, "all": [0, 1, 2, 3, 4]}
    assert state.version == 6
    assert [two.manager.operation(WIM, f"q{n}").status for n in range(5)] == ["applied"] * 5


def test_a_store_that_fails_under_a_drain_keeps_the_order_and_counts_the_retry(
    pair: Pair,
) -> None:
    one, _ = pair
    queue(one, 3)
    one.fail("before_commit", StoreDown())
    one.manager.tick()
    state = one.manager.get_state(LENA, "q", with_status=True)
    assert (state.version, state.sync_status) == (1, "error")
    assert [each.retry for each in state.pending_ops if each.key == "/last"] == [1, 0, 0]
    assert one.manager.get_metrics().sync_errors == 1
    one.manager.tick()
    state = one.manager.get_state(LENA, "q", with_status=True)
    assert (state.data["all"], state.sync_status, state.pending_ops) == ([0, 1, 2], "synced", ())


def test_a_read_that_fails_while_a_queued_operation_is_judged_is_no_verdict(pair: Pair) -> None:
    one, _ = pair
    queue(one, 2)
    one.fail("after_read", StoreDown())
    one.manager.tick()
    assert one.manager.operation(WIM, "q0").status is OperationStatus.QUEUED
    one.manager.tick()
    assert one.manager.get_state(LENA, "q").data["all"] == [0, 1]


def test_what_was_queued_when_its_process_died_is_applied_by_the_next(office: Office) -> None:
    one = Session(office)
    queue(one, 3)
    next_ = office.restarted() if office.backend.keeps else Session(office).manager
    next_.tick()
    assert next_.get_state(LENA, "q").data["all"] == [0, 1, 2]
    assert next_.operation(WIM, "q2").status is OperationStatus.APPLIED


def test_a_drop_of_a_path_and_a_write_below_it_do_not_pass_each_other(pair: Pair) -> None:
    one, two = pair
    one.manager.update_state(LENA, "plan", {"deep": {"x": 1}})
    with stopped(
        one,
        "before_commit",
        lambda m: m.update_state(WIM, "plan", [put("/deep/x", 2)], base=at(2)),
    ) as call:
        two.manager.update_state(WES, "plan", [drop("/deep")])
    assert refused(call.result).extra["causes"][0]["kind"] == "delete_modify"
    assert "deep" not in two.manager.get_state(LENA, "plan").data


def test_what_one_agent_queued_is_judged_in_its_order_also_within_one_commit(
    office: Office,
) -> None:
    """The second is in conflict with the first, and must not be judged after the third has made them agree."""
    manager = office.manager(drains=False)
    manager.create_state(LENA, "q", data={}, consistency="eventual")
    for n, (value, base) in enumerate([(1, at(1)), (0, at(1)), (0, None)]):
        manager.update_state(WIM, "q", {"a": value}, base=base, op_id=f"q{n}")
    manager.tick()
    ends = [manager.operation(WIM, f"q{n}").status for n in range(3)]
    assert ends == ["applied", "conflict", "applied"]
    assert manager.get_state(LENA, "q").data == {"a": 0}
