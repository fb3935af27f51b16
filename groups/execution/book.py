"""A run's rows opened for change: statuses move along the legal transitions, facts are numbered as they are logged.

The primitives that `machine` (the engine's commands) and `steering` (people's commands) are made of. Pure.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from groups.errors import RunFinished, WrongStatus
from groups.events import (
    Event,
    RunFailed,
    SubtaskCompleted,
    SubtaskReady,
    SubtaskRetrying,
    SubtaskSkipped,
)
from groups.execution import plan as plans
from groups.execution.modes import get_mode
from groups.execution.modes.steps import Scene, under_way
from groups.execution.plan import Assignable, Plan, PlanItem
from groups.execution.records import Draft, Logged, RunRecord, SubtaskRecord, Used
from groups.execution.statuses import (
    RUN_ENDED,
    RUN_TRANSITIONS,
    SUBTASK_ENDED,
    SUBTASK_TRANSITIONS,
    RunStatus,
    SubtaskKind,
    SubtaskStatus,
)

#: Makes an empty subtask row of this run with the given id (None: a new one).
NewSubtask = Callable[[uuid.UUID | None], SubtaskRecord]


class RunBook:
    """One run, opened for change. `log` and `changed` say what is to be stored."""

    def __init__(
        self,
        run: RunRecord,
        subtasks: Iterable[SubtaskRecord],
        *,
        members: Sequence[Assignable],
        now: datetime,
        new_subtask: NewSubtask,
        rng: random.Random | None = None,
    ) -> None:
        self.run = run
        self.subtasks = sorted(subtasks, key=lambda item: item.position)
        self.members = members
        self.now = now
        self.log: list[Logged] = []
        #: What agents have used, to be stored with the log.
        self.used: list[Used] = []
        #: Subtasks to store, by id, in the order they were first touched.
        self.changed: dict[uuid.UUID, SubtaskRecord] = {}
        self._new_subtask = new_subtask
        self.rng = rng or random.Random()
        self.by_id = {item.id: item for item in self.subtasks}

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self.run.status in RUN_ENDED

    @property
    def scene(self) -> Scene:
        """The run as modes see it."""
        return Scene(self.run, self.subtasks, self.members)

    def ready(self) -> list[SubtaskRecord]:
        """The subtasks that may be claimed now, in plan order; none while the run stands still."""
        if self.ended or self.run.status in (
            RunStatus.PAUSED,
            RunStatus.AWAITING_APPROVAL,
        ):
            return []
        return [
            item
            for item in self.subtasks
            if item.status == SubtaskStatus.READY
            and (item.not_before is None or item.not_before <= self.now)
        ]

    def holds(self, subtask_id: uuid.UUID, token: uuid.UUID) -> SubtaskRecord | None:
        """The running subtask, if `token` is its lease; None for a zombie."""
        item = self.by_id.get(subtask_id)
        if item is None or item.status != SubtaskStatus.RUNNING or item.lease_token != token:
            return None
        return item

    # --- primitives ---

    def emit(self, event: Event, item: SubtaskRecord | None = None) -> None:
        self.run.last_seq += 1
        agent_id = item.agent_id if item is not None else ""
        self.log.append(
            Logged(self.run.last_seq, self.now, agent_id, item.id if item else None, event)
        )

    def move(self, item: SubtaskRecord, status: SubtaskStatus) -> None:
        if status not in SUBTASK_TRANSITIONS[SubtaskStatus(item.status)]:
            raise WrongStatus(f"A subtask cannot go from {item.status} to {status}.")
        item.status = status
        if status != SubtaskStatus.RUNNING:
            item.lease_token = item.lease_until = None
            item.lease_owner = ""
        if status == SubtaskStatus.READY:
            item.ready_at = self.now
        if status in SUBTASK_ENDED:
            item.finished_at = self.now
        self.changed[item.id] = item

    def set_status(self, status: RunStatus) -> None:
        if status not in RUN_TRANSITIONS[RunStatus(self.run.status)]:
            raise WrongStatus(f"A run cannot go from {self.run.status} to {status}.")
        self.run.status = status
        if status in RUN_ENDED:
            self.run.finished_at = self.now

    def progress_to(self, status: RunStatus) -> None:
        """Go to `status`; a pause is not undone by progress, only by resume or an end."""
        stands = self.run.status == RunStatus.PAUSED and status not in RUN_ENDED
        if self.run.status != status and not stands:
            self.set_status(status)

    def words(self) -> str:
        return self.run.status.replace("_", " ")

    def must_go_on(self) -> None:
        if self.ended:
            raise RunFinished

    def complete_subtask(
        self, item: SubtaskRecord, text: str, data: dict[str, Any] | None = None
    ) -> None:
        item.result = text
        item.data = data or {}
        item.error = ""
        self.move(item, SubtaskStatus.COMPLETED)
        self.emit(SubtaskCompleted(result=text), item)
        self.unblock()

    def again(self, item: SubtaskRecord, error: str, cause: str, delay: float) -> None:
        item.error = error
        item.not_before = self.now + timedelta(seconds=delay) if delay else None
        self.move(item, SubtaskStatus.READY)
        self.emit(
            SubtaskRetrying(
                attempt=item.attempt,
                max_attempts=item.max_attempts,
                error=error,
                delay=delay,
                cause=cause,
            ),
            item,
        )

    def skip(self, item: SubtaskRecord, reason: str) -> None:
        item.error = reason
        self.move(item, SubtaskStatus.SKIPPED)
        self.emit(SubtaskSkipped(reason=reason), item)

    def skip_dependents(self, failed: SubtaskRecord) -> None:
        gone = {failed.key: failed}
        moved = True
        while moved:
            moved = False
            for item in self.subtasks:
                cause = next((gone[key] for key in item.depends_on if key in gone), None)
                if item.status == SubtaskStatus.BLOCKED and cause is not None:
                    item.error = f"It needs '{cause.title}', which {cause.status}."
                    if cause.status == SubtaskStatus.SKIPPED:
                        item.error = f"It needs '{cause.title}', which was skipped."
                    self.skip(item, item.error)
                    gone[item.key] = item
                    moved = True

    def unblock(self) -> None:
        blocked = [item for item in self.subtasks if item.status == SubtaskStatus.BLOCKED]
        if not blocked:
            return
        done = {s.key for s in self.subtasks if s.status == SubtaskStatus.COMPLETED}
        for item in blocked:
            # Votes and the summary judge all work; `machine.advance` says when.
            judges = item.kind in (SubtaskKind.SUMMARY, SubtaskKind.VOTE)
            if not judges and done.issuperset(item.depends_on):
                self.make_ready(item)

    def make_ready(self, item: SubtaskRecord, *, answer: str = "", by: str = "") -> None:
        self.move(item, SubtaskStatus.READY)
        self.emit(
            SubtaskReady(
                key=item.key,
                kind=item.kind,
                title=item.title,
                assignee=item.assignee,
                answer=answer,
                by=by,
            ),
            item,
        )

    def end_failed(self, error: str) -> None:
        self.run.error = error
        self.progress_to(RunStatus.FAILED)
        self.stop_subtasks()
        self.emit(RunFailed(error=error))

    def stop_subtasks(self) -> None:
        for item in self.subtasks:
            if item.status not in SUBTASK_ENDED:
                self.move(item, SubtaskStatus.CANCELLED)

    def add(self, draft: Draft) -> SubtaskRecord:
        item = self._new_subtask(draft.id)
        item.key, item.kind, item.title = draft.key, draft.kind, draft.title
        item.instructions, item.assignee = draft.instructions, draft.assignee
        item.depends_on = list(draft.depends_on)
        item.position = len(self.subtasks)
        item.max_attempts = self.run.max_attempts
        item.agent_id = draft.assignee if self.is_member(draft.assignee) else ""
        self.subtasks.append(item)
        self.by_id[item.id] = item
        self.changed[item.id] = item
        return item

    def store_plan(self, plan: Plan) -> Plan:
        """Validate the plan, shape it as the mode does, give every item its subtask's id, keep it as the run's plan.

        What is a subtask already stays as it is, whatever a further plan says of it.
        """
        kept = {s.key for s in self.subtasks if s.kind == SubtaskKind.WORK}
        done = {s.key for s in self.subtasks if s.status == SubtaskStatus.COMPLETED}
        plans.validate(plan, self.members, kept=kept, done=done & kept)
        plan = Plan(subtasks=tuple(i for i in plan.subtasks if i.key not in kept), note=plan.note)
        plan = get_mode(self.run.mode).shaped(plan, self.scene)
        before = [i for i in (self.run.plan or {}).get("subtasks", []) if i["key"] in kept]
        known = {i["key"]: i["id"] for i in (self.run.plan or {}).get("subtasks", [])}
        items = tuple(
            PlanItem(
                key=i.key,
                title=i.title.strip(),
                assignee=i.assignee,
                instructions=i.instructions,
                depends_on=tuple(dict.fromkeys(i.depends_on)),
                # A caller's id is never trusted: it becomes a primary key.
                id=known.get(i.key) or str(self._new_subtask(None).id),
            )
            for i in plan.subtasks
        )
        stay = plans.plan_from_json({"subtasks": before}).subtasks if before else ()
        plan = Plan(subtasks=(*stay, *items), note=plan.note)
        self.run.plan = plan.as_json()
        return plan

    def added_by(self, plan: Plan) -> list[str]:
        """Keys of the plan's items that are no subtasks yet."""
        there = {s.key for s in self.subtasks}
        return [item.key for item in plan.subtasks if item.key not in there]

    def take_up(self, plan: Plan) -> None:
        """Make the plan's new items subtasks, and those ready that wait for nothing."""
        self.progress_to(RunStatus.RUNNING)
        new = set(self.added_by(plan))
        for item in plan.subtasks:
            if item.key not in new:
                continue
            self.add(
                Draft(
                    key=item.key,
                    kind=SubtaskKind.WORK,
                    title=item.title,
                    assignee=item.assignee,
                    instructions=item.instructions,
                    depends_on=item.depends_on,
                    id=uuid.UUID(item.id),
                )
            )
        self.unblock()

    def role_of(self, agent_id: str) -> str:
        return next((m.role for m in self.members if m.agent_id == agent_id), "")

    def is_member(self, agent_id: str) -> bool:
        return any(m.agent_id == agent_id for m in self.members)

    def stage(self) -> RunStatus:
        """Where a run that neither stands still nor has ended is, judged by its subtasks."""
        if self.run.started_at is None:
            return RunStatus.QUEUED
        scene = self.scene
        if scene.unsettled:
            return RunStatus.AWAITING_APPROVAL
        if not scene.work:
            return RunStatus.PLANNING if scene.of(SubtaskKind.PLAN) else RunStatus.RUNNING
        # A mode may end without a summary; where there is one to write, all else has come to its end.
        summed_up = scene.of(SubtaskKind.SUMMARY)
        rest = [s for s in self.subtasks if s not in summed_up]
        if summed_up and not under_way(rest):
            return RunStatus.SUMMARISING
        return RunStatus.RUNNING
