"""The life of one run: the engine's commands go in, rows change in memory, numbered events come out.

Whoever holds the run's lock loads the rows, gives commands and stores what changed (`services.ledger`).
Nothing here waits, sleeps or knows the database, so every rule of the engine is tested in microseconds.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from groups.errors import PlanInvalid
from groups.events import (
    BudgetReached,
    BudgetUnpriced,
    Event,
    PlanChanged,
    PlanProposed,
    RunCompleted,
    RunQueued,
    RunStarted,
    RunSummarising,
    SubtaskFailed,
    SubtaskStarted,
    SubtaskWaiting,
    UsageRecorded,
)
from groups.execution import brakes, falling
from groups.execution.book import RunBook
from groups.execution.modes import get_mode
from groups.execution.modes.base import Mode
from groups.execution.modes.steps import Add, Complete, Fail, under_way
from groups.execution.plan import Plan
from groups.execution.records import Asked, SubtaskRecord, Used
from groups.execution.retries import retry_delay
from groups.execution.statuses import (
    FailurePolicy,
    RunStatus,
    SubtaskKind,
    SubtaskStatus,
)

#: Seconds that another side may ask to be left alone, at most.
LONGEST_WAIT: Final = 3600.0


class RunMachine(RunBook):
    """One run and what may happen to it."""

    def begin(self, *, attachments: list[dict[str, Any]], by: str) -> None:
        """Log the submission and make the first subtask ready."""
        self.emit(
            RunQueued(
                task=self.run.task,
                mode=self.run.mode,
                failure_policy=self.run.failure_policy,
                approve_plan=self.run.approve_plan,
                attachments=attachments,
                by=by,
            )
        )
        self.advance()

    def claim(
        self, slots: int, *, owner: str, lease: timedelta, room: Callable[[str], bool]
    ) -> list[SubtaskRecord]:
        """Lease at most `slots` ready subtasks to `owner` until now + `lease`.

        `room(agent_id)` says whether that agent may take one more (its concurrency cap) and counts it.
        """
        running = sum(item.status == SubtaskStatus.RUNNING for item in self.subtasks)
        free = min(slots, self.run.max_parallel - running)
        claimed: list[SubtaskRecord] = []
        ready = self.ready()
        if self._mode.one_at_a_time:
            ready.sort(key=lambda item: -falling.fitness(item, self.members))
        for item in ready:
            if len(claimed) >= free or self.ended:
                break
            choice = falling.assignable(item, self.subtasks, self.members)
            if not choice:
                self.fail_for_good(item, self._nobody(item))
                self.advance()
                continue
            if self._mode.one_at_a_time and item.kind == SubtaskKind.WORK:
                choice = falling.free(choice, self.subtasks)
            agent_id = next(filter(room, choice), None)
            if agent_id is None:
                continue
            if self.run.status == RunStatus.QUEUED:
                self._begin_running()
            if agent_id != item.agent_id and (item.memo or item.answers):
                item.memo, item.answers = {}, []  # they are of one that has left
            item.agent_id = agent_id
            item.attempt += 1
            item.lease_token = uuid.uuid4()
            item.lease_until = self.now + lease
            item.lease_owner = owner
            item.not_before = None
            item.started_at = self.now
            item.finished_at = None
            self.move(item, SubtaskStatus.RUNNING)
            self.emit(
                SubtaskStarted(attempt=item.attempt, max_attempts=item.max_attempts),
                item,
            )
            claimed.append(item)
        # A member that is gone may have ended the run, and with it what was just claimed.
        return [item for item in claimed if item.status == SubtaskStatus.RUNNING]

    def append(self, subtask_id: uuid.UUID, token: uuid.UUID, events: Sequence[Event]) -> bool:
        """Log what a running agent reports. False, and nothing logged, when the lease is lost."""
        item = self.holds(subtask_id, token)
        if item is None:
            return False
        for event in events:
            if isinstance(event, UsageRecorded):
                self._add_usage(event)
                self.used.append(Used(item.agent_id, token, event))
            elif isinstance(event, BudgetUnpriced) and self._is_unpriced:
                continue  # it has been said
            self.emit(event, item)
        return True

    def complete(
        self,
        subtask_id: uuid.UUID,
        token: uuid.UUID,
        text: str,
        data: dict[str, Any] | None = None,
    ) -> bool:
        """The agent answered. False when the lease is lost: the late result is refused and counted."""
        item = self.finishing(subtask_id, token)
        if item is None:
            return False
        if item.kind == SubtaskKind.PLAN:
            self.fail_for_good(item, "The leader answered with text where a plan was asked for.")
        else:
            self.complete_subtask(item, text, data)
        self.advance()
        return True

    def propose(self, subtask_id: uuid.UUID, token: uuid.UUID, plan: Plan) -> bool:
        """The leader planned. False when the lease is lost; an invalid plan fails the subtask for good."""
        item = self.finishing(subtask_id, token)
        if item is None:
            return False
        if item.kind != SubtaskKind.PLAN:
            self.fail_for_good(item, "The agent answered with a plan where text was asked for.")
        else:
            try:
                plan = self.store_plan(plan)
            except PlanInvalid as error:
                faults = "; ".join(f"{k}: {' '.join(v)}" for k, v in error.fields.items())
                self.fail_for_good(item, f"The plan is invalid: {faults}")
            else:
                self._take_plan(item, plan)
        self.advance()
        return True

    def _take_plan(self, item: SubtaskRecord, plan: Plan) -> None:
        """The valid plan, or the further one, is taken up, or proposed to people."""
        added = self.added_by(plan)
        further = bool(self.scene.work)
        asks = self.run.approve_plan and bool(added)
        if asks or not further:
            self.emit(PlanProposed(plan=plan.as_json(), approval_required=asks), item)
        elif added:
            reason = item.instructions
            self.emit(PlanChanged(plan=plan.as_json(), added=added, reason=reason), item)
        self.complete_subtask(item, plan.note)
        if asks:
            self.progress_to(RunStatus.AWAITING_APPROVAL)
        elif added:
            self.take_up(plan)

    def wait(self, subtask_id: uuid.UUID, token: uuid.UUID, asked: Asked) -> bool:
        """The agent needs an answer. The try does not count. False when the lease is lost."""
        item = self.finishing(subtask_id, token)
        if item is None:
            return False
        item.attempt -= 1
        item.question, item.waits_for = asked.question, asked.waits_for
        item.options, item.memo = list(asked.options), asked.memo
        item.due_at = self.now + timedelta(seconds=asked.patience) if asked.patience else None
        item.reminded_at = None
        self.move(item, SubtaskStatus.WAITING)
        due = item.due_at.isoformat() if item.due_at else None
        self.emit(
            SubtaskWaiting(
                question=asked.question,
                waits_for=asked.waits_for,
                options=item.options,
                due_at=due,
            ),
            item,
        )
        return True

    def check_waiting(self) -> int:
        """Fail the subtasks that nobody has answered in time. Returns how many."""
        late = [
            item
            for item in self.subtasks
            if item.status == SubtaskStatus.WAITING and item.due_at and item.due_at <= self.now
        ]
        for item in late:
            if not self.ended:
                self.fail_for_good(item, "Nobody answered in time.")
        if late:
            self.advance()
        return len(late)

    def fail(
        self,
        subtask_id: uuid.UUID,
        token: uuid.UUID,
        error: str,
        *,
        transient: bool,
        cause: str = "error",
        retry_after: float | None = None,
        reached: BudgetReached | None = None,
    ) -> bool:
        """The try failed: another follows after a back-off if the failure is `transient` and tries are left.

        The back-off is at least `retry_after` seconds, an hour at most. `reached` is the cap that stopped it: then
        none follows, and the run goes on as `brakes` says.

        False when the lease is lost.
        """
        item = self.finishing(subtask_id, token)
        if item is None:
            return False
        if reached is not None:
            brakes.reach(self, item, reached)
        elif transient and item.attempt < item.max_attempts:
            delay = max(retry_delay(item.attempt, self.rng), min(retry_after or 0.0, LONGEST_WAIT))
            self.again(item, error, cause, delay)
        else:
            self.fail_for_good(item, error)
        self.advance()
        return True

    def release(self, subtask_id: uuid.UUID, token: uuid.UUID) -> bool:
        """The worker was told to stop: the subtask is ready again and the try does not count."""
        item = self.finishing(subtask_id, token)
        if item is None:
            return False
        self.again(item, "Its worker was told to stop.", "released", 0.0)
        item.attempt -= 1
        return True

    def expire(self, is_dead: Callable[[str], bool] = lambda owner: False) -> int:
        """Take back leases that ran out, or whose owner `is_dead`. Returns how many."""
        taken = 0
        for item in list(self.subtasks):
            if item.status != SubtaskStatus.RUNNING or item.lease_token is None:
                continue
            over = item.lease_until is not None and item.lease_until <= self.now
            if over or is_dead(item.lease_owner):
                taken += 1
                self.fail(
                    item.id,
                    item.lease_token,
                    "Its worker stopped answering; what it had done is unknown.",
                    transient=True,
                    cause="lost",
                )
        return taken

    def keep_clock(self) -> None:
        """Stop the clock of the time limit while the run stands still for people, let it go on afterwards."""
        live = {item.status for item in self.subtasks}
        asks = SubtaskStatus.WAITING in live and not live & {
            SubtaskStatus.RUNNING,
            SubtaskStatus.READY,
        }
        stands = asks or self.run.status in (RunStatus.PAUSED, RunStatus.AWAITING_APPROVAL)
        if stands and self.run.deadline_at is not None:
            self.run.time_left = max(0.0, (self.run.deadline_at - self.now).total_seconds())
            self.run.deadline_at = None
        elif not stands and self.run.time_left is not None:
            self.run.deadline_at = self.now + timedelta(seconds=self.run.time_left)
            self.run.time_left = None

    def check_deadline(self) -> bool:
        """Whether the run's time limit has passed: then it is wrapped up, or fails when there is nothing to sum up."""
        if self.ended or self.run.deadline_at is None or self.run.deadline_at > self.now:
            return False
        if brakes.out_of_time(self):
            self.advance()
            return True
        self.end_failed(f"The run's time limit of {self.run.time_limit:g} s has passed.")
        return True

    # --- inside ---

    def _begin_running(self) -> None:
        plans = any(item.kind == SubtaskKind.PLAN for item in self.subtasks)
        self.progress_to(RunStatus.PLANNING if plans else RunStatus.RUNNING)
        self.run.started_at = self.run.started_at or self.now
        self.run.deadline_at = self.now + timedelta(seconds=self.run.time_limit)
        self.emit(RunStarted())

    def finishing(self, subtask_id: uuid.UUID, token: uuid.UUID) -> SubtaskRecord | None:
        """The running subtask, if `token` is its lease; a zombie is counted."""
        item = self.holds(subtask_id, token)
        if item is None:
            late = self.by_id.get(subtask_id)
            if late is not None:
                late.refused += 1
                self.changed[late.id] = late
        return item

    def fail_for_good(self, item: SubtaskRecord, error: str) -> None:
        """It failed and is not tried again."""
        item.error = error
        self.move(item, SubtaskStatus.FAILED)
        self.emit(SubtaskFailed(error=error, attempt=item.attempt), item)
        if item.kind == SubtaskKind.WORK and self.run.failure_policy == FailurePolicy.STOP:
            self.end_failed(f"'{item.title}' failed: {error}")
            return
        self.skip_dependents(item)

    def advance(self) -> None:
        """Ask the mode what comes next, and do it."""
        if self.ended:
            return
        step = self._mode.next(self.scene)
        if isinstance(step, Add):
            for draft in step.drafts:
                item = self.add(draft)
                if item.kind == SubtaskKind.SUMMARY:
                    self._summarise(item)
                else:
                    self.make_ready(item)
        elif isinstance(step, Fail):
            self.end_failed(step.error)
        elif isinstance(step, Complete):
            for event in step.events:
                self.emit(event)
            for item in self.subtasks:
                if item.status == SubtaskStatus.BLOCKED:  # a summary from before a retry
                    self.skip(item, "The run has its result without it.")
            self.run.result = step.result
            self.progress_to(RunStatus.COMPLETED)
            reason = self.run.stop_reason
            self.emit(RunCompleted(result=step.result, usage=self.run.usage, stop_reason=reason))
        else:
            self._let_judge()

    def _let_judge(self) -> None:
        """After a retry: votes, then the summary, are due again once all they judge has come to its end."""
        held = [s for s in self.subtasks if s.status == SubtaskStatus.BLOCKED]
        votes = [s for s in held if s.kind == SubtaskKind.VOTE]
        summaries = [s for s in held if s.kind == SubtaskKind.SUMMARY]
        if under_way([s for s in self.subtasks if s not in votes and s not in summaries]):
            return
        for item in votes:
            self.make_ready(item)
        if not votes and summaries:
            self._summarise(summaries[0])

    def _summarise(self, item: SubtaskRecord) -> None:
        self.progress_to(RunStatus.SUMMARISING)
        self.emit(RunSummarising())
        self.make_ready(item)

    @property
    def _mode(self) -> Mode:
        return get_mode(self.run.mode)

    def _nobody(self, item: SubtaskRecord) -> str:
        """Why nobody is left for it."""
        if self.role_of(item.assignee) == "observer":
            return f"'{item.assignee}' is an observer now and is given no work."
        return f"'{item.assignee}' is no longer a member of this group."

    @property
    def _is_unpriced(self) -> bool:
        """Whether a call of unknown price is among what was used."""
        return bool(self.run.usage) and self.run.usage.get("cost_usd") is None

    def _add_usage(self, used: UsageRecorded) -> None:
        usage = dict(self.run.usage or {})
        first = not usage
        for name in ("input_tokens", "output_tokens", "requests"):
            usage[name] = usage.get(name, 0) + getattr(used, name)
        before = 0.0 if first else usage.get("cost_usd")
        # One unknown price makes the sum unknown, rather than too low.
        usage["cost_usd"] = (
            None if before is None or used.cost_usd is None else before + used.cost_usd
        )
        self.run.usage = usage
