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
from django.utils import timezone

from groups import live, queue
from groups.agents import registry
from groups.errors import RunNotFound
from groups.execution.machine import RunMachine
from groups.execution.plan import Assignable
from groups.execution.records import Used
from groups.models import Agent, Member, Run, RunEvent, Spending, Subtask
from groups.models.keys import new_id
from groups.services import replies
from groups.services.fetching import Query, fetch, marks, select
from groups.services.rows import Writes

#: After one of these, other people may be waited for than before (an answer tells itself).
CALLS_PEOPLE: Final = frozenset(
    {
        "subtask.waiting",
        "subtask.failed",
        "plan.proposed",
        "plan.approved",
        "run.failed",
        "run.cancelled",
    }
)


class Machine(RunMachine):
    """A run machine over rows, with the agents of its group at hand."""

    run: Run
    agents: dict[str, Agent]
    #: False: only some subtasks are loaded, enough to log what their agents report.
    whole: bool
    #: True: the row is not in the database yet.
    fresh: bool
    #: Whether the run has attachments, and its group messages.
    has_files: bool
    has_notes: bool


def _blank(run: Run, subtask_id: uuid.UUID | None) -> Subtask:
    return Subtask(id=subtask_id or new_id(), run=run)


def _locked(ids: list[uuid.UUID], *, briefly: bool) -> Query[Run]:
    """These runs, locked in the order of their ids; `briefly` without what is long and not looked at.

    Whether there are files and messages is asked along with the row, so that a run without costs no query for them.
    """
    return select(
        Run,
        f"WHERE groups_run.id IN {marks(ids)} ORDER BY groups_run.id",
        ids,
        without=("task", "plan", "result", "error", "options") if briefly else (),
        extra=(
            "EXISTS(SELECT 1 FROM groups_attachment a WHERE a.run_id=groups_run.id) AS has_files",
            "EXISTS(SELECT 1 FROM groups_message m WHERE m.group_id=groups_run.group_id) AS has_notes",
        ),
        lock="FOR UPDATE",
    )


def _members(run_ids: list[uuid.UUID]) -> Query[Member]:
    """The members of these runs' groups, with their agents."""
    groups = f"SELECT group_id FROM groups_run WHERE id IN {marks(run_ids)}"
    tail = f"WHERE groups_member.group_id IN ({groups}) ORDER BY groups_member.id"
    return select(Member, tail, run_ids, with_="agent")


def _spending(run: Run, used: Used, at: datetime) -> Spending:
    usage = used.usage
    return Spending(
        run_id=run.id,
        group_id=run.group_id,
        agent_id=used.agent_id,
        attempt=used.attempt,
        at=at,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=usage.cost_usd,
        model=usage.model[:200],
    )


class Ledger:
    """The runs opened in one transaction."""

    def __init__(self) -> None:
        self.now: datetime = timezone.now()
        self.machines: dict[uuid.UUID, Machine] = {}
        self._before: dict[uuid.UUID, dict[str, Any]] = {}

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
        ids = list(run_ids)
        whole = [run_id for run_id in ids if run_id not in reports]
        few = [key for keys in reports.values() for key in keys]
        queries: list[Query[Any]] = [_locked(ids, briefly=not whole)]
        if whole:
            queries.append(select(Subtask, f"WHERE run_id IN {marks(whole)}", whole))
            queries.append(_members(whole))
        if few:
            queries.append(select(Subtask, f"WHERE id IN {marks(few)}", few))
        locked, *others = fetch(*queries)
        # Only now, for the lock may have been waited for, and the log's times are to follow its numbers.
        self.now = timezone.now()
        runs: dict[uuid.UUID, Run] = {run.id: run for run in locked}
        subtasks: dict[uuid.UUID, list[Subtask]] = defaultdict(list)
        members: dict[str, list[Member]] = defaultdict(list)
        for row in (row for rows in others for row in rows):
            if isinstance(row, Member):
                members[row.group_id].append(row)
            else:
                self._remember(row)
                subtasks[row.run_id].append(row)
        for run in runs.values():
            self._remember(run)
            self._adopt(run, subtasks[run.id], members[run.group_id], whole=run.id not in reports)

    def adopt(self, run: Run, members: list[Member]) -> Machine:
        """Take up a new run; its row is written by `store`, with the number its log has come to.

        `members` are those that its beginning asks for: the leader.
        """
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
                    plans_again=member.agent.kind in registry.PLANS_AGAIN,
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
        machine.has_notes = getattr(run, "has_notes", False)
        self.machines[run.id] = machine
        return machine

    def store(self) -> None:
        """Write what changed in all opened runs, in as few statements as there are; announce it after commit."""
        writes = Writes()
        changed = [machine for machine in self.machines.values() if machine.log or machine.changed]
        logs: list[tuple[Run, list[live.LogEntry]]] = []
        for machine in changed:
            machine.keep_clock()
            if machine.fresh:
                writes.insert(Run, [machine.run])
            else:
                writes.update(machine.run, self._changes(machine.run))
            rows = [
                live.LogEntry(
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
        subtasks: list[Any] = [row for machine in changed for row in machine.changed.values()]
        for row in subtasks:
            if not row._state.adding:
                writes.update(row, self._changes(row))
        writes.insert(Subtask, [row for row in subtasks if row._state.adding])
        writes.insert(RunEvent, [row for _, rows in logs for row in rows])
        if used := [(machine, one) for machine in changed for one in machine.used]:
            writes.insert(
                Spending, [_spending(machine.run, one, machine.now) for machine, one in used]
            )
        writes.flush()
        pokes = []
        for run, rows in logs:
            if any(row.type.startswith("run.") for row in rows):
                seen = {"run": str(run.id), "status": run.status, "group": run.group_id}
                pokes += [
                    (live.group_topic(run.group_id), "runs", seen),
                    (live.DASHBOARD, "runs", seen),
                ]
            if any(row.type in CALLS_PEOPLE for row in rows):
                where = (live.DASHBOARD, live.group_topic(run.group_id))
                pokes += [(place, "inbox", {"group": run.group_id}) for place in where]
        live.announce(logs=logs, pokes=pokes)
        for machine in changed:
            replies.settle(machine.run)

    def landed(self) -> bool:
        """Whether what `store` wrote is in the database; asked after a COMMIT whose answer was lost.

        All of it is or nothing, and only this ledger wrote an event of this number at this microsecond.
        """
        for machine in self.machines.values():
            for entry in machine.log[:1]:
                at_that_place = RunEvent.objects.filter(run_id=machine.run.id, seq=entry.seq)
                return at_that_place.filter(at=entry.at, type=entry.event.TYPE).exists()
        return False

    def _remember(self, row: Run | Subtask) -> None:
        """What the row is now, so that only what changes is written."""
        self._before[row.pk] = dict(row.__dict__)

    def _changes(self, row: Run | Subtask) -> list[str]:
        before = self._before[row.pk]
        return [
            name
            for name, value in row.__dict__.items()
            if name in before and not name.startswith("_") and value is not before[name]
        ]


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
