"""Which sync tasks may be made, and how they look from outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

import msgspec

from state import jsonvalue
from state.bus.events_of import event_of, updates_of
from state.errors import NotFound
from state.manager import StateManager
from state.models import SyncTarget
from state.models import SyncTask as Row
from state.policy import Caller, Right, canonical, rights
from state.refusals import NotPermitted
from state.sync.refusals import SyncTaskInvalid
from state.values import (
    Json,
    SharedState,
    StateUpdate,
    SyncTask,
    SyncTaskType,
    TargetStatus,
    TaskStatus,
)
from state.values import SyncTarget as Target

#: Agents that one task names; a broadcast reaches any number.
MAX_TARGETS: Final = 1000
MAX_RETRIES: Final = 20
#: Bytes of JSON.
MAX_METADATA: Final = 16 * 1024
#: Entries of the log whose updates are shown.
SHOWN: Final = 50


def may_lead(caller: Caller) -> bool:
    """Whether the caller sees and ends what others have made: owners of the space, and its leader."""
    return caller.admin or "role:leader" in caller.known_as


def require_right(caller: Caller, state: SharedState) -> None:
    """Tasks on a state are made and cancelled by who may lead, and by who may write the state. Raises NotPermitted."""
    leads = may_lead(caller) and not caller.read_only
    if not leads and Right.WRITE not in rights(state, caller):
        raise NotPermitted(extra={"required": "write"})


def checked(
    caller: Caller,
    type: SyncTaskType,
    state: SharedState,
    target_agents: Sequence[str],
    updates: Iterable[StateUpdate],
    *,
    priority: int,
    max_retries: int,
    metadata: Mapping[str, Json],
) -> tuple[Row, list[str]]:
    """The row of a task, not kept yet, and the agents it names. Raises SyncTaskInvalid."""
    agents = sorted({canonical(each) for each in target_agents})
    faults = dict(_faults(type, agents, len(target_agents), priority, max_retries))
    faults |= faults_of_metadata(metadata)
    revisions = [_revision(caller.space, state, each) for each in updates]
    if None in revisions:
        faults["updates"] = ["Updates are changes of this state as its log has them."]
    if faults:
        raise SyncTaskInvalid(fields=faults)
    row = Row(
        space=caller.space,
        type=type.value,
        priority=priority,
        key=state.id,
        revision=max((each for each in revisions if each is not None), default=0),
        max_retries=max_retries,
        metadata=dict(metadata),
        created_by=caller.name,
    )
    return row, agents


def _faults(
    type: SyncTaskType, agents: Sequence[str], given: int, priority: int, max_retries: int
) -> Iterable[tuple[str, list[str]]]:
    if not 0 <= priority <= 9:
        yield "priority", ["A priority is a number from 0 to 9; higher ones go first."]
    if not 0 <= max_retries <= MAX_RETRIES:
        yield "max_retries", [f"0 to {MAX_RETRIES}."]
    wrong = [each for each in agents if not each.isprintable() or len(each) > 200]
    if type is SyncTaskType.BROADCAST and agents:
        yield "target_agents", ["A broadcast goes to all who subscribe: name nobody."]
    elif type is SyncTaskType.UNICAST and (len(agents) != 1 or given != 1):
        yield "target_agents", ["A unicast goes to exactly one agent."]
    elif type is SyncTaskType.MULTICAST and not agents:
        yield "target_agents", ["A multicast names one agent or more."]
    elif len(agents) > MAX_TARGETS:
        yield "target_agents", [f"At most {MAX_TARGETS} agents; a broadcast reaches all."]
    elif wrong or "agent:" in agents or "*" in agents:
        yield "target_agents", ["Name agents by their ids."]


def faults_of_metadata(metadata: Mapping[str, Json]) -> dict[str, list[str]]:
    """What is wrong with them, by field. Raises JsonDomain."""
    jsonvalue.check(dict(metadata))
    if len(msgspec.json.encode(metadata)) <= MAX_METADATA:
        return {}
    return {"metadata": [f"At most {MAX_METADATA} bytes of JSON."]}


def _revision(space: str, state: SharedState, update: StateUpdate) -> int | None:
    """The revision that an update came with; None when it is none of this state's."""
    begins, _, rest = update.id.rpartition(":")[0].rpartition(":")
    known = begins == space and update.state_id == state.id and rest.isascii() and rest.isdigit()
    found = int(rest) if known else 0
    return found if 0 < found <= state.revision else None


def id_of(task_id: str | UUID) -> UUID | None:
    """None for what cannot be one."""
    try:
        return task_id if isinstance(task_id, UUID) else UUID(task_id)
    except ValueError:
        return None


def value(row: Row, updates: tuple[StateUpdate, ...] = ()) -> SyncTask:
    """The row, with its targets (prefetch them), as a value."""
    targets = tuple(_target(each) for each in row.targets.all())
    return SyncTask(
        id=str(row.pk),
        space=row.space,
        type=SyncTaskType(row.type),
        priority=row.priority,
        state_id=row.key,
        target_agents=tuple(each.agent for each in targets),
        updates=updates,
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        status=TaskStatus(row.status),
        retry_count=row.retry_count,
        max_retries=row.max_retries,
        error=row.error,
        metadata=row.metadata,
        created_by=row.created_by,
        targets=targets,
    )


def _target(row: SyncTarget) -> Target:
    return Target(
        agent=row.agent,
        status=TargetStatus(row.status),
        revision=row.revision,
        retry_count=row.retry_count,
        error=row.error,
        acked_at=row.acked_at,
    )


def updates(manager: StateManager, caller: Caller, row: Row) -> tuple[StateUpdate, ...]:
    """The last changes of the state that the task brings, newest last; none for who may not read the state."""
    try:
        entries = manager.history(caller, row.key, limit=SHOWN)
    except NotFound:
        return ()
    until = row.revision or max((each.revision for each in entries), default=0)
    found = [each for each in reversed(entries) if each.revision <= until]
    return tuple(update for each in found for update in updates_of(event_of(each)))
