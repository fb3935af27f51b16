"""A run's state `run/<id>`: what came of its subtasks, each under its own path, for agents and people to build on.

It is drawn from the run's rows after they are committed, as often as needed: writing it again changes nothing, so a
process that dies in between costs time (the sweep catches up) and loses nothing. It is frozen when the run ends.
"""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from typing import Any, Final

from django.db.models import F
from django.utils import timezone

from groups.execution.statuses import RUN_ENDED, SUBTASK_ENDED, SubtaskKind
from groups.models import Run, Subtask
from state import conf
from state.errors import Conflict
from state.manager import Base, StateManager
from state.policy import system
from state.refusals import StateNotFound
from state.values import AccessPolicy, Operation, OperationType, SharedState, StateType

logger = logging.getLogger(__name__)

#: Bytes of results that a state holds at most, all together; longer ones are cut, the run has them whole.
ROOM: Final = 800_000
#: Of one result, at most.
SHARE: Final = 64_000
#: How long after its end a run is left to the process that ended it.
SETTLED: Final = timedelta(seconds=2)
#: How many runs one sweep catches up with.
AT_ONCE: Final = 50
#: The leader owns what its run has come to; members may add to it while the run is under way.
OWNERS: Final = ("role:leader",)


def state_id(run_id: uuid.UUID | str) -> str:
    """The id of a run's state in its group's space."""
    return f"run/{run_id}"


def write(run_id: uuid.UUID) -> SharedState | None:
    """Bring the run's state up to what the rows say; None when the run is gone.

    Call it outside of transactions. Raises Unavailable when the store of states is away.
    """
    run = Run.objects.filter(id=run_id).first()
    if run is None:
        return None
    ended = run.status in RUN_ENDED
    data = _document(run, list(Subtask.objects.filter(run=run).exclude(kind=SubtaskKind.PLAN)))
    try:
        state = _write(conf.manager(), run, data, ended=ended)
    except Conflict as conflict:  # somebody else draws it at this moment
        logger.debug("run state written elsewhere: %s", conflict)
        return None
    if ended:
        Run.objects.filter(id=run_id, last_seq=run.last_seq).update(recorded_seq=run.last_seq)
    return state


def catch_up() -> int:
    """Write the states of ended runs that nobody has written; how many."""
    settled = timezone.now() - SETTLED
    missed = Run.objects.filter(
        status__in=list(RUN_ENDED), recorded_seq__lt=F("last_seq"), finished_at__lt=settled
    )
    runs = list(missed.order_by("-finished_at").values_list("id", flat=True)[:AT_ONCE])
    for run_id in runs:
        write(run_id)
    return len(runs)


def _write(
    manager: StateManager, run: Run, data: dict[str, Any], *, ended: bool
) -> SharedState | None:
    caller, key = system(run.group_id), state_id(run.id)
    try:
        state = manager.get_state(caller, key)
    except StateNotFound:
        return manager.create_state(
            caller,
            key,
            run.task[:200].replace("\n", " "),
            StateType.WORKFLOW,
            OWNERS,
            data=data,
            frozen=ended,
            access_policy=AccessPolicy(public=True),
        ).state
    op = Operation(OperationType.MERGE, "", data)
    changes = any(state.data.get(name) != value for name, value in data.items())
    if changes:
        if state.frozen:  # a retry of the run
            manager.configure(caller, key, {"frozen": False})
        state = manager.update_state(caller, key, [op], base=Base(blind=True)).state or state
    if state.frozen != ended:
        state = manager.configure(caller, key, {"frozen": ended}).state or state
    return state


def _document(run: Run, subtasks: list[Subtask]) -> dict[str, Any]:
    """What the run has come to so far."""
    over = [item for item in subtasks if item.status in SUBTASK_ENDED]
    share = min(SHARE, ROOM // max(1, len(over) + 1))
    found: dict[str, Any] = {
        "task": run.task[:SHARE],
        "status": run.status,
        "subtasks": {
            item.key: _told(item, share) for item in over if item.kind == SubtaskKind.WORK
        },
    }
    if run.status in RUN_ENDED:
        found["result"] = _cut(run.result, share)
        if run.error:
            found["error"] = run.error
    return found


def _told(item: Subtask, share: int) -> dict[str, Any]:
    told: dict[str, Any] = {"title": item.title, "agent": item.agent_id, "status": item.status}
    if item.result:
        told["result"] = _cut(item.result, share)
    if item.error:
        told["error"] = item.error
    return told


def _cut(text: str, share: int) -> str:
    """At most `share` bytes of UTF-8, whole characters."""
    whole = text.encode()
    return text if len(whole) <= share else whole[: share - 3].decode(errors="ignore") + "…"
