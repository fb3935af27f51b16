"""The engine's writes: what agents report is stored and what became ready is claimed, in one transaction."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from groups.agents import base
from groups.agents.base import Note, Request
from groups.events import BudgetReached, Event
from groups.execution import brakes
from groups.execution.handing import hand_over
from groups.execution.statuses import RunStatus, SubtaskKind, SubtaskStatus
from groups.models import Agent, Attachment, Message, Run, Subtask
from groups.services.findings import findings, is_further_plan
from groups.services.ledger import Ledger, Machine


class Failed(NamedTuple):
    """The attempt failed. `cause` as in `events.SubtaskRetrying`."""

    error: str
    transient: bool
    cause: str = "error"
    #: Seconds that the other side asked for.
    retry_after: float | None = None
    #: The cap that forbids a further call.
    reached: BudgetReached | None = None


class Released(NamedTuple):
    """The worker was told to stop before the attempt ended."""


End: TypeAlias = base.Outcome | Failed | Released


class Report(NamedTuple):
    """What a running attempt has to say: events for the log, and its end if it came."""

    subtask_id: uuid.UUID
    token: uuid.UUID
    events: Sequence[Event]
    end: End | None


@dataclass
class Step:
    """What is to be done to one run: take these reports, and claim what is ready if `claim`."""

    run_id: uuid.UUID
    reports: list[Report] = field(default_factory=list)
    claim: bool = False

    def merge(self, later: Step) -> None:
        """Add what came later."""
        self.reports += later.reports
        self.claim = self.claim or later.claim

    @property
    def small(self) -> bool:
        """Whether it only appends to the log, so that the run's other subtasks are not needed."""
        return not self.claim and all(report.end is None for report in self.reports)


class Work(NamedTuple):
    """A claimed subtask: what the agent is asked, under which lease, for how long (seconds)."""

    run_id: uuid.UUID
    subtask_id: uuid.UUID
    token: uuid.UUID
    lease_until: datetime
    kind: str
    request: Request
    time_limit: float
    #: The agent's secrets as they are kept (`services.secrets`), and whose they are.
    sealed: bytes | None = None
    agent_pk: int = 0


class Claiming(NamedTuple):
    """Who claims, for how long, and `slots(n)` = how many of n it may take now (they count as taken)."""

    owner: str
    lease: timedelta
    slots: Callable[[int], int]
    give_back: Callable[[int], None]


#: Events after which a run's shared state is written anew.
TOLD: Final = frozenset(
    {
        "subtask.completed",
        "subtask.failed",
        "subtask.skipped",
        "run.completed",
        "run.failed",
        "run.cancelled",
    }
)
#: How many of the latest messages an agent is told of.
NOTES: Final = 20
#: How many earlier runs of its conversation an agent is told of.
TURNS: Final = 20


class Batch:
    """Steps of many runs in one transaction: `open`, `apply` as often as there is more, `store`."""

    def __init__(self, claiming: Claiming) -> None:
        self.claiming = claiming
        self.ledger = Ledger()
        #: Everything is written, only the COMMIT is to come.
        self.stored = False
        #: Runs with ready work left over for want of slots or of room for its agent.
        self.hungry: set[uuid.UUID] = set()
        #: Slots taken for what is not yet handed out as work.
        self._taken = 0
        self._room: dict[str, int] = {}
        self._attachments: dict[uuid.UUID, tuple[base.Attachment, ...]] = {}
        self._messages: dict[str, list[Message]] = {}
        self._earlier: dict[uuid.UUID, tuple[tuple[str, str], ...]] = {}

    def open(self, steps: Sequence[Step]) -> None:
        """Lock and load the runs of `steps`."""
        reports = {
            step.run_id: [report.subtask_id for report in step.reports]
            for step in steps
            if step.small
        }
        self.ledger.open([step.run_id for step in steps], reports=reports)

    @property
    def opened(self) -> set[uuid.UUID]:
        """Runs for which further steps of any size can be applied."""
        return {run_id for run_id, machine in self.ledger.machines.items() if machine.whole}

    def apply(self, steps: Iterable[Step]) -> list[Work]:
        """Do these steps in memory; returns what was claimed. Steps of runs that are gone are dropped."""
        try:
            works = self._apply(steps)
        except BaseException:
            self._give_back(self._taken)
            raise
        self._taken = 0
        return works

    def _apply(self, steps: Iterable[Step]) -> list[Work]:
        claimed: list[tuple[Machine, Subtask]] = []
        for step in steps:
            machine = self.ledger.machines.get(step.run_id)
            if machine is None:
                continue
            for report in step.reports:
                _take(machine, report)
            if machine.whole:
                claimed += [(machine, item) for item in self._claim(machine)]
        return self._requests(claimed) if claimed else []

    def store(self) -> None:
        """Write it all; see `Ledger.store`."""
        self.ledger.store()
        self.stored = True

    @property
    def told(self) -> set[uuid.UUID]:
        """Runs in which something ended: their shared states have something to tell."""
        return {
            run_id
            for run_id, machine in self.ledger.machines.items()
            # What answers a message is no work of the group.
            if machine.run.message_id is None
            and any(entry.event.TYPE in TOLD for entry in machine.log)
        }

    def due(self) -> dict[uuid.UUID, datetime]:
        """When the earliest back-off of each run ends."""
        found: dict[uuid.UUID, datetime] = {}
        for run_id, machine in self.ledger.machines.items():
            times = [
                item.not_before
                for item in machine.subtasks
                if item.status == SubtaskStatus.READY and item.not_before is not None
            ]
            if times and not machine.ended:
                found[run_id] = min(times)
        return found

    def _claim(self, machine: Machine) -> list[Subtask]:
        machine.check_deadline()
        wanted = len(machine.ready())
        if not wanted:
            self.hungry.discard(machine.run.id)
            return []
        granted = self.claiming.slots(wanted)
        self._taken += granted
        claimed: list[Subtask] = []
        if granted:
            claimed = machine.claim(  # type: ignore[assignment]
                granted,
                owner=self.claiming.owner,
                lease=self.claiming.lease,
                room=lambda agent_id: self._has_room(machine.agents.get(agent_id)),
            )
            self._give_back(granted - len(claimed))
        if machine.ready():
            self.hungry.add(machine.run.id)
        else:
            self.hungry.discard(machine.run.id)
        return claimed

    def _give_back(self, slots: int) -> None:
        self._taken -= slots
        self.claiming.give_back(slots)

    def _has_room(self, agent: Agent | None) -> bool:
        """Whether the agent may take one more subtask, and if so counts it.

        The agent's row is locked while its running subtasks are counted; when another worker holds it, the answer
        is no for now, since waiting for a second lock could be waiting for each other.
        """
        if agent is None or not agent.max_concurrency:
            return True
        if agent.agent_id not in self._room:
            mine = Agent.objects.select_for_update(skip_locked=True).filter(pk=agent.pk).first()
            busy = Subtask.objects.filter(agent_id=agent.agent_id, status=SubtaskStatus.RUNNING)
            self._room[agent.agent_id] = agent.max_concurrency - busy.count() if mine else 0
        self._room[agent.agent_id] -= 1
        return self._room[agent.agent_id] >= 0

    def _requests(self, claimed: Sequence[tuple[Machine, Subtask]]) -> list[Work]:
        self._look_up({machine.run.id: machine for machine, _ in claimed})
        return [self._work(machine, item) for machine, item in claimed]

    def _look_up(self, machines: dict[uuid.UUID, Machine]) -> None:
        """Attachments of runs and messages of groups not yet looked up, where there are any."""
        new = machines.keys() - self._attachments.keys()
        found: dict[uuid.UUID, list[base.Attachment]] = defaultdict(list)
        if with_files := [run_id for run_id in new if machines[run_id].has_files]:
            for row in Attachment.objects.filter(run_id__in=with_files):
                found[row.run_id].append(
                    base.Attachment(
                        id=str(row.id),
                        name=row.name,
                        path=Path(row.file.path),
                        media_type=row.media_type,
                        size=row.size,
                    )
                )
        self._attachments |= {run_id: tuple(found[run_id]) for run_id in new}
        for run_id in new:
            self._earlier[run_id] = _earlier(machines[run_id].run)
        for group_id in {machines[run_id].run.group_id for run_id in new} - self._messages.keys():
            talks = any(m.has_notes for m in machines.values() if m.run.group_id == group_id)
            rows = Message.objects.filter(group_id=group_id).order_by("-id")
            self._messages[group_id] = list(rows[: NOTES * 5])[::-1] if talks else []

    def _work(self, machine: Machine, item: Subtask) -> Work:
        run, agent = machine.run, machine.agents[item.agent_id]
        assert item.lease_token is not None and item.lease_until is not None  # just claimed
        heard = [
            Note(sender=m.sender, to=m.recipient, text=m.text)
            for m in self._messages[run.group_id]
            if m.recipient in ("", item.agent_id)
        ]
        request = Request(
            kind=SubtaskKind(item.kind),
            run_id=str(run.id),
            subtask_id=str(item.id),
            group_id=run.group_id,
            agent_id=item.agent_id,
            config=agent.config,
            task=run.task,
            title=item.title,
            instructions=item.instructions,
            attempt=item.attempt,
            turn=f"{item.handovers}-{item.max_attempts}",
            members=tuple(machine.members),
            attachments=self._attachments[run.id],
            findings=findings(machine.subtasks, item),
            answers=tuple(item.answers),
            notes=tuple(heard[-NOTES:]),
            role=machine.role_of(item.agent_id),
            memo=item.memo,
            ability=agent.ability,
            earlier=self._earlier[run.id],
            grants=tuple(agent.grants),
            wrap_up=brakes.wrap_up(machine, item),
            replan=item.instructions if is_further_plan(machine.subtasks, item) else "",
            time_limit=brakes.seconds_for(machine),
        )
        return Work(
            run_id=run.id,
            subtask_id=item.id,
            token=item.lease_token,
            lease_until=item.lease_until,
            kind=agent.kind,
            request=request,
            time_limit=run.subtask_time_limit,
            sealed=None if agent.secrets is None else bytes(agent.secrets),
            agent_pk=agent.pk,
        )


def _take(machine: Machine, report: Report) -> None:
    """One attempt's report. A zombie's is refused (and counted, when it is an end)."""
    key, token, events, end = report
    if events:
        machine.append(key, token, events)
    match end:
        case None:
            pass
        case base.Answered(text):
            machine.complete(key, token, text, end.data)
        case base.Planned(plan):
            machine.propose(key, token, plan)
        case base.Waiting():
            machine.wait(key, token, end)
        case base.HandedOver():
            hand_over(machine, key, token, to=end.to, text=end.text)
        case Failed():
            machine.fail(
                key,
                token,
                end.error,
                transient=end.transient,
                cause=end.cause,
                retry_after=end.retry_after,
                reached=end.reached,
            )
        case Released():
            machine.release(key, token)


def _earlier(run: Run) -> tuple[tuple[str, str], ...]:
    """What was asked and answered before in the run's conversation, oldest first."""
    given = tuple((task, result) for task, result in run.options.get("earlier", ()))
    if not run.conversation:
        return given
    before = Run.objects.filter(
        group_id=run.group_id, conversation=run.conversation, status=RunStatus.COMPLETED
    ).filter(created_at__lt=run.created_at)
    found = before.order_by("-created_at").values_list("task", "result")[:TURNS]
    return given + tuple(reversed(found))


def held_leases(tokens: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these leases still hold."""
    rows = Subtask.objects.filter(lease_token__in=tokens, status=SubtaskStatus.RUNNING)
    return {token for token in rows.values_list("lease_token", flat=True) if token is not None}


def extend_leases(tokens: Sequence[uuid.UUID], until: datetime) -> int:
    """Extend those of these leases that hold to `until`; returns how many. Call it in a transaction.

    Rows that another transaction is changing are passed over, so that nobody waits: ask again soon.
    """
    held = Subtask.objects.filter(lease_token__in=tokens, status=SubtaskStatus.RUNNING)
    free = held.select_for_update(skip_locked=True).order_by("id").values_list("id", flat=True)
    return Subtask.objects.filter(id__in=list(free)).update(lease_until=until)
