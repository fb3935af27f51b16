"""Opens runs for change: locks and loads them, lets the machine decide, stores what changed, announces it after commit.

Every write to a run, whoever asks for it, goes through here; the Run row's lock is what numbers the log without gaps.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from groups import live, queue
from groups.errors import RunNotFound
from groups.execution.machine import RunMachine
from groups.execution.plan import Assignable
from groups.models import Agent, Attachment, Member, Run, RunEvent, Subtask
from groups.models.runs import new_id

#: Columns of a subtask that change after it was made.
_MUTABLE: Final = [
    "agent_id",
    "status",
    "attempt",
    "max_attempts",
    "lease_token",
    "lease_until",
    "lease_owner",
    "not_before",
    "question",
    "answers",
    "result",
    "error",
    "refused",
    "started_at",
    "finished_at",
]
_RUN_MUTABLE: Final = [
    "status",
    "plan",
    "result",
    "error",
    "usage",
    "last_seq",
    "started_at",
    "finished_at",
    "deadline_at",
]


class Machine(RunMachine):
    """A run machine over rows, with the agents of its group at hand."""

    run: Run
    agents: dict[str, Agent]
    #: False: only some subtasks are loaded, enough to log what their agents report.
    whole: bool
    #: True: the row is not in the database yet.
    fresh: bool
    has_files: bool


def _blank(run: Run, subtask_id: uuid.UUID | None) -> Subtask:
    return Subtask(id=subtask_id or new_id(), run=run)


class Ledger:
    """The runs opened in one transaction."""

    def __init__(self) -> None:
        self.now: datetime = timezone.now()
        self.machines: dict[uuid.UUID, Machine] = {}

    def open(
        self,
        run_ids: Iterable[uuid.UUID],
        *,
        reports: dict[uuid.UUID, list[uuid.UUID]] | None = None,
    ) -> None:
        """Lock and load these runs; those that are gone are left out. Call it once per transaction.

        `reports` maps a run to the only subtasks of it that are needed (see `Machine.whole`).
        Locks are taken in the order of the ids, so that two transactions never wait for each other.
        """
        reports = reports or {}
        # Asked along with the row, so that a run without files costs no query for them.
        files = Exists(Attachment.objects.filter(run=OuterRef("pk")))
        rows = Run.objects.filter(id__in=list(run_ids)).annotate(has_files=files).order_by("id")
        runs = {run.id: run for run in rows.select_for_update(of=("self",))}
        whole = [run for run in runs.values() if run.id not in reports]
        subtasks: dict[uuid.UUID, list[Subtask]] = defaultdict(list)
        needed: list[Subtask] = []
        if whole:
            needed += Subtask.objects.filter(run_id__in=[run.id for run in whole]).order_by()
        if few := [key for run_id in reports if run_id in runs for key in reports[run_id]]:
            needed += Subtask.objects.filter(id__in=few).order_by()
        for row in needed:
            subtasks[row.run_id].append(row)
        members: dict[str, list[Member]] = defaultdict(list)
        if whole:
            groups = {run.group_id for run in whole}
            everyone = Member.objects.filter(group_id__in=groups).select_related("agent")
            for member in everyone.order_by("id"):
                members[member.group_id].append(member)
        for run in runs.values():
            self._adopt(run, subtasks[run.id], members[run.group_id], whole=run.id not in reports)

    def adopt(self, run: Run, members: list[Member]) -> Machine:
        """Take up a new run; its row is written by `store`, with the number its log has come to."""
        machine = self._adopt(run, [], members, whole=True)
        machine.fresh = True
        return machine

    def _adopt(
        self, run: Run, subtasks: list[Subtask], members: list[Member], *, whole: bool
    ) -> Machine:
        machine = Machine(
            run,
            subtasks,
            members=[
                Assignable(
                    agent_id=member.agent.agent_id,
                    role=member.role,
                    tags=tuple(member.tags),
                    name=member.agent.name,
                    description=member.agent.description,
                )
                for member in members
            ],
            now=self.now,
            new_subtask=partial(_blank, run),
        )
        machine.agents = {member.agent.agent_id: member.agent for member in members}
        machine.whole = whole
        machine.fresh = False
        machine.has_files = getattr(run, "has_files", False)
        self.machines[run.id] = machine
        return machine

    def store(self) -> None:
        """Write what changed in all opened runs (four statements at most, however many), announce it after commit."""
        changed = [machine for machine in self.machines.values() if machine.log or machine.changed]
        subtasks: list[Any] = [row for machine in changed for row in machine.changed.values()]
        logs: list[tuple[Run, list[RunEvent]]] = []
        for machine in changed:
            rows = [
                RunEvent(
                    run_id=machine.run.id,
                    seq=entry.seq,
                    type=entry.event.TYPE,
                    at=entry.at,
                    agent_id=entry.agent_id,
                    subtask=entry.subtask,
                    data=entry.event.data(),
                )
                for entry in machine.log
            ]
            if rows:
                logs.append((machine.run, rows))
        for machine in changed:
            if machine.fresh:
                machine.run.save(force_insert=True)
        if subtasks:
            # One statement for new and old rows; old ones cannot be gone, their run is locked.
            Subtask.objects.bulk_create(
                subtasks, update_conflicts=True, unique_fields=["id"], update_fields=_MUTABLE
            )
        if logs:
            old = [machine.run for machine in changed if machine.log and not machine.fresh]
            if old:
                Run.objects.bulk_create(
                    old, update_conflicts=True, unique_fields=["id"], update_fields=_RUN_MUTABLE
                )
            RunEvent.objects.bulk_create([row for _, rows in logs for row in rows])
        pokes = []
        for run, rows in logs:
            if any(row.type.startswith("run.") for row in rows):
                seen = {"run": str(run.id), "status": run.status, "group": run.group_id}
                pokes += [
                    (live.group_topic(run.group_id), "runs", seen),
                    (live.DASHBOARD, "runs", seen),
                ]
        live.announce(logs=logs, pokes=pokes)


@contextmanager
def opened(run_id: uuid.UUID) -> Iterator[Machine]:
    """One run, locked and loaded, in a transaction of its own; stored at the end unless the body raised.

    Tells the workers after commit: they look again at what they carry out, and whether there is more.
    Raises RunNotFound.
    """
    with transaction.atomic():
        ledger = Ledger()
        ledger.open([run_id])
        machine = ledger.machines.get(run_id)
        if machine is None:
            raise RunNotFound
        yield machine
        ledger.store()
        live.announce(control=[run_id])
        if machine.ready():
            queue.ring([run_id])
