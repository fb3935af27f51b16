"""A run in plain objects: a world in which the machine is driven by hand, and time stands until it is moved."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from groups.events import Event
from groups.execution.machine import RunMachine
from groups.execution.plan import Assignable, Plan, PlanItem
from groups.execution.records import Logged, SubtaskRecord

START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LEASE = timedelta(seconds=30)

LENA = Assignable(agent_id="lena", role="leader", tags=("boss",))
WIM = Assignable(agent_id="wim", role="worker", tags=("steady", "math"))
WES = Assignable(agent_id="wes", role="worker", tags=("steady",))


@dataclass
class RunRow:
    """Fits `records.RunRecord`."""

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    task: str = "Count the ships"
    mode: str = "leader_worker"
    status: str = "queued"
    failure_policy: str = "continue"
    approve_plan: bool = False
    plan: dict[str, Any] | None = None
    result: str = ""
    error: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    last_seq: int = 0
    time_limit: float = 3600.0
    subtask_time_limit: float = 600.0
    max_attempts: int = 3
    max_parallel: int = 16
    started_at: datetime | None = None
    finished_at: datetime | None = None
    deadline_at: datetime | None = None
    time_left: float | None = None
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    stop_reason: str = ""
    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class SubtaskRow:
    """Fits `records.SubtaskRecord`."""

    id: uuid.UUID
    key: str = ""
    kind: str = ""
    position: int = 0
    title: str = ""
    instructions: str = ""
    assignee: str = ""
    agent_id: str = ""
    depends_on: list[str] = field(default_factory=list)
    status: str = "blocked"
    attempt: int = 0
    max_attempts: int = 3
    lease_token: uuid.UUID | None = None
    lease_until: datetime | None = None
    lease_owner: str = ""
    ready_at: datetime | None = None
    not_before: datetime | None = None
    question: str = ""
    waits_for: str = "person"
    options: list[str] = field(default_factory=list)
    due_at: datetime | None = None
    reminded_at: datetime | None = None
    memo: dict[str, Any] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    result: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    handovers: int = 0
    refused: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None


def item(key: str, *needs: str, assignee: str = "wim", title: str = "") -> PlanItem:
    """One item of a plan; it is titled like its key in capitals."""
    return PlanItem(
        key=key, title=title or key.upper(), assignee=assignee, instructions="", depends_on=needs
    )


def plan(*items: PlanItem, note: str = "") -> Plan:
    """A plan of these items."""
    return Plan(subtasks=items, note=note)


class World:
    """One run, its rows and its whole log; every command opens it anew, as the ledger does."""

    def __init__(self, *, members: list[Assignable] | None = None, **run: Any) -> None:
        self.run = RunRow(**run)
        self.rows: dict[uuid.UUID, SubtaskRow] = {}
        self.members = [LENA, WIM, WES] if members is None else members
        self.now = START
        self.log: list[Logged] = []
        self.rng = random.Random(7)

    @contextmanager
    def machine(self) -> Iterator[RunMachine]:
        """The run opened for change; what changed is kept when the body ends well."""
        machine = RunMachine(
            self.run,
            list(self.rows.values()),
            members=self.members,
            now=self.now,
            new_subtask=_row,
            rng=self.rng,
        )
        yield machine
        self.log += machine.log
        for row in machine.changed.values():
            self.rows[row.id] = cast(SubtaskRow, row)

    # --- commands, in one word each ---

    def begin(self) -> None:
        """Submit the run."""
        with self.machine() as machine:
            machine.begin(attachments=[], by="ada")

    def claim(
        self,
        slots: int = 100,
        *,
        owner: str = "here/1/1",
        room: Callable[[str], bool] = lambda agent_id: True,
    ) -> list[SubtaskRow]:
        """Claim what is ready."""
        with self.machine() as machine:
            return [self._row(c) for c in machine.claim(slots, owner=owner, lease=LEASE, room=room)]

    def complete(self, row: SubtaskRow, text: str = "done") -> bool:
        """The running agent answers."""
        with self.machine() as machine:
            return machine.complete(row.id, token(row), text)

    def fail(self, row: SubtaskRow, error: str = "no luck", *, transient: bool = False) -> bool:
        """The running agent fails."""
        with self.machine() as machine:
            return machine.fail(row.id, token(row), error, transient=transient)

    def planned(self, proposal: Plan) -> None:
        """Begin, have the leader claim its part and propose this plan."""
        self.begin()
        (leader,) = self.claim()
        with self.machine() as machine:
            assert machine.propose(leader.id, token(leader), proposal)

    def do(self, *keys: str) -> None:
        """Claim all that is ready, complete those keys and nothing else."""
        self.claim()
        for key in keys:
            assert self.complete(self[key], f"result of {key}")

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    # --- looks ---

    def __getitem__(self, key: str) -> SubtaskRow:
        return next(row for row in self.rows.values() if row.key == key)

    def statuses(self) -> dict[str, str]:
        """Key -> status, the plan left out."""
        return {row.key: str(row.status) for row in self.rows.values() if row.kind != "plan"}

    def types(self) -> list[str]:
        """The types of the whole log."""
        return [entry.event.TYPE for entry in self.log]

    def last(self, kind: str) -> Event:
        """The latest event of that type."""
        return next(e.event for e in reversed(self.log) if kind == e.event.TYPE)

    def _row(self, record: SubtaskRecord) -> SubtaskRow:
        return cast(SubtaskRow, record)


def token(row: SubtaskRow) -> uuid.UUID:
    """The lease of a running subtask."""
    assert row.lease_token is not None
    return row.lease_token


def _row(subtask_id: uuid.UUID | None) -> SubtaskRow:
    return SubtaskRow(id=subtask_id or uuid.uuid4())
