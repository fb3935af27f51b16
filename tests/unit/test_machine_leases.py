"""Claims, leases, tries: who gets what, what counts as a try, and what becomes of late results."""

from __future__ import annotations

import random
import uuid

import pytest

from groups.agents.base import Waiting
from groups.events import SubtaskRetrying, TextDelta
from groups.execution import steering
from groups.execution.plan import Assignable
from groups.execution.retries import BASE, CAP, retry_delay
from tests.unit.world import LEASE, LENA, WIM, World, item, plan, token


def wide(n: int = 6, assignee: str = "wim") -> World:
    world = World()
    world.planned(plan(*(item(f"k{i}", assignee=assignee) for i in range(n))))
    return world


def retrying(world: World) -> SubtaskRetrying:
    event = world.last("subtask.retrying")
    assert isinstance(event, SubtaskRetrying)
    return event


def test_a_claim_takes_ready_ones_in_plan_order_under_a_lease() -> None:
    world = wide(4)
    claimed = world.claim(3, owner="h/1/9")
    assert [row.key for row in claimed] == ["k0", "k1", "k2"]
    for row in claimed:
        assert (row.status, row.attempt, row.lease_owner) == ("running", 1, "h/1/9")
        assert row.lease_until == world.now + LEASE
    assert len({row.lease_token for row in claimed}) == 3
    assert [row.key for row in world.claim()] == ["k3"]
    assert world.claim() == []


def test_no_slots_no_claim() -> None:
    assert wide().claim(0) == []


def test_a_run_has_at_most_max_parallel_running() -> None:
    world = wide()
    world.run.max_parallel = 2
    assert len(world.claim()) == 2
    assert world.claim() == []
    world.complete(world["k0"])
    assert [row.key for row in world.claim()] == ["k2"]


def test_an_agent_without_room_is_passed_over() -> None:
    world = World()
    world.planned(plan(item("a"), item("b", assignee="wes"), item("c")))
    asked: list[str] = []

    def room(agent_id: str) -> bool:
        asked.append(agent_id)
        return agent_id != "wim"

    assert [row.key for row in world.claim(room=room)] == ["b"]
    assert asked == ["wim", "wes", "wim"]
    assert world["a"].status == "ready" and world["a"].attempt == 0


def test_nothing_is_claimed_before_its_back_off_is_over() -> None:
    world = wide(1)
    world.claim()
    world.fail(world["k0"], transient=True)
    assert world["k0"].not_before is not None
    assert world.claim() == []
    world.now = world["k0"].not_before
    assert world.claim() == [world["k0"]]
    assert world["k0"].not_before is None


def test_of_those_who_bear_the_tag_the_least_busy_gets_it() -> None:
    world = wide(4, assignee="steady")
    claimed = world.claim()
    assert [row.agent_id for row in claimed] == ["wim", "wes", "wim", "wes"]


def test_a_member_that_left_fails_its_subtasks_only() -> None:
    world = World()
    world.planned(plan(item("a"), item("b", assignee="wes"), item("c", "a")))
    world.members = [m for m in world.members if m is not WIM]
    assert [row.key for row in world.claim()] == ["b"]
    assert world.statuses() == {"a": "failed", "b": "running", "c": "skipped"}
    assert "no longer a member" in world["a"].error


def test_a_tag_nobody_bears_any_longer_fails_the_subtask() -> None:
    world = wide(1, assignee="math")
    world.members = [LENA, Assignable(agent_id="wim", role="worker", tags=())]
    assert world.claim() == []
    assert world["k0"].status == "failed" and world.run.status == "failed"


def test_transient_failures_are_tried_again_until_the_tries_are_used_up() -> None:
    world = wide(1)
    for attempt in (1, 2):
        world.later(60)
        (row,) = world.claim()
        assert row.attempt == attempt
        world.fail(row, "flaky", transient=True)
        again = retrying(world)
        assert (again.attempt, again.max_attempts, again.cause) == (attempt, 3, "error")
        assert row.status == "ready" and again.delay > 0
    world.later(60)
    (row,) = world.claim()
    world.fail(row, "flaky", transient=True)
    assert row.status == "failed" and row.attempt == 3
    assert world.run.status == "failed"


def test_permanent_failures_are_not_tried_again() -> None:
    world = wide(1)
    world.claim()
    world.fail(world["k0"])
    assert world["k0"].status == "failed"
    assert "subtask.retrying" not in world.types()


def test_a_success_after_failures_clears_the_error() -> None:
    world = wide(1)
    world.claim()
    world.fail(world["k0"], "flaky", transient=True)
    assert world["k0"].error == "flaky"
    world.later(60)
    world.do("k0")
    assert world["k0"].error == ""


@pytest.mark.parametrize("attempt", [1, 2, 3, 7, 8, 20, 1000])
def test_back_off_doubles_within_bounds_and_is_jittered(attempt: int) -> None:
    full = min(CAP, BASE * 2.0 ** (attempt - 1))
    delays = [retry_delay(attempt, random.Random(seed)) for seed in range(200)]
    assert all(full / 2 <= delay <= full for delay in delays)
    assert max(delays) - min(delays) > full / 4


def test_asking_and_being_answered_costs_no_try() -> None:
    world = wide(1)
    for round_ in range(5):
        (row,) = world.claim()
        assert row.attempt == 1
        with world.machine() as machine:
            assert machine.wait(row.id, token(row), Waiting(question=f"question {round_}?"))
        assert (row.status, row.question, row.attempt) == ("waiting", f"question {round_}?", 0)
        assert row.lease_token is None and world.claim() == []
        with world.machine() as machine:
            from groups.execution import steering

            steering.answer(machine, row.id, f"answer {round_}")
        assert row.question == ""
    assert row.answers == [f"answer {n}" for n in range(5)]


def test_a_release_costs_no_try_and_no_wait() -> None:
    world = wide(1)
    for _ in range(5):
        (row,) = world.claim()
        assert row.attempt == 1
        with world.machine() as machine:
            assert machine.release(row.id, token(row))
        assert (row.status, row.not_before) == ("ready", None)
        assert (retrying(world).cause, retrying(world).delay) == ("released", 0.0)


def test_an_expired_lease_costs_a_try() -> None:
    world = wide(2)
    world.claim()
    world.later(LEASE.total_seconds() - 0.001)
    with world.machine() as machine:
        assert machine.expire() == 0
    world.later(0.001)
    with world.machine() as machine:
        assert machine.expire() == 2
    row = world["k0"]
    assert (row.status, row.attempt, row.lease_owner) == ("ready", 1, "")
    assert retrying(world).cause == "lost"


def test_a_dead_owners_leases_are_taken_back_at_once() -> None:
    world = wide(2)
    world.claim(1, owner="h/1/dead")
    world.claim(1, owner="h/1/alive")
    with world.machine() as machine:
        assert machine.expire(lambda owner: owner.endswith("dead")) == 1
    assert world.statuses() == {"k0": "ready", "k1": "running"}


def test_a_lease_that_expires_at_the_last_try_fails_the_subtask() -> None:
    world = wide(1)
    world.run.max_attempts = 3
    for _ in range(3):
        world.later(120)
        world.claim()
        world.later(31)
        with world.machine() as machine:
            assert machine.expire() == 1
    assert world["k0"].status == "failed" and world.run.status == "failed"


def test_a_zombies_end_is_refused_and_counted() -> None:
    world = wide(1)
    (row,) = world.claim()
    old = token(row)
    world.later(31)
    with world.machine() as machine:
        machine.expire()
    world.later(60)
    world.claim()
    before = len(world.log)
    with world.machine() as machine:
        assert not machine.complete(row.id, old, "late")
        assert not machine.fail(row.id, old, "late", transient=True)
        assert not machine.wait(row.id, old, Waiting(question="late?"))
        assert not machine.release(row.id, old)
        assert not machine.propose(row.id, old, plan(item("a")))
        assert not machine.append(row.id, old, [TextDelta(text="late")])
        assert row.id in machine.changed
    assert len(world.log) == before
    assert row.refused == 5  # what a zombie merely says is not an end
    assert (row.status, row.attempt, row.result) == ("running", 2, "")
    assert world.complete(row, "in time")


def test_a_result_is_taken_once() -> None:
    world = wide(2)
    (row, _) = world.claim()
    mine = token(row)
    assert world.complete(row, "first")
    with world.machine() as machine:
        assert not machine.complete(row.id, mine, "second")
    assert (row.result, row.refused) == ("first", 1)


def test_reports_on_unknown_subtasks_are_refused() -> None:
    world = wide(1)
    with world.machine() as machine:
        assert not machine.complete(uuid.uuid4(), uuid.uuid4(), "?")
        assert not machine.append(uuid.uuid4(), uuid.uuid4(), [TextDelta(text="?")])
        assert not machine.changed and not machine.log


def test_the_time_limit_counts_from_the_start_and_ends_the_run() -> None:
    world = World(time_limit=100.0)
    world.begin()
    world.later(1000)  # waiting in the queue does not count
    with world.machine() as machine:
        assert not machine.check_deadline()
    world.claim()
    world.later(99.9)
    with world.machine() as machine:
        assert not machine.check_deadline()
    world.later(0.1)
    with world.machine() as machine:
        assert machine.check_deadline()
        assert not machine.check_deadline()
    assert world.run.status == "failed" and "100 s" in world.run.error
    assert world["plan"].status == "cancelled"


def test_an_answer_goes_to_whoever_asked_and_to_nobody_else() -> None:
    world = wide(3, assignee="steady")
    asking, *_ = world.claim(1)
    asker = asking.agent_id
    with world.machine() as machine:
        assert machine.wait(asking.id, token(asking), Waiting(question="?", memo={"key": 1}))
        steering.answer(machine, asking.id, "yes")
    # Though by now the other has less at hand.
    (again,) = world.claim(1)
    assert (again.key, again.agent_id, again.answers) == ("k0", asker, ["yes"])
    world.later(LEASE.total_seconds() + 1)
    world.members = [member for member in world.members if member.agent_id != asker]
    with world.machine() as machine:
        machine.expire()
    world.later(60)
    rows = {row.key: row for row in world.claim()}
    other = rows["k0"]
    assert (other.agent_id != asker, other.memo, other.answers) == (True, {}, [])
