"""Rows for tests: plain keyword functions, valid by default, deterministic, with values that are no defaults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from knox.models import AuthToken

from groups import live
from groups.execution.statuses import RUN_ENDED, RunStatus
from groups.models import Agent, Group, GroupAccess, Level, Member, Role, Run, RunEvent

_numbers = count(1)

#: When everything happens, unless a test says otherwise.
NOW = datetime(2026, 3, 4, 5, 6, 7, 891000, tzinfo=UTC)


def make_user(*, username: str = "", **fields: Any) -> User:
    """A user with the password "secret-<username>"."""
    username = username or f"user{next(_numbers)}"
    return User.objects.create_user(username, password=f"secret-{username}", **fields)


def make_token(*, user: User) -> str:
    """An API token of the user, as it is sent."""
    _, token = AuthToken.objects.create(user)
    return str(token)


def make_agent(*, agent_id: str = "", name: str = "Quinn", **fields: Any) -> Agent:
    """A registered agent."""
    return Agent.objects.create(agent_id=agent_id or f"agent{next(_numbers)}", name=name, **fields)


def make_group(
    *,
    group_id: str = "",
    name: str = "Harbour",
    owner: User | None = None,
    operator: User | None = None,
    viewer: User | None = None,
    leader: str = "",
    workers: tuple[str, ...] = (),
    **fields: Any,
) -> Group:
    """A group, who of the users may see it, and agents by id who are its members (made when they do not exist)."""
    group = Group.objects.create(id=group_id or f"group{next(_numbers)}", name=name, **fields)
    for user, level in ((owner, Level.OWNER), (operator, Level.OPERATOR), (viewer, Level.VIEWER)):
        if user is not None:
            GroupAccess.objects.create(group=group, user=user, level=level)
    for agent_id, role in [(leader, Role.LEADER), *((worker, Role.WORKER) for worker in workers)]:
        if agent_id:
            agent = Agent.objects.filter(agent_id=agent_id).first() or make_agent(agent_id=agent_id)
            Member.objects.create(group=group, agent=agent, role=role, tags=["steady"])
    return group


def make_run(
    *,
    group: Group,
    task: str = "Count the ships",
    status: RunStatus = RunStatus.RUNNING,
    events: int = 0,
    **fields: Any,
) -> Run:
    """A run with that many events in its log."""
    fields = {"created_at": NOW, "finished_at": _finished_at(status), **fields}
    run = Run.objects.create(group=group, task=task, status=status, **fields)
    if events:
        append_events(run=run, n=events, announce=False)
    return run


def end_run(run: Run, status: RunStatus = RunStatus.FAILED) -> None:
    """Set the run's status as if it had ended; its log says nothing of it."""
    Run.objects.filter(pk=run.pk).update(status=status, finished_at=NOW)


def _finished_at(status: str) -> datetime | None:
    return NOW if status in RUN_ENDED else None


def append_events(
    *,
    run: Run,
    n: int = 1,
    type: str = "text.delta",
    data: dict[str, Any] | None = None,
    status: RunStatus | None = None,
    announce: bool = True,
) -> list[RunEvent]:
    """Write the next n events of the run's log and announce them after commit (False: as if the hub had lost them).

    The text of the default event is its number.
    """
    with transaction.atomic():
        locked = Run.objects.select_for_update().get(pk=run.pk)
        rows = [
            RunEvent(
                run=locked,
                seq=seq,
                type=type,
                at=NOW + timedelta(milliseconds=seq),
                agent_id="quinn",
                data={"text": str(seq)} if data is None else data,
            )
            for seq in range(locked.last_seq + 1, locked.last_seq + n + 1)
        ]
        RunEvent.objects.bulk_create(rows)
        locked.last_seq += n
        locked.status = status or locked.status
        locked.finished_at = _finished_at(locked.status)
        locked.save()
        if announce:
            live.announce(logs=[(locked, rows)])
    run.last_seq, run.status = locked.last_seq, locked.status
    return rows
