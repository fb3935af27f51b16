"""The judges of watch histories let good ones pass, and refuse each of at least two mutations of them by name."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from state.sync.protocol import Delta, Mark, Reset, Revoked, Snap, WireEntry
from state.values import EntryKind, Operation, OperationType
from tests.soak.by_hand import (
    NOW,
    Space,
    change,
    change_entry,
    frame_at,
    frames,
    good,
    mark,
    nth_delta,
    place_of,
    put,
    steps,
)
from tests.soak.records import Data, Got, Holds, Step, Subscribed, Watch
from tests.soak.validators import VALIDATORS, judge

# -- mutations, by the judge that must refuse them --------------------------------------------------------------------


def entries_swapped(watch: Watch) -> None:
    place, delta = nth_delta(watch, 0)
    change(watch, place, entries=delta.entries[::-1])


def deltas_swapped(watch: Watch) -> None:
    (one, first), (two, second) = nth_delta(watch, 0), nth_delta(watch, 1)
    put(watch, one, second)
    put(watch, two, first)


def delta_again_later(watch: Watch) -> None:
    _, first = nth_delta(watch, 0)
    place, second = nth_delta(watch, 1)
    put(watch, place, second, first)


def entry_twice(watch: Watch) -> None:
    place, delta = nth_delta(watch, 1)
    change(watch, place, entries=(*delta.entries, delta.entries[-1]))


def transaction_torn(watch: Watch) -> None:
    place, delta = nth_delta(watch, 0)
    change(watch, place, entries=delta.entries[:-1])


def transaction_in_two_frames(watch: Watch) -> None:
    place, delta = nth_delta(watch, 0)
    one, two = delta.entries[:-1], delta.entries[-1:]
    first = msgspec.structs.replace(delta, entries=one)
    put(watch, place, first, msgspec.structs.replace(delta, prev=delta.rev, entries=two))


def revision_outside_its_frame(watch: Watch) -> None:
    place, delta = nth_delta(watch, 0)
    change(watch, place, rev=delta.rev - 1)


def delta_lost(watch: Watch) -> None:
    place, _ = nth_delta(watch, 1)  # the deletion
    del watch.steps[place]


def delta_empty(watch: Watch) -> None:
    place, _ = nth_delta(watch, 1)
    change(watch, place, entries=())


def end_lost(watch: Watch) -> None:
    del watch.steps[frames(watch)[-1] :]


def history_on_resume(watch: Watch) -> None:
    place, delta = nth_delta(watch, 3)
    _, old = nth_delta(watch, 1)
    change(watch, place, entries=(*old.entries, *delta.entries))


def hole_on_resume(watch: Watch) -> None:
    place, delta = nth_delta(watch, 3)
    change(watch, place, prev=7, entries=delta.entries[1:])


def reset_for_nothing(watch: Watch) -> None:
    place = place_of(watch, Delta, 3)
    put(watch, place, Reset(sub=1, reason="future", head=8), frame_at(watch, place))


def mark_ahead_of_data(watch: Watch) -> None:
    place = frames(watch)[1]
    watch.steps[place : place + 2] = watch.steps[place : place + 2][::-1]


def mark_beyond_the_log(watch: Watch) -> None:
    change(watch, place_of(watch, Mark, -1), rev=99)


def mark_within_a_snapshot(watch: Watch) -> None:
    change(watch, place_of(watch, Snap), last=False)


def snapshot_without_a_state(watch: Watch) -> None:
    place = place_of(watch, Snap)
    snap = frame_at(watch, place)
    assert isinstance(snap, Snap)
    change(watch, place, states=snap.states[:-1])


def wrong_prev(watch: Watch) -> None:
    change(watch, place_of(watch, Mark, 1), prev=5)


def wrong_pv(watch: Watch) -> None:
    change_entry(watch, 0, 0, pv=0)


def before_any_snapshot(watch: Watch) -> None:
    del watch.steps[place_of(watch, Snap)]


def other_data_in_a_snapshot(watch: Watch) -> None:
    place = place_of(watch, Snap)
    snap = frame_at(watch, place)
    assert isinstance(snap, Snap)
    one = msgspec.structs.replace(snap.states[0], data={"n": 77})
    change(watch, place, states=(one, *snap.states[1:]))


def other_operations(watch: Watch) -> None:
    change_entry(watch, 0, 0, ops=(Operation(OperationType.SET, "/n", 77),))


def client_holds_another(watch: Watch) -> None:
    place = max(p for p, s in enumerate(watch.steps) if isinstance(s, Holds))
    holds = watch.steps[place]
    assert isinstance(holds, Holds)
    uid, version, _ = holds.docs["a"]
    put(watch, place, Holds(t=0.0, rev=holds.rev, docs={**holds.docs, "a": (uid, version, "00")}))


def client_lacks_one(watch: Watch) -> None:
    place = max(p for p, s in enumerate(watch.steps) if isinstance(s, Holds))
    holds = watch.steps[place]
    assert isinstance(holds, Holds)
    docs = {name: doc for name, doc in holds.docs.items() if name != "a"}
    put(watch, place, Holds(t=0.0, rev=holds.rev, docs=docs))


def change_after_revoked(watch: Watch) -> None:
    """The grant of 11 as an entry, instead of a snapshot."""
    place = place_of(watch, Snap, 1)
    entry = WireEntry(
        id="b", uid="u-b", rev=11, pv=5, v=6, kind=EntryKind.CONFIG, by="agent:a", at=NOW
    )
    put(watch, place, Delta(sub=1, prev=10, rev=11, entries=(entry,)))


def revocation_unheard(watch: Watch) -> None:
    del watch.steps[place_of(watch, Revoked)]


def state_not_asked_for(watch: Watch) -> None:
    watch.states = ("a", "c")


MUTATIONS: dict[str, list[Callable[[Watch], None]]] = {
    "Ordered": [entries_swapped, deltas_swapped, delta_again_later],
    "Unique": [delta_again_later, entry_twice],
    "Atomic": [transaction_torn, transaction_in_two_frames, revision_outside_its_frame],
    "Reliable": [delta_lost, delta_empty, end_lost, transaction_torn],
    "Resumable": [history_on_resume, hole_on_resume, reset_for_nothing],
    "Bookmarkable": [
        mark_ahead_of_data,
        mark_beyond_the_log,
        mark_within_a_snapshot,
        snapshot_without_a_state,
    ],
    "Chained": [wrong_prev, wrong_pv, before_any_snapshot, delta_lost],
    "Hashed": [
        other_data_in_a_snapshot,
        other_operations,
        client_holds_another,
        client_lacks_one,
    ],
    "Revoked": [change_after_revoked, state_not_asked_for],
}


def test_a_good_history_passes() -> None:
    assert judge(*good()) == []


@pytest.mark.parametrize(
    ("judge_name", "mutation"),
    [
        pytest.param(name, mutation, id=f"{name}-{mutation.__name__}")
        for name, mutations in MUTATIONS.items()
        for mutation in mutations
    ],
)
def test_a_mutation_is_refused(judge_name: str, mutation: Callable[[Watch], None]) -> None:
    watch, log = good()
    mutation(watch)
    assert VALIDATORS[judge_name](watch, log) != []


def test_every_judge_has_at_least_two_mutations_to_refuse() -> None:
    assert set(MUTATIONS) == set(VALIDATORS)
    assert min(len(each) for each in MUTATIONS.values()) >= 2


def test_what_the_proxy_repeats_is_not_held_against_the_server() -> None:
    watch, log = good()
    watch.steps = [
        each for step in watch.steps for each in ([step, step] if isinstance(step, Got) else [step])
    ]
    assert judge(watch, log) == []


def test_a_state_taken_away_for_good_may_not_be_shown_nor_kept() -> None:
    space = Space()
    space.write("a")
    space.write("b")
    begun: list[Data | Step] = [Subscribed(t=0.0), space.snap("a", "b"), mark(2, 2)]
    space.may("b", False)
    space.write("b")
    log = space.log()

    def told(*more: Data) -> list[str]:
        watch = Watch(name="w", reader="agent:r", states=("*",), steps=steps(*begun, *more))
        return judge(watch, log)

    assert told(Revoked(sub=1, states=("b",)), mark(2, 4)) == []
    assert any("Bookmarkable" in each for each in told(mark(2, 4)))
    assert any("Revoked" in each for each in told(space.delta(2, 4), mark(4, 4)))


def test_of_conflated_states_only_the_last_version_is_due() -> None:
    space = Space()
    space.write("a")
    begun: list[Data | Step] = [Subscribed(t=0.0), space.snap("a"), mark(1, 1)]
    for _ in range(3):
        space.write("a")
    whole = space.delta(1, 4)
    last = msgspec.structs.replace(whole.entries[-1], coalesced=True, pv=1)
    conflated = msgspec.structs.replace(whole, entries=(last,))
    for mode, fine in (("latest", True), ("all", False)):
        watch = Watch(
            name="w",
            reader="agent:r",
            states=("*",),
            mode="latest" if mode == "latest" else "all",
            steps=steps(*begun, conflated, mark(4, 4)),
        )
        assert (judge(watch, space.log()) == []) is fine
