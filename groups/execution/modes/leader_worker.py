"""The seed's mode: the leader plans, workers carry out the plan in parallel, the leader sums up."""

from __future__ import annotations

from collections.abc import Sequence

from groups.execution.modes.steps import Add, Complete, Fail, Step, Wait
from groups.execution.records import Draft, SubtaskRecord
from groups.execution.statuses import SUBTASK_ENDED, SubtaskKind, SubtaskStatus


class LeaderWorker:
    """One plan by the leader, its work subtasks, one summary by the leader."""

    name = "leader_worker"
    words = "Leader and workers"

    def next(self, subtasks: Sequence[SubtaskRecord], leader: str) -> Step:
        """See `Mode.next`."""
        if not subtasks:
            return Add((Draft("plan", SubtaskKind.PLAN, "Plan the task", leader),))
        plan = next(item for item in subtasks if item.kind == SubtaskKind.PLAN)
        work = [item for item in subtasks if item.kind == SubtaskKind.WORK]
        summary = next((item for item in subtasks if item.kind == SubtaskKind.SUMMARY), None)
        if plan.status == SubtaskStatus.FAILED:
            return Fail(f"The leader could not plan: {plan.error}")
        if not work or any(item.status not in SUBTASK_ENDED for item in work):
            return Wait()
        if all(item.status != SubtaskStatus.COMPLETED for item in work):
            failed = [item for item in work if item.status == SubtaskStatus.FAILED]
            detail = "; ".join(f"{item.title}: {item.error}" for item in failed[:3])
            more = f" (and {len(failed) - 3} more)" if len(failed) > 3 else ""
            return Fail(f"No subtask could be completed. {detail}{more}")
        if summary is None:
            return Add((Draft("summary", SubtaskKind.SUMMARY, "Sum up the results", leader),))
        if summary.status == SubtaskStatus.FAILED:
            return Fail(f"The leader could not sum up: {summary.error}")
        if summary.status == SubtaskStatus.COMPLETED:
            return Complete(summary.result)
        return Wait()
