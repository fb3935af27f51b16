"""What people do to a run: cancel, pause, resume, edit and approve its plan, answer, retry. Pure, like the machine."""

from __future__ import annotations

import uuid
from datetime import timedelta

from groups.errors import NothingToRetry, SubtaskNotFound, WrongStatus
from groups.events import (
    BudgetRaised,
    PlanApproved,
    PlanChanged,
    PlanProposed,
    RunCancelled,
    RunPaused,
    RunResumed,
)
from groups.execution import plan as plans
from groups.execution.machine import RunMachine
from groups.execution.plan import Plan
from groups.execution.records import SubtaskRecord
from groups.execution.statuses import (
    RUN_TRANSITIONS,
    SUBTASK_ENDED,
    RunStatus,
    SubtaskKind,
    SubtaskStatus,
)


def cancel(machine: RunMachine, *, by: str, reason: str) -> None:
    """End the run now. Raises RunFinished."""
    machine.must_go_on()
    machine.progress_to(RunStatus.CANCELLED)
    machine.stop_subtasks()
    machine.emit(RunCancelled(by=by, reason=reason))


def pause(machine: RunMachine, *, by: str) -> None:
    """Start no new subtask; running ones finish. Raises RunFinished, WrongStatus."""
    machine.must_go_on()
    if RunStatus.PAUSED not in RUN_TRANSITIONS[RunStatus(machine.run.status)]:
        raise WrongStatus(f"A run that is {machine.words()} cannot be paused.")
    machine.progress_to(RunStatus.PAUSED)
    machine.emit(RunPaused(by=by))


def resume(machine: RunMachine, *, by: str) -> None:
    """Go on where the pause came. Raises RunFinished, WrongStatus."""
    machine.must_go_on()
    if machine.run.status != RunStatus.PAUSED:
        raise WrongStatus("Only a paused run can be resumed.")
    status = machine.stage()
    machine.set_status(status)
    machine.emit(RunResumed(status=status, by=by))


def edit_plan(machine: RunMachine, plan: Plan, *, by: str) -> None:
    """Replace the proposed plan. Raises WrongStatus, PlanInvalid."""
    must_await_approval(machine)
    plan = machine.store_plan(plan)
    machine.emit(PlanProposed(plan=plan.as_json(), approval_required=True, by=by))


def approve(machine: RunMachine, plan: Plan | None, *, by: str) -> None:
    """Carry out the proposed plan, or `plan` in its place. Raises WrongStatus, PlanInvalid."""
    must_await_approval(machine)
    plan = machine.store_plan(plan or plans.plan_from_json(machine.run.plan))
    machine.emit(PlanApproved(plan=plan.as_json(), by=by))
    added = machine.added_by(plan)
    if machine.scene.work and added:
        reason = machine.scene.of(SubtaskKind.PLAN)[-1].instructions
        machine.emit(PlanChanged(plan=plan.as_json(), added=added, reason=reason))
    machine.take_up(plan)
    machine.advance()


def answer(machine: RunMachine, subtask_id: uuid.UUID, text: str, *, by: str = "") -> None:
    """Give a waiting subtask its answer, which the log has if a person gives it (`by`); a program's is its result.

    Raises SubtaskNotFound, WrongStatus, RunFinished.
    """
    machine.must_go_on()
    item = machine.by_id.get(subtask_id)
    if item is None:
        raise SubtaskNotFound
    if item.status != SubtaskStatus.WAITING:
        raise WrongStatus("This subtask waits for no answer.")
    item.answers = [*item.answers, text]
    item.question = ""
    machine.make_ready(item, answer=text if by else "", by=by)


def retry(machine: RunMachine, *, by: str) -> None:
    """Take up again what failed, was skipped or was cut off; what is completed stays.

    Raises WrongStatus while the run is under way or when it was cancelled, NothingToRetry.
    """
    if machine.run.status not in (RunStatus.FAILED, RunStatus.COMPLETED):
        raise WrongStatus(f"A run that is {machine.words()} cannot be retried.")
    again = [
        item
        for item in machine.subtasks
        if item.status in SUBTASK_ENDED
        and item.status != SubtaskStatus.COMPLETED
        and (item.kind != SubtaskKind.PLAN or _is_due(machine, item))
    ]
    # A summary that had to wrap up is worth another, even if nothing else was left undone.
    if not again and machine.run.status == RunStatus.COMPLETED and not machine.run.stop_reason:
        raise NothingToRetry
    # What they judge is about to change.
    changes = any(item.kind == SubtaskKind.WORK for item in again)
    judging = machine.scene.of(SubtaskKind.VOTE) if changes else []
    judging += machine.scene.of(SubtaskKind.SUMMARY)
    again += [item for item in judging if item not in again]
    for item in again:
        item.max_attempts = item.attempt + machine.run.max_attempts
        item.result = item.error = item.question = ""
        item.finished_at = item.not_before = None
        machine.move(item, SubtaskStatus.BLOCKED)
    machine.run.result = machine.run.error = machine.run.stop_reason = ""
    machine.run.finished_at = None
    machine.run.time_left = None
    machine.run.deadline_at = machine.now + timedelta(seconds=machine.run.time_limit)
    status = machine.stage()
    machine.set_status(status)
    machine.emit(RunResumed(status=status, retried=[str(item.id) for item in again], by=by))
    machine.unblock()
    machine.advance()


def _is_due(machine: RunMachine, plan: SubtaskRecord) -> bool:
    """Whether a plan that failed is asked for again: there is none, and it was the last that was asked for."""
    return not machine.scene.work and machine.scene.of(SubtaskKind.PLAN)[-1] is plan


def raise_budget(
    machine: RunMachine, *, max_tokens: int | None, max_cost_usd: float | None, by: str
) -> None:
    """Give the run these caps (None: no cap) instead of those it has; what was used stays counted.

    Raises WrongStatus when the run was cancelled.
    """
    if machine.run.status == RunStatus.CANCELLED:
        raise WrongStatus("A run that was cancelled needs no budget.")
    machine.run.max_tokens, machine.run.max_cost_usd = max_tokens, max_cost_usd
    machine.emit(BudgetRaised(max_tokens=max_tokens, max_cost_usd=max_cost_usd, by=by))


def must_await_approval(machine: RunMachine) -> None:
    """Raise RunFinished or WrongStatus unless the run's plan waits for a person's approval."""
    machine.must_go_on()
    if machine.run.status != RunStatus.AWAITING_APPROVAL:
        raise WrongStatus("This run does not await approval of its plan.")
