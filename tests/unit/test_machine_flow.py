"""The machine from submission to result: order of dependencies, failure policies, ends."""

from __future__ import annotations

import pytest

from groups.events import RunCompleted, RunFailed, RunQueued, SubtaskSkipped, UsageRecorded
from groups.execution.plan import Plan
from tests.unit.world import LENA, World, item, plan, token

DIAMOND = plan(item("a"), item("b", "a"), item("c", "a", assignee="wes"), item("d", "b", "c"))


def used(tokens: int, cost: float | None) -> UsageRecorded:
    return UsageRecorded(
        input_tokens=tokens, output_tokens=2 * tokens, requests=1, cost_usd=cost, model="m"
    )


def finish(world: World, text: str = "the result") -> None:
    """The leader sums up."""
    (summary,) = world.claim()
    assert summary.kind == "summary" and summary.agent_id == "lena"
    assert world.complete(summary, text)


def test_submission_is_logged_and_the_leader_may_plan() -> None:
    world = World(approve_plan=True)
    world.begin()
    assert world.types() == ["run.queued", "subtask.ready"]
    queued = world.last("run.queued")
    assert isinstance(queued, RunQueued)
    assert (queued.task, queued.by, queued.approve_plan) == ("Count the ships", "ada", True)
    assert world.run.status == "queued" and world.run.started_at is None
    assert world["plan"].agent_id == "lena"


def test_a_run_from_end_to_end_has_exactly_this_log() -> None:
    world = World()
    world.planned(plan(item("a"), item("b", "a")))
    assert world.run.status == "running"
    world.do("a")
    world.do("b")
    assert world.run.status == "summarising"
    finish(world)
    assert world.types() == [
        "run.queued",
        "subtask.ready",
        "run.started",
        "subtask.started",
        "plan.proposed",
        "subtask.completed",
        "subtask.ready",
        "subtask.started",
        "subtask.completed",
        "subtask.ready",
        "subtask.started",
        "subtask.completed",
        "run.summarising",
        "subtask.ready",
        "subtask.started",
        "subtask.completed",
        "run.completed",
    ]
    assert [entry.seq for entry in world.log] == list(range(1, 18))
    assert world.run.last_seq == 17
    assert (world.run.status, world.run.result) == ("completed", "the result")
    assert world.run.finished_at == world.now
    end = world.last("run.completed")
    assert isinstance(end, RunCompleted) and end.result == "the result"


def test_events_name_who_acted() -> None:
    world = World()
    world.planned(plan(item("a", assignee="wes")))
    world.do("a")
    by_type = {entry.event.TYPE: entry for entry in world.log}
    assert by_type["plan.proposed"].agent_id == "lena"
    done = by_type["subtask.completed"]
    assert (done.agent_id, done.subtask) == ("wes", world["a"].id)
    assert by_type["run.started"].agent_id == "" and by_type["run.started"].subtask is None


def test_a_diamond_is_done_in_order() -> None:
    world = World()
    world.planned(DIAMOND)
    assert [row.key for row in world.claim()] == ["a"]
    world.complete(world["a"])
    assert [row.key for row in world.claim()] == ["b", "c"]
    world.complete(world["c"])
    assert world.claim() == []
    world.complete(world["b"])
    assert [row.key for row in world.claim()] == ["d"]
    world.complete(world["d"])
    finish(world)
    assert world.run.status == "completed"


def test_a_doubled_dependency_counts_once() -> None:
    world = World()
    world.planned(plan(item("a"), item("b", "a", "a")))
    assert world["b"].depends_on == ["a"]


def test_a_failure_skips_what_hangs_on_it_and_nothing_else() -> None:
    world = World()
    world.planned(
        plan(item("c", "b"), item("b", "a"), item("a"), item("other"), item("d", "c", "other"))
    )
    world.claim()
    world.fail(world["a"])
    assert world.statuses() == {
        "c": "skipped",
        "b": "skipped",
        "a": "failed",
        "other": "running",
        "d": "skipped",
    }
    skipped = [e.event for e in world.log if isinstance(e.event, SubtaskSkipped)]
    assert [event.reason for event in skipped] == [
        "It needs 'A', which failed.",
        "It needs 'B', which was skipped.",
        "It needs 'C', which was skipped.",
    ]
    world.complete(world["other"])
    assert world.run.status == "summarising"
    finish(world)
    assert world.run.status == "completed"


def test_stop_ends_the_run_at_the_first_failure() -> None:
    world = World(failure_policy="stop")
    world.planned(
        plan(item("a"), item("b", title="Bee"), item("c", "a"), item("d", assignee="wes"))
    )
    world.claim(3)
    world.complete(world["a"])
    running = world["d"]
    late = token(running)
    world.fail(world["b"], "broken")
    assert world.statuses() == {"a": "completed", "b": "failed", "c": "cancelled", "d": "cancelled"}
    assert (world.run.status, world.run.error) == ("failed", "'Bee' failed: broken")
    assert "subtask.skipped" not in world.types()
    with world.machine() as machine:
        assert not machine.complete(running.id, late, "too late")
    assert running.refused == 1
    assert world.types()[-1] == "run.failed"


def test_a_run_of_which_nothing_succeeded_fails_and_says_why() -> None:
    world = World()
    world.planned(plan(*(item(key) for key in "abcde"), item("f", "a")))
    world.claim()
    for key in "abcde":
        world.fail(world[key], f"{key} broke")
    assert world.run.status == "failed"
    assert "A: a broke; B: b broke; C: c broke" in world.run.error
    assert "2 more" in world.run.error
    assert "f" in world.statuses() and "summary" not in world.statuses()
    end = world.last("run.failed")
    assert isinstance(end, RunFailed) and end.error == world.run.error


def test_a_leader_that_cannot_plan_fails_the_run() -> None:
    world = World()
    world.begin()
    world.claim()
    world.fail(world["plan"], "no idea")
    assert (world.run.status, world.run.error) == (
        "failed",
        "The leader could not plan: no idea",
    )


def test_a_leader_that_cannot_sum_up_fails_the_run() -> None:
    world = World()
    world.planned(plan(item("a")))
    world.do("a")
    world.claim()
    world.fail(world["summary"], "no words")
    assert (world.run.status, world.run.error) == (
        "failed",
        "The leader could not sum up: no words",
    )


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (plan(), "at least one"),
        (plan(item("a", assignee="nobody")), "nobody"),
        (plan(item("a", "b"), item("b", "a")), "wait for each other"),
        (plan(item("a"), item("a")), "twice"),
        (plan(item("a", "ghost")), "ghost"),
        (plan(*(item(f"k{n}") for n in range(501))), "500"),
    ],
)
def test_an_invalid_plan_of_the_leader_fails_the_run_for_good(bad: Plan, word: str) -> None:
    world = World()
    world.planned(bad)
    assert world.run.status == "failed" and word in world.run.error
    assert world["plan"].status == "failed" and world["plan"].attempt == 1
    assert world.run.plan is None
    assert "plan.proposed" not in world.types()


def test_text_where_a_plan_is_asked_for_and_the_reverse() -> None:
    world = World()
    world.begin()
    (row,) = world.claim()
    world.complete(row, "just do it")
    assert "where a plan was asked for" in world.run.error
    other = World()
    other.planned(plan(item("a"), item("b")))
    other.claim()
    with other.machine() as machine:
        machine.propose(other["a"].id, token(other["a"]), plan(item("z")))
    assert other["a"].status == "failed" and "where text was asked for" in other["a"].error
    assert other.run.status == "running"


def test_a_callers_ids_are_not_trusted() -> None:
    mine = "00000000-0000-0000-0000-000000000001"
    proposal = Plan(subtasks=(type(item("a"))(key="a", title="A", assignee="wim", id=mine),))
    world = World()
    world.planned(proposal)
    assert str(world["a"].id) != mine
    assert world.run.plan is not None
    assert world.run.plan["subtasks"][0]["id"] == str(world["a"].id)


def test_usage_is_summed_and_an_unknown_price_makes_the_sum_unknown() -> None:
    world = World()
    world.planned(plan(item("a")))
    world.claim()
    row = world["a"]
    with world.machine() as machine:
        assert machine.append(row.id, token(row), [used(1, 0.5), used(2, 0.25)])
    assert world.run.usage == {
        "input_tokens": 3,
        "output_tokens": 6,
        "requests": 2,
        "cost_usd": 0.75,
    }
    with world.machine() as machine:
        machine.append(row.id, token(row), [used(4, None), used(8, 1.0)])
    assert world.run.usage["cost_usd"] is None and world.run.usage["input_tokens"] == 15


def test_usage_that_begins_with_an_unknown_price_stays_unknown() -> None:
    world = World()
    world.planned(plan(item("a")))
    world.claim()
    row = world["a"]
    for cost in (None, 1.0):
        with world.machine() as machine:
            machine.append(row.id, token(row), [used(1, cost)])
    assert world.run.usage["cost_usd"] is None


def test_a_group_without_a_leader_cannot_plan() -> None:
    world = World()
    world.begin()
    world.members = [m for m in world.members if m is not LENA]
    assert world.claim() == []
    assert world.run.status == "failed"
