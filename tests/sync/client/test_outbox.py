"""Own writes: in order, once each, and again after every break under the op_id they had. Pure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.refusals import Conflicting, Frozen, NotPermitted, StateExists, StateNotFound, StoreDown
from state.sync.client.outbox import (
    BREAK_S,
    PER_STATE,
    TRIES,
    Answer,
    OnItsWay,
    Outbox,
    TooManyWrites,
    WriteStatus,
)
from state.sync.client.refusals import BreaksConnection, from_close, from_frame, from_problem
from state.sync.protocol import MAX_WRITES, Busy, ErrorFrame, Res, Write, error
from state.values import Operation, OperationType


def write(op_id: str, state: str = "plan", **more: Any) -> Write:
    return Write(op_id=op_id, state=state, ops=(Operation(OperationType.SET, "/a", 1),), **more)


def done(op_id: str, v: int = 2) -> Res:
    return Res(op_id=op_id, status=200, state="plan", uid="u", v=v, rev=v)


def refused(op_id: str, status: int, reason: str, **more: Any) -> Res:
    problem = {"status": status, "reason": reason, "detail": "So.", **more}
    return Res(op_id=op_id, status=status, problem=problem)


def ids(writes: list[Write]) -> list[str]:
    return [each.op_id for each in writes]


def answer(outbox: Outbox, res: Res) -> Answer:
    found = outbox.answered(res)
    assert found is not None
    return found


def test_as_many_are_on_their_way_as_the_server_takes() -> None:
    outbox = Outbox(write(f"w{n}") for n in range(100))
    assert len(outbox.take()) == MAX_WRITES == 64
    assert outbox.take() == []
    answer(outbox, done("w3"))
    assert ids(outbox.take()) == ["w64"]
    assert len(outbox) == 99


def test_after_a_break_what_was_not_answered_is_sent_again_first_and_as_it_was() -> None:
    outbox = Outbox()
    first = [write(f"w{n}", base=n) for n in range(3)]
    for each in first:
        outbox.add(each)
    assert outbox.take() == first
    answer(outbox, done("w1"))
    outbox.add(write("w3"))
    outbox.disconnected()
    assert outbox.take() == [first[0], first[2], write("w3")]
    assert outbox.answered(done("w1")) is None, "it was answered"


def test_a_write_that_breaks_the_connection_is_found_among_others_and_given_up() -> None:
    outbox = Outbox(write(f"w{n}") for n in range(4))
    for at in (10, 20):
        assert ids(outbox.take(at)) == ["w0", "w1", "w2", "w3"]
        assert outbox.disconnected(at + 1) == []
    assert outbox.has_suspects
    outbox.add(write("new"))
    for innocent in ("w0", "w1"):
        assert ids(outbox.take(30)) == [innocent], "alone"
        assert outbox.take(30) == []
        answer(outbox, done(innocent))
    assert ids(outbox.take(30)) == ["w2"]
    (given_up,) = outbox.disconnected(31)
    assert (given_up.op_id, given_up.ended) == ("w2", True)
    assert isinstance(given_up.refusal, BreaksConnection)
    assert ids(outbox.take(40)) == ["w3"]
    assert outbox.take(40) == []
    answer(outbox, done("w3"))
    assert ids(outbox.take(40)) == ["new"]


def test_a_write_is_no_suspect_of_breaks_that_are_planned_or_come_late() -> None:
    outbox = Outbox([write("a")])
    for _ in range(9):
        outbox.take(10)
        assert outbox.disconnected() == []
        outbox.take(10)
        assert outbox.disconnected(10 + BREAK_S + 1) == []
    assert not outbox.has_suspects


def test_an_answer_ends_a_write_and_a_refusal_is_the_exception_of_the_server() -> None:
    outbox = Outbox([write("a"), write("b"), write("c")])
    outbox.take()
    good = answer(outbox, done("a", 7)).written
    assert good is not None
    assert (good.version, good.state, good.status) == (7, "plan", 200)
    bad = answer(outbox, refused("b", 409, "conflict", conflict_id="9c1", causes=[])).refusal
    assert isinstance(bad, Conflicting)
    assert bad.extra == {"conflict_id": "9c1", "causes": []}
    frame = error(Frozen(), op_id="c")
    gone = outbox.refused(frame)
    assert gone is not None
    assert isinstance(gone.refusal, Frozen)
    assert len(outbox) == 0


def test_what_the_store_could_not_take_is_sent_again_in_its_place_for_a_while() -> None:
    outbox = Outbox([write("a"), write("b"), write("c")])
    for number in range(TRIES):
        outbox.take()
        again = answer(outbox, refused("a", 503, "outcome_unknown"))
        assert (again.ended, again.pause) == (False, True)
        assert [own.write.op_id for own in outbox.writes()] == ["a", "b", "c"]
        assert outbox.writes()[0].tries == number + 1
    assert ids(outbox.take()) == ["a"]
    given_up = answer(outbox, refused("a", 503, "store_down"))
    assert given_up.ended
    assert isinstance(given_up.refusal, StoreDown)


def test_a_busy_server_is_asked_again() -> None:
    outbox = Outbox([write("a")])
    outbox.take()
    found = outbox.refused(error(Busy(), op_id="a"))
    assert found is not None
    assert found.pause
    assert ids(outbox.take()) == ["a"]


def test_a_journalled_write_stays_until_it_is_settled() -> None:
    outbox = Outbox([write("a"), write("b")])
    outbox.take()
    queued = answer(outbox, Res(op_id="a", status=202, queued=True))
    assert not queued.ended
    assert queued.written is not None
    assert queued.written.queued
    assert outbox.writes()[0].status is WriteStatus.JOURNALLED
    outbox.disconnected()
    assert ids(outbox.take()) == ["a", "b"], "so that its end is told on the new connection"
    assert answer(outbox, done("a")).ended


def test_later_writes_name_the_own_ones_that_they_build_upon() -> None:
    outbox = Outbox([write("a"), write("b"), write("c"), write("d", "other")])
    outbox.take()
    answer(outbox, done("a", 8))
    answer(outbox, done("b", 9))
    assert outbox.after("plan", 7) == ("a", "b", "c")
    assert outbox.after("plan", 8) == ("b", "c")
    assert outbox.after("plan", 9) == ("c",)
    assert outbox.after("unknown", 0) == ()


def test_an_op_id_is_on_its_way_once_and_of_one_state_a_thousand() -> None:
    outbox = Outbox(write(f"w{n}") for n in range(PER_STATE))
    with pytest.raises(TooManyWrites):
        outbox.add(write("more"))
    outbox.add(write("x", "other"))
    with pytest.raises(OnItsWay):
        outbox.add(write("x", "other"))


@given(st.lists(st.sampled_from(["add", "take", "answer", "break", "fail"]), max_size=60))
def test_every_write_is_carried_out_once_and_in_order_of_one_state(steps: list[str]) -> None:
    """A server that carries out each op_id once, over a connection that breaks and loses answers."""
    outbox, count = Outbox(), 0
    wire: list[Write] = []
    carried: list[str] = []
    answered: set[str] = set()

    def serve(*, store: bool = True) -> None:
        if not wire:
            return
        asked = wire.pop(0)
        if not store:
            # Nothing after it is carried out before it is sent again.
            for each in (asked, *wire):
                answer(outbox, refused(each.op_id, 503, "store_down"))
            wire.clear()
            return
        if asked.op_id not in carried:
            carried.append(asked.op_id)
        assert answer(outbox, done(asked.op_id)).ended
        answered.add(asked.op_id)

    for step in [*steps, *["take", "answer"] * 70]:
        match step:
            case "add":
                outbox.add(write(f"{count:03}"))
                count += 1
            case "take":
                wire += outbox.take()
            case "answer":
                serve()
            case "fail":
                serve(store=False)
            case _:
                if wire and wire[0].op_id not in carried:
                    carried.append(wire[0].op_id)  # its answer is lost
                wire.clear()
                outbox.disconnected()
    if len(steps) <= 60:
        assert carried == sorted(carried)
        assert len(carried) == len(set(carried)) == len(answered) == count
        assert len(outbox) == 0


@pytest.mark.parametrize(
    ("status", "reason", "family"),
    [
        (403, "not_allowed", NotPermitted),
        (404, "not_found", StateNotFound),
        (409, "exists", StateExists),
        (409, "conflict", Conflicting),
        (423, "frozen", Frozen),
        (429, "busy", Busy),
    ],
)
def test_refusals_are_the_servers_classes(status: int, reason: str, family: type) -> None:
    found = from_problem(status, {"reason": reason, "detail": "As it is.", "errors": {"a": ["b"]}})
    assert type(found) is family
    assert (found.message, found.fields) == ("As it is.", {"a": ["b"]})


def test_an_unknown_refusal_keeps_its_word_and_family() -> None:
    found = from_frame(ErrorFrame(code=409, reason="of_tomorrow", message="New."))
    assert (found.reason, found.status, str(found)) == ("of_tomorrow", 409, "New.")
    assert isinstance(found, StateExists.__mro__[1])


@pytest.mark.parametrize(
    ("code", "reason"),
    [(4401, "not_authenticated"), (4403, "denied"), (4409, "superseded"), (4400, "broken")],
)
def test_these_closes_are_final_and_others_are_not(code: int, reason: str) -> None:
    found = from_close(code, "why so")
    assert found is not None
    assert found.reason == reason
    assert all(
        from_close(other, "") is None for other in (1000, 1006, 1012, 1013, 4408, 4410, 4429)
    )
