"""Whatever agents, workers and people do in whatever order: the log stays gap-free and true, and the run can end."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from groups.agents.base import Waiting
from groups.errors import NothingToRetry, PlanInvalid, RunFinished, WrongStatus
from groups.events import CATALOGUE, BudgetReached, TextDelta, UsageRecorded
from groups.execution import steering
from groups.execution.handing import hand_over
from groups.execution.plan import Assignable, Plan
from groups.execution.statuses import RUN_ENDED, SUBTASK_ENDED, RunStatus, SubtaskStatus
from tests.replay.fold import View, fold
from tests.unit.world import LENA, WES, WIM, SubtaskRow, World, item, plan, token

#: Modes with their options.
HOW: list[tuple[str, dict[str, Any]]] = [
    ("leader_worker", {}),
    ("leader_worker", {"replans": 2}),
    ("pipeline", {}),
    ("pipeline", {"order": "members", "result": "summary"}),
    ("democratic", {"rule": "ranked"}),
    ("democratic", {}),
    ("swarm", {"max_items": 6}),
    ("swarm", {"board": "task", "max_items": 4}),
]
CORA = Assignable(agent_id="cora", role="coordinator")
MOST_HANDOVERS = 5
REFUSALS = (RunFinished, WrongStatus, NothingToRetry, PlanInvalid)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Up to seven items in any order, each needing some that were drawn before it; now and then a bad one."""
    size = draw(st.integers(0, 7))
    items = []
    for n in range(size):
        needs = draw(st.sets(st.integers(0, max(n - 1, 0)), max_size=3)) if n else set()
        who = draw(st.sampled_from(["wim", "wes", "steady", "math", "lena", "*", "cora"]))
        items.append(item(f"k{n}", *(f"k{m}" for m in sorted(needs)), assignee=who))
    if items and draw(st.integers(0, 9)) == 0:
        items.append(item("bad", draw(st.sampled_from(["bad", "ghost"]))))
    return plan(*draw(st.permutations(items)))


def view_of(world: World) -> View:
    """The fold of the world's log."""
    return fold(
        (e.seq, e.event.TYPE, str(e.subtask) if e.subtask else None, e.event.data())
        for e in world.log
    )


class AnyOrder(RuleBasedStateMachine):
    """Agents, workers, the sweep and people at one run."""

    @initialize(
        approve=st.booleans(),
        policy=st.sampled_from(["continue", "stop"]),
        tries=st.integers(1, 3),
        parallel=st.integers(1, 4),
        how=st.sampled_from(HOW),
    )
    def submit(
        self, approve: bool, policy: str, tries: int, parallel: int, how: tuple[str, dict[str, Any]]
    ) -> None:
        self.world = World(
            approve_plan=approve,
            failure_policy=policy,
            max_attempts=tries,
            max_parallel=parallel,
            mode=how[0],
            options=how[1],
            members=[LENA, WIM, WES, CORA],
        )
        #: Every lease there ever was.
        self.tokens: list[tuple[uuid.UUID, uuid.UUID]] = []
        self.world.begin()

    # --- helpers ---

    def running(self) -> list[SubtaskRow]:
        return [row for row in self.world.rows.values() if row.status == SubtaskStatus.RUNNING]

    def pick(self, data: Any) -> SubtaskRow:
        return data.draw(st.sampled_from(self.running()))  # type: ignore[no-any-return]

    def attempt(self, command: Any, *args: Any, **kwargs: Any) -> None:
        """A person's command: done, or refused without a trace."""
        before = self.snapshot()
        try:
            with self.world.machine() as machine:
                command(machine, *args, **kwargs)
        except REFUSALS:
            assert self.snapshot() == before

    def snapshot(self) -> Any:
        run = self.world.run
        return (run.status, run.last_seq, run.plan, run.result, dict(self.world.statuses()))

    def finish(self, row: SubtaskRow, proposal: Plan) -> None:
        """The agent does what it was asked for."""
        with self.world.machine() as machine:
            if row.kind == "plan":
                assert machine.propose(row.id, token(row), proposal)
            else:
                assert machine.complete(row.id, token(row), f"result of {row.key}")

    # --- workers and agents ---

    @rule(slots=st.integers(0, 5), owner=st.sampled_from(["h/1/1", "h/1/2"]), cap=st.integers(0, 5))
    def claim(self, slots: int, owner: str, cap: int) -> None:
        left = [cap]

        def room(agent_id: str) -> bool:
            left[0] -= 1
            return left[0] >= 0

        ready = {r.id for r in self.world.rows.values() if r.status == SubtaskStatus.READY}
        claimed = self.world.claim(slots, owner=owner, room=room)
        assert len(claimed) <= min(slots, cap) and {row.id for row in claimed} <= ready
        assert len(self.running()) <= self.world.run.max_parallel
        self.tokens += [(row.id, token(row)) for row in claimed]

    @precondition(lambda self: self.running())
    @rule(data=st.data(), proposal=plans())
    def succeed(self, data: Any, proposal: Plan) -> None:
        self.finish(self.pick(data), proposal)

    @precondition(lambda self: self.running())
    @rule(
        data=st.data(),
        said=st.sampled_from(
            [{"board": ["x", "y"]}, {"choice": "answer-1"}, {"ranking": ["answer-3"]}, {"a": 1}]
        ),
    )
    def answer_with_data(self, data: Any, said: dict[str, Any]) -> None:
        row = self.pick(data)
        with self.world.machine() as machine:
            assert machine.complete(row.id, token(row), "so", said)

    @precondition(lambda self: self.running())
    @rule(data=st.data(), to=st.sampled_from(["wim", "wes", "steady", "cora", "*", "nobody"]))
    def pass_on(self, data: Any, to: str) -> None:
        row = self.pick(data)
        before = row.agent_id
        with self.world.machine() as machine:
            assert hand_over(machine, row.id, token(row), to=to, text="take it")
        assert row.handovers <= MOST_HANDOVERS
        assert row.agent_id != before or row.status != SubtaskStatus.READY

    @precondition(lambda self: self.running())
    @rule(data=st.data(), transient=st.booleans())
    def fail(self, data: Any, transient: bool) -> None:
        assert self.world.fail(self.pick(data), transient=transient)

    @precondition(lambda self: self.running())
    @rule(data=st.data(), scope=st.sampled_from(["run", "agent"]))
    def exhaust(self, data: Any, scope: str) -> None:
        row = self.pick(data)
        cap = BudgetReached(scope=scope, limit="tokens", text=f"The {scope} is spent.")
        with self.world.machine() as machine:
            assert machine.fail(row.id, token(row), cap.text, transient=False, reached=cap)

    @precondition(lambda self: self.running())
    @rule(data=st.data(), ask=st.booleans())
    def wait_or_release(self, data: Any, ask: bool) -> None:
        row = self.pick(data)
        with self.world.machine() as machine:
            if ask:
                assert machine.wait(row.id, token(row), Waiting(question="which?"))
            else:
                assert machine.release(row.id, token(row))

    @precondition(lambda self: self.running())
    @rule(data=st.data(), cost=st.none() | st.floats(0, 1))
    def say(self, data: Any, cost: float | None) -> None:
        row = self.pick(data)
        used = UsageRecorded(input_tokens=1, output_tokens=1, requests=1, cost_usd=cost, model="m")
        with self.world.machine() as machine:
            assert machine.append(row.id, token(row), [TextDelta(text="hm"), used])

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), end=st.sampled_from(["complete", "fail", "release", "wait", "append"]))
    def zombie(self, data: Any, end: str) -> None:
        key, lease = data.draw(st.sampled_from(self.tokens))
        row = self.world.rows[key]
        if row.lease_token == lease:
            return
        before, refused = self.snapshot(), row.refused
        with self.world.machine() as machine:
            done = {
                "complete": lambda: machine.complete(key, lease, "late"),
                "fail": lambda: machine.fail(key, lease, "late", transient=True),
                "release": lambda: machine.release(key, lease),
                "wait": lambda: machine.wait(key, lease, Waiting(question="late?")),
                "append": lambda: machine.append(key, lease, [TextDelta(text="late")]),
            }[end]()
        assert not done and self.snapshot() == before
        assert row.refused == refused + (end != "append")

    @rule(seconds=st.sampled_from([0.1, 1.0, 31.0, 300.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.later(seconds)

    @rule(dead=st.sampled_from(["", "h/1/1", "h/1/2"]))
    def sweep(self, dead: str) -> None:
        with self.world.machine() as machine:
            machine.expire(lambda owner: owner == dead)
            machine.check_deadline()

    @rule(data=st.data())
    def members_change(self, data: Any) -> None:
        self.world.members = data.draw(
            st.sampled_from([[LENA, WIM, WES, CORA], [LENA, WES], [LENA, WIM], [LENA], [CORA, WIM]])
        )

    # --- people ---

    @rule(which=st.sampled_from(["pause", "resume", "retry"]))
    def steer(self, which: str) -> None:
        self.attempt(getattr(steering, which), by="bo")

    @rule(proposal=st.none() | plans(), edit=st.booleans())
    def approve(self, proposal: Plan | None, edit: bool) -> None:
        if edit and proposal is not None:
            self.attempt(steering.edit_plan, proposal, by="bo")
        else:
            self.attempt(steering.approve, proposal, by="bo")

    @rule(data=st.data())
    def answer(self, data: Any) -> None:
        row = data.draw(st.sampled_from(list(self.world.rows.values())))
        self.attempt(steering.answer, row.id, "that")

    @rule(tokens=st.none() | st.integers(1, 9))
    def raise_budget(self, tokens: int | None) -> None:
        self.attempt(steering.raise_budget, max_tokens=tokens, max_cost_usd=None, by="bo")

    @precondition(lambda self: self.world.run.last_seq > 25)
    @rule()
    def cancel(self) -> None:
        self.attempt(steering.cancel, by="bo", reason="")

    # --- what always holds ---

    @invariant()
    def the_log_is_gap_free_and_known(self) -> None:
        log = self.world.log
        assert [entry.seq for entry in log] == list(range(1, len(log) + 1))
        assert self.world.run.last_seq == len(log)
        assert {entry.event.TYPE for entry in log} <= CATALOGUE.keys()

    @invariant()
    def running_means_leased(self) -> None:
        for row in self.world.rows.values():
            held = row.lease_token is not None and row.lease_until is not None
            assert held == (row.status == SubtaskStatus.RUNNING) == bool(row.lease_owner)
            assert 0 <= row.attempt <= row.max_attempts

    @invariant()
    def an_ended_run_is_at_rest(self) -> None:
        if self.world.run.status in RUN_ENDED:
            assert all(row.status in SUBTASK_ENDED for row in self.world.rows.values())

    @invariant()
    def nothing_is_completed_twice(self) -> None:
        done: set[str] = set()
        for entry in self.world.log:
            if entry.event.TYPE == "run.resumed":
                done -= set(entry.event.data()["retried"])
            elif entry.event.TYPE == "subtask.completed":
                assert str(entry.subtask) not in done
                done.add(str(entry.subtask))

    @invariant()
    def the_log_tells_what_the_rows_say(self) -> None:
        view = view_of(self.world)
        assert view.status == self.world.run.status
        assert view.stop_reason == self.world.run.stop_reason
        assert view.subtasks == {str(r.id): r.status for r in self.world.rows.values()}
        assert (view.result, view.error) == (
            (self.world.run.result, self.world.run.error)
            if self.world.run.status in RUN_ENDED
            else ("", "")
        )

    @invariant()
    def what_is_blocked_waits_for_something(self) -> None:
        by_key = {row.key: row for row in self.world.rows.values()}
        for row in by_key.values():
            if row.status == SubtaskStatus.BLOCKED and row.kind == "work":
                needed = [by_key[key].status for key in row.depends_on]
                assert any(status not in SUBTASK_ENDED for status in needed)

    def teardown(self) -> None:
        """Nothing is ever stuck: with agents that succeed and people who answer, every run comes to its end."""
        self.world.members = [LENA, WIM, WES, CORA]
        for _ in range(80):
            if self.world.run.status in RUN_ENDED:
                break
            if self.world.run.status == RunStatus.PAUSED:
                self.attempt(steering.resume, by="bo")
            if self.world.run.status == RunStatus.AWAITING_APPROVAL:
                self.attempt(steering.approve, None, by="bo")
            for row in list(self.world.rows.values()):
                self.attempt(steering.answer, row.id, "that")
            self.world.later(61)
            self.world.claim()
            for row in self.running():
                if row.status == SubtaskStatus.RUNNING:
                    self.finish(row, plan(item("only")))
        assert self.world.run.status in RUN_ENDED
        self.the_log_tells_what_the_rows_say()


AnyOrder.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestAnyOrder = AnyOrder.TestCase
