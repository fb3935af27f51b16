"""What `bench.fill` writes: a few runs of different lengths and ends are made by the engine's own rules, all others are
copies of them under ids of their own, so that every log is one that the engine could have written.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterable, Iterator
from copy import copy
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, TypeAlias, TypeVar

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Model
from django.db.models.base import ModelState
from django.utils import timezone

from groups.models import Agent, Delivery, Group, Member, Message, Run, RunEvent, Spending, Subtask
from groups.services.ledger import Ledger
from tests.long_runs import claim, make_long_run, make_plan

Item = TypeVar("Item")
#: Agents that all groups draw their members from, and members of a group beside its leader.
AGENTS: Final = 1000
WORKERS: Final = 4
MESSAGES: Final = 20
DAYS: Final = 60
#: Rows written at once.
BATCH: Final = 2000
#: Lengths of the runs that others are copied from, by the mean length that is wanted.
LENGTHS: Final = (0.6, 0.8, 1.0, 1.2, 1.4)
NAMES: Final = ("Harbour", "Pier", "Quay", "Dock", "Tide", "Sail", "Star", "Wharf")


def fill(groups: int, runs: int, events: int) -> None:
    """So many more of each; `events` in all runs together, at least 80 a run."""
    chance = random.Random(7)
    began = time.monotonic()
    owner = User.objects.filter(is_superuser=True).first()
    made = _groups(groups, owner, chance)
    _say(f"{groups} groups with their members", began)
    _messages(made, chance)
    _say(f"{MESSAGES * groups} messages", began)
    masters = [_Master(run) for run in _masters(made[0], max(80, events * 6 // (5 * max(1, runs))))]
    left = runs - len(masters)
    for batch in _batches(_copies(masters, made, left, chance), 50):
        with transaction.atomic():
            _store(batch)
    _say(f"{Run.objects.count()} runs with {RunEvent.objects.count()} events", began)


def _say(what: str, began: float) -> None:
    print(f"{time.monotonic() - began:7.1f} s  {what}", flush=True)


def _groups(number: int, owner: User | None, chance: random.Random) -> list[Group]:
    agents = [
        Agent(agent_id=f"hand-{n:04}", name=f"Hand {n}", description="Counts.", created_by=owner)
        for n in range(AGENTS)
    ]
    Agent.objects.bulk_create(agents, BATCH, ignore_conflicts=True)
    agents = list(Agent.objects.filter(agent_id__startswith="hand-").order_by("agent_id"))
    groups = [
        Group(id=f"g{n:05}", name=f"{NAMES[n % len(NAMES)]} {n}", description="Counts ships.")
        for n in range(number)
    ]
    for group in groups:
        group.created_by = owner
    Group.objects.bulk_create(groups, BATCH)
    Member.objects.bulk_create(
        [
            Member(group=group, agent=agent, role="worker" if place else "leader", tags=["count"])
            for group in groups
            for place, agent in enumerate(chance.sample(agents, WORKERS + 1))
        ],
        BATCH,
    )
    return groups


def _messages(groups: list[Group], chance: random.Random) -> None:
    for batch in _batches(groups, 100):
        members: dict[str, list[str]] = {}
        rows = Member.objects.filter(group__in=batch).values_list("group_id", "agent__agent_id")
        for group_id, agent_id in rows:
            members.setdefault(group_id, []).append(agent_id)
        messages = [
            Message(group=group, sender=sender, recipient=recipient, text=f"Ship {n} is in.")
            for group in batch
            for n in range(MESSAGES)
            for sender, recipient in [chance.sample(members[group.id], 2)]
        ]
        Message.objects.bulk_create(messages, BATCH)
        Delivery.objects.bulk_create(
            [Delivery(message=m, recipient=m.recipient, status="delivered") for m in messages],
            BATCH,
        )


def _masters(group: Group, mean: int) -> list[Run]:
    completed = [
        make_long_run(group=group, events=max(80, round(mean * part)), subtasks=4)
        for part in LENGTHS
    ]
    return [*completed, _failed(group)]


def _failed(group: Group) -> Run:
    """A run that stops at its first failure."""
    with transaction.atomic():
        ledger = Ledger()
        run = Run(group=group, task="Count at night", created_at=ledger.now, failure_policy="stop")
        machine = ledger.adopt(run, list(group.members.select_related("agent").order_by("id")))
        machine.begin(attachments=[], by="admin")
        [plan] = claim(machine)
        machine.propose(plan.id, plan.lease_token, make_plan(machine, 4))
        for item in claim(machine):
            machine.fail(item.id, item.lease_token, "401 Unauthorized: wrong key", transient=False)
        ledger.store()
    assert run.status == "failed", run.status
    return run


class _Master:
    """A run with everything that hangs on it, to be copied."""

    def __init__(self, run: Run) -> None:
        self.run = Run.objects.get(pk=run.pk)
        self.agents = list(
            run.group.members.order_by("role", "id").values_list("agent__agent_id", flat=True)
        )
        self.subtasks = list(run.subtasks.all())
        self.events = list(run.events.order_by("seq"))
        self.spendings = list(Spending.objects.filter(run=run))

    def copy(self, group: Group, agents: list[str], ended: datetime) -> _Copy:
        """The same under new ids, by other agents, over by then."""
        assert self.run.finished_at is not None
        by = ended - self.run.finished_at
        names = dict(zip(self.agents, agents, strict=True))
        names |= {str(each.id): str(uuid.uuid4()) for each in self.subtasks}
        run = _again(self.run, by, names)
        run.pk, run.group, run.plan = uuid.uuid4(), group, _renamed(run.plan, names)
        subtasks = [_again(each, by, names) for each in self.subtasks]
        for old, new in zip(self.subtasks, subtasks, strict=True):
            new.pk, new.run = uuid.UUID(names[str(old.pk)]), run
        events = [_again(each, by, names) for each in self.events]
        for event in events:
            event.pk, event.run, event.data = None, run, _renamed(event.data, names)
            if event.subtask:
                event.subtask = uuid.UUID(names[str(event.subtask)])
        spent = [_again(each, by, names) for each in self.spendings]
        for spending in spent:
            spending.pk, spending.run, spending.group = None, run, group
        return run, subtasks, events, spent


_Copy: TypeAlias = tuple[Run, list[Subtask], list[RunEvent], list[Spending]]
Row = TypeVar("Row", bound=Model)


def _again(row: Row, by: timedelta, names: dict[str, str]) -> Row:
    """The row once more, later by that, not yet stored, its agents renamed."""
    new = copy(row)
    new._state = ModelState()
    for name, value in vars(row).items():
        if isinstance(value, datetime):
            setattr(new, name, value + by)
        elif name in ("agent_id", "assignee"):
            setattr(new, name, names.get(value, value))
    return new


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """The JSON value with every text that is one of the names exchanged."""
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, dict):
        return {key: _renamed(each, names) for key, each in value.items()}
    return [_renamed(each, names) for each in value] if isinstance(value, list) else value


def _copies(
    masters: list[_Master], groups: list[Group], number: int, chance: random.Random
) -> Iterator[_Copy]:
    members: dict[str, list[str]] = {group.id: [] for group in groups}
    rows = Member.objects.filter(group__in=groups).order_by("role", "id")
    for group_id, agent_id in rows.values_list("group_id", "agent__agent_id"):
        members[group_id].append(agent_id)
    now = timezone.now()
    for n in range(number):
        group = groups[n % len(groups)]
        ended = now - timedelta(days=DAYS * chance.random() ** 2)
        yield chance.choice(masters).copy(group, members[group.id], ended)


def _store(batch: list[_Copy]) -> None:
    Run.objects.bulk_create([run for run, *_ in batch])
    Subtask.objects.bulk_create([each for copy in batch for each in copy[1]], BATCH)
    RunEvent.objects.bulk_create([each for copy in batch for each in copy[2]], BATCH)
    Spending.objects.bulk_create([each for copy in batch for each in copy[3]], BATCH)


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
