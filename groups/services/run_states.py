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
from state import conf, jsonvalue
from state.errors import Conflict, StarsError
from state.manager import Base, StateManager
from state.policy import system
from state.refusals import StateNotFound
from state.values import AccessPolicy, Operation, OperationType, SharedState, StateType

logger = logging.getLogger(__name__)

#: Bytes of results that a state holds at most, all together; longer ones are cut, the run has them whole.
ROOM: Final = 600_000
#: Of one result, at most.
SHARE: Final = 64_000
#: Of a title.
TITLE: Final = 300
#: How often a state that others are writing is tried.
TRIES: Final = 5
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
    """Bring the run's state up to what the rows say; None when the run is gone, or others write it all the time.

    The rows are read after the state, and written on condition that it has not changed since: an older picture of the
    run never replaces a newer one. Call it outside of transactions. Raises Unavailable when the store is away.
    """
    manager = conf.manager()
    for _ in range(TRIES):
        run = Run.objects.filter(id=run_id).first()
        if run is None:
            return None
        try:
            before = manager.get_state(system(run.group_id), state_id(run_id))
        except StateNotFound:
            before = None
        run.refresh_from_db()
        subtasks = Subtask.objects.filter(run=run).exclude(kind=SubtaskKind.PLAN)
        try:
            state = _write(manager, run, before, _document(run, list(subtasks)))
        except Conflict as conflict:  # somebody wrote it meanwhile
            logger.debug("run state written elsewhere: %s", conflict)
            continue
        if run.status in RUN_ENDED:
            rows = Run.objects.filter(id=run_id, last_seq=run.last_seq)
            rows.update(recorded_seq=run.last_seq)
        return state
    return None


def catch_up() -> int:
    """Write the states of ended runs that nobody has written; how many."""
    settled = timezone.now() - SETTLED
    missed = Run.objects.filter(
        status__in=list(RUN_ENDED),
        recorded_seq__lt=F("last_seq"),
        finished_at__lt=settled,
        message__isnull=True,
    )
    written = 0
    # Any of them: one that cannot be written must not stand in the way of the others.
    for run_id in missed.order_by("?").values_list("id", flat=True)[:AT_ONCE]:
        try:
            written += write(run_id) is not None
        except StarsError:
            logger.exception("a run's state could not be written", extra={"run": str(run_id)})
    return written


def _write(
    manager: StateManager, run: Run, before: SharedState | None, data: dict[str, Any]
) -> SharedState | None:
    """Raises Conflict when the state is not what it was `before`."""
    caller, key, ended = system(run.group_id), state_id(run.id), run.status in RUN_ENDED
    if before is None:
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
    state = before

    def base() -> Base:
        return Base(version=state.version, exact=True)

    if any(state.data.get(name) != value for name, value in data.items()):
        if state.frozen:  # a retry of the run
            state = manager.configure(caller, key, {"frozen": False}, base=base()).state or state
        op = Operation(OperationType.MERGE, "", data)
        state = manager.update_state(caller, key, [op], base=base()).state or state
    if state.frozen != ended:
        state = manager.configure(caller, key, {"frozen": ended}, base=base()).state or state
    return state


def _document(run: Run, subtasks: list[Subtask]) -> dict[str, Any]:
    """What the run has come to so far."""
    over = [item for item in subtasks if item.status in SUBTASK_ENDED]
    share = min(SHARE, ROOM // (len(over) + 1))
    found: dict[str, Any] = {
        "task": _cut(run.task, SHARE),
        "status": run.status,
        "subtasks": {
            item.key: _told(item, share) for item in over if item.kind == SubtaskKind.WORK
        },
    }
    if run.status in RUN_ENDED:
        found["result"] = _cut(run.result, share)
        if run.error:
            found["error"] = _cut(run.error, share // 4)
    return found


def _told(item: Subtask, share: int) -> dict[str, Any]:
    told: dict[str, Any] = {
        "title": _cut(item.title, TITLE),
        "agent": item.agent_id,
        "status": item.status,
    }
    if item.result:
        told["result"] = _cut(item.result, share)
    if item.error:
        told["error"] = _cut(item.error, share // 4)
    return told


def _cut(text: str, share: int) -> str:
    """At most `share` bytes as JSON has them, whole characters."""
    keep, size = len(text), jsonvalue.size(text)
    while size > share:
        keep = min(keep - 1, keep * share // size)
        size = jsonvalue.size(text[:keep] + "…")
    return text if keep == len(text) else text[:keep] + "…"
