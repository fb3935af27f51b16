"""The shape of a run and its subtasks as the machine sees them. Model rows fit it; tests use plain objects."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from groups.events import Event, UsageRecorded


class RunRecord(Protocol):
    """A run's row (see `groups.models.Run` for each field's meaning)."""

    id: uuid.UUID
    task: str
    mode: str
    status: str
    failure_policy: str
    approve_plan: bool
    plan: dict[str, Any] | None
    result: str
    error: str
    usage: dict[str, Any]
    last_seq: int
    time_limit: float
    subtask_time_limit: float
    max_attempts: int
    max_parallel: int
    started_at: datetime | None
    finished_at: datetime | None
    deadline_at: datetime | None
    time_left: float | None
    max_tokens: int | None
    max_cost_usd: float | None
    stop_reason: str
    options: dict[str, Any]


class SubtaskRecord(Protocol):
    """A subtask's row (see `groups.models.Subtask`)."""

    id: uuid.UUID
    key: str
    kind: str
    position: int
    title: str
    instructions: str
    assignee: str
    agent_id: str
    depends_on: list[str]
    status: str
    attempt: int
    max_attempts: int
    lease_token: uuid.UUID | None
    lease_until: datetime | None
    lease_owner: str
    ready_at: datetime | None
    not_before: datetime | None
    question: str
    waits_for: str
    options: list[str]
    due_at: datetime | None
    reminded_at: datetime | None
    memo: dict[str, Any]
    answers: list[str]
    result: str
    data: dict[str, Any]
    error: str
    handovers: int
    refused: int
    started_at: datetime | None
    finished_at: datetime | None


class Asked(Protocol):
    """What an agent waits for (`agents.base.Waiting`, which stands above this floor)."""

    @property
    def question(self) -> str: ...

    @property
    def waits_for(self) -> str: ...

    @property
    def options(self) -> Sequence[str]: ...

    @property
    def patience(self) -> float | None: ...

    @property
    def memo(self) -> dict[str, Any]: ...


class Draft(NamedTuple):
    """A subtask that is to exist."""

    key: str
    kind: str
    title: str
    assignee: str
    instructions: str = ""
    depends_on: tuple[str, ...] = ()
    id: uuid.UUID | None = None


class Used(NamedTuple):
    """What a call used, by whom and under which lease, for the books on spending."""

    agent_id: str
    attempt: uuid.UUID
    usage: UsageRecorded


class Logged(NamedTuple):
    """An event with its place in the log."""

    seq: int
    at: datetime
    agent_id: str
    subtask: uuid.UUID | None
    event: Event
