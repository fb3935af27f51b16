"""Contract of every persistence layer: many writers at once lose nothing, and whoever holds a state keeps it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import chain

import pytest

from state.persistence.base import PersistenceLayer
from state.refusals import StoreDown
from state.values import Committed, Mismatch, Replayed, Result
from tests.persistence.backends import Backend, at_once
from tests.persistence.build import (
    SPACE,
    a_tx,
    a_write,
    an_audit,
    an_op,
    commit,
    grow,
    numbers,
    put,
    whole_log,
)

THREADS = 8


def test_racing_writers_of_one_state_lose_nothing(layer: PersistenceLayer) -> None:
    put(layer, a_write("plan", {"count": 0}))

    def count_up() -> list[int]:
        mine: list[int] = []
        while len(mine) < 5:
            seen = layer.load_state(SPACE, "plan")
            data = {"count": seen.data["count"] + 1}
            result = layer.commit(SPACE, [a_tx(a_write(data=data, expect=seen.version))])[0]
            if isinstance(result, Committed):
                assert result.states[0].version == seen.version + 1
                mine.append(result.revision)
            else:
                assert isinstance(result, Mismatch)
                assert result.versions["plan"] > seen.version
        return mine

    won = at_once(*[count_up] * THREADS)
    last = THREADS * 5 + 1
    assert sorted(chain.from_iterable(won)) == list(range(2, last + 1)), (
        "each won revision is one's own"
    )
    state = layer.load_state(SPACE, "plan")
    assert (state.version, state.revision, state.data) == (last, last, {"count": last - 1})
    log = whole_log(layer)
    assert [(each.revision, each.version) for each in log] == [(n, n) for n in range(1, last + 1)]
    assert [each.ops[0].value for each in log] == [{"count": n} for n in range(last)]


def test_racing_writers_of_many_states_share_one_count_of_revisions(
    layer: PersistenceLayer,
) -> None:
    def work(number: int) -> list[int]:
        revisions: list[int] = []
        for version in range(4):
            # In another order each time, with a state that everybody writes to: no deadlock.
            writes = [a_write(f"s{number}-{n}", expect=version) for n in range(3)]
            while True:
                known = layer.load_states(SPACE, ["shared"]).get("shared")
                shared = a_write("shared", expect=known.version if known else 0)
                batch = [shared, *writes] if (number + version) % 2 else [*writes, shared]
                result = layer.commit(SPACE, [a_tx(*batch)])[0]
                if isinstance(result, Committed):
                    revisions.append(result.revision)
                    break
        return revisions

    won = at_once(*[partial(work, number) for number in range(THREADS)])
    last = THREADS * 4
    assert sorted(chain.from_iterable(won)) == list(range(1, last + 1))
    log = whole_log(layer)
    assert numbers(log) == [(revision, seq) for revision in range(1, last + 1) for seq in range(4)]
    versions = Counter((each.state_id, each.version) for each in log)
    assert set(versions.values()) == {1}, "no version is there twice"
    assert len(versions) == last * 4
    assert layer.load_state(SPACE, "shared").version == last


def test_a_create_race_has_one_winner(layer: PersistenceLayer) -> None:
    def create(name: str) -> Result:
        return layer.commit(SPACE, [a_tx(a_write("plan", {"by": name}))])[0]

    results = at_once(*[partial(create, str(n)) for n in range(THREADS)])
    winners = [each for each in results if isinstance(each, Committed)]
    assert len(winners) == 1
    assert all(each == Mismatch(versions={"plan": 1}) for each in results if each not in winners)
    assert layer.load_state(SPACE, "plan").data == winners[0].states[0].data
    assert layer.open_space(SPACE).revision == 1


def test_a_space_opened_by_many_is_made_once(layer: PersistenceLayer) -> None:
    opened = at_once(*[partial(layer.open_space, "Bay")] * THREADS)
    assert len({each.epoch for each in opened}) == 1


def test_twins_of_one_request_write_once_and_the_others_replay(layer: PersistenceLayer) -> None:
    for turn in range(4):
        op = an_op(f"op-{turn}", settled=True)
        request = a_tx(a_write(f"s{turn}"), op=op, audit=(an_audit(),))
        results = [each[0] for each in at_once(*[partial(layer.commit, SPACE, [request])] * 4)]
        kinds = Counter(type(each) for each in results)
        assert kinds == {Committed: 1, Replayed: 3}
    info = layer.open_space(SPACE)
    assert (info.revision, info.audit) == (4, 4)


def test_write_skew_is_prevented(layer: PersistenceLayer) -> None:
    for turn in range(1, 6):
        grow(layer, f"a{turn}", until=1)
        grow(layer, f"b{turn}", until=1)
        mine = a_tx(a_write(f"a{turn}", expect=1), checks={f"b{turn}": 1})
        theirs = a_tx(a_write(f"b{turn}", expect=1), checks={f"a{turn}": 1})
        results = at_once(
            partial(layer.commit, SPACE, [mine]), partial(layer.commit, SPACE, [theirs])
        )
        assert Counter(type(each[0]) for each in results) == {Committed: 1, Mismatch: 1}


def test_racing_operations_are_queued_once_each_in_one_order(layer: PersistenceLayer) -> None:
    def work(number: int) -> list[int]:
        own = [layer.enqueue(an_op(f"own-{number}-{n}")).n for n in range(3)]
        return [layer.enqueue(an_op("twin")).n, *own]

    kept = at_once(*[partial(work, number) for number in range(THREADS)])
    assert len({twin for twin, *_ in kept}) == 1
    assert all(own == sorted(own) for _, *own in kept)
    order = [each.n for each in layer.queued(SPACE, limit=99)]
    assert len(order) == THREADS * 3 + 1
    assert order == sorted(set(order))


def test_racing_audits_are_numbered_without_gaps(layer: PersistenceLayer) -> None:
    def work() -> None:
        for _ in range(4):
            commit(layer, a_tx(audit=(an_audit(), an_audit())))

    at_once(*[work] * THREADS)
    found = layer.read_audit(SPACE, after=0, limit=999)
    assert [each.n for each in found] == list(range(1, THREADS * 8 + 1))


# -- hold -------------------------------------------------------------------------------------------------------------


def holding(
    layer: PersistenceLayer, within: Callable[[], None], ids: tuple[str, ...] = ("plan",)
) -> Callable[[], None]:
    """A call that holds states, and runs `within` meanwhile."""

    def call() -> None:
        with layer.hold(SPACE, ids):
            within()

    return call


def test_what_is_read_under_a_hold_stays_true_until_it_commits(layer: PersistenceLayer) -> None:
    put(layer, a_write("plan"), a_write("b"))
    held, tried = threading.Event(), threading.Event()
    order: list[str] = []

    def within() -> None:
        seen = layer.load_state(SPACE, "plan")
        held.set()
        assert not tried.wait(0.3), "the other writer came between"
        assert layer.load_state(SPACE, "plan") == seen
        order.append("holder")
        put(layer, a_write(expect=seen.version))

    def write() -> Result:
        assert held.wait(10)
        result = layer.commit(SPACE, [a_tx(a_write("b", expect=1), a_write(expect=1))])[0]
        order.append("other")
        tried.set()
        return result

    _, result = at_once(holding(layer, within, ("b", "plan", "new")), write)
    assert order == ["holder", "other"]
    assert result == Mismatch(versions={"plan": 2})


def test_a_hold_is_given_up_when_its_block_fails(layer: PersistenceLayer) -> None:
    def within() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        holding(layer, within)()
    at_once(lambda: put(layer, a_write()))
    at_once(holding(layer, lambda: grow(layer, until=2)))


def test_holders_of_the_same_states_wait_for_each_other(layer: PersistenceLayer) -> None:
    inside = 0

    def within() -> None:
        nonlocal inside
        inside += 1
        assert inside == 1
        grow(layer, until=layer.load_state(SPACE, "plan").version + 1)
        inside -= 1

    grow(layer, until=1)
    at_once(*[holding(layer, within, ("plan", "b")), holding(layer, within, ("b", "plan"))] * 3)
    assert layer.load_state(SPACE, "plan").version == 7


def test_what_is_held_too_long_is_refused_and_not_written(backend: Backend) -> None:
    layer = backend.open(timeout=timedelta(seconds=0.3))
    layer.open_space(SPACE)
    grow(layer, until=1)
    held, done = threading.Event(), threading.Event()

    def within() -> None:
        held.set()
        assert done.wait(20)

    def others() -> None:
        assert held.wait(10)
        try:
            with pytest.raises(StoreDown), layer.hold(SPACE, ["plan"]):
                pytest.fail("two held one state")
            with pytest.raises(StoreDown):
                layer.commit(SPACE, [a_tx(a_write(expect=1))])
        finally:
            done.set()

    at_once(holding(layer, within), others)
    assert layer.load_state(SPACE, "plan").version == 1
    assert put(layer, a_write(expect=1)).revision == 2


def test_holders_leave_room_for_what_they_do(backend: Backend) -> None:
    """Else as many holders as there are connections would wait for each other."""
    layer = backend.open(max_connections=1)
    layer.open_space(SPACE)
    at_once(*[holding(layer, partial(grow, layer, "plan", until=1))] * 3)
    assert layer.load_state(SPACE, "plan").version == 1
