"""The statuses of runs and subtasks, the legal transitions beside each. Models take their choices from here."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class RunStatus(StrEnum):
    QUEUED = "queued"  # stored, no agent has begun
    PLANNING = "planning"  # the leader is making the plan
    AWAITING_APPROVAL = "awaiting_approval"  # a person must approve (or edit) the plan
    RUNNING = "running"  # workers carry out subtasks
    PAUSED = "paused"  # running subtasks finish, no new one starts
    SUMMARISING = "summarising"  # the leader writes the result
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class SubtaskStatus(StrEnum):
    BLOCKED = "blocked"  # waits for the subtasks it depends on
    READY = "ready"  # may be claimed by any worker
    RUNNING = "running"  # claimed under a lease
    WAITING = "waiting"  # for a person's (or a remote agent's) answer
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"  # something it depends on failed, or a cap was reached


class SubtaskKind(StrEnum):
    PLAN = "plan"  # the leader proposes subtasks
    WORK = "work"
    VOTE = "vote"  # a member judges what others came to
    SUMMARY = "summary"
    REPLY = "reply"  # an agent answers a message


class WaitsFor(StrEnum):
    """Who has to act before a waiting subtask goes on."""

    PERSON = "person"  # an answer in words
    APPROVAL = "approval"  # one of the options given
    REMOTE = "remote"  # the agent's own program calls back


class FailurePolicy(StrEnum):
    CONTINUE = "continue"  # dependents are skipped, the leader sums up what there is
    STOP = "stop"  # the first final failure ends the run


_R, _S = RunStatus, SubtaskStatus

#: From each status, the statuses a run may go to.
RUN_TRANSITIONS: Final[dict[RunStatus, frozenset[RunStatus]]] = {
    _R.QUEUED: frozenset({_R.PLANNING, _R.RUNNING, _R.PAUSED, _R.FAILED, _R.CANCELLED}),
    _R.PLANNING: frozenset({_R.AWAITING_APPROVAL, _R.RUNNING, _R.PAUSED, _R.FAILED, _R.CANCELLED}),
    _R.AWAITING_APPROVAL: frozenset({_R.RUNNING, _R.FAILED, _R.CANCELLED}),
    # Without a summary where the mode needs none.
    # A further plan may need approval too.
    _R.RUNNING: frozenset(
        {
            _R.AWAITING_APPROVAL,
            _R.PAUSED,
            _R.SUMMARISING,
            _R.COMPLETED,
            _R.FAILED,
            _R.CANCELLED,
        }
    ),
    # A pause lets running subtasks finish, so the run may end under it.
    _R.PAUSED: frozenset(
        {
            _R.QUEUED,
            _R.PLANNING,
            _R.AWAITING_APPROVAL,
            _R.RUNNING,
            _R.SUMMARISING,
            _R.COMPLETED,
            _R.FAILED,
            _R.CANCELLED,
        }
    ),
    _R.SUMMARISING: frozenset({_R.PAUSED, _R.COMPLETED, _R.FAILED, _R.CANCELLED}),
    # A retry takes an ended run up again.
    _R.COMPLETED: frozenset({_R.RUNNING, _R.SUMMARISING}),
    _R.FAILED: frozenset(
        {_R.QUEUED, _R.PLANNING, _R.AWAITING_APPROVAL, _R.RUNNING, _R.SUMMARISING}
    ),
    _R.CANCELLED: frozenset(),
}

RUN_ENDED: Final[frozenset[RunStatus]] = frozenset({_R.COMPLETED, _R.FAILED, _R.CANCELLED})

#: From each status, the statuses a subtask may go to.
SUBTASK_TRANSITIONS: Final[dict[SubtaskStatus, frozenset[SubtaskStatus]]] = {
    _S.BLOCKED: frozenset({_S.READY, _S.SKIPPED, _S.CANCELLED}),
    _S.READY: frozenset({_S.RUNNING, _S.FAILED, _S.CANCELLED, _S.SKIPPED}),
    # Back to ready: a transient failure, an expired lease, or a released one.
    _S.RUNNING: frozenset(
        {_S.READY, _S.WAITING, _S.COMPLETED, _S.FAILED, _S.CANCELLED, _S.SKIPPED}
    ),
    _S.WAITING: frozenset({_S.READY, _S.FAILED, _S.CANCELLED, _S.SKIPPED}),
    # From an end only by a retry of the run.
    _S.COMPLETED: frozenset({_S.BLOCKED}),
    _S.FAILED: frozenset({_S.BLOCKED}),
    _S.CANCELLED: frozenset({_S.BLOCKED}),
    _S.SKIPPED: frozenset({_S.BLOCKED}),
}

SUBTASK_ENDED: Final[frozenset[SubtaskStatus]] = frozenset(
    {_S.COMPLETED, _S.FAILED, _S.CANCELLED, _S.SKIPPED}
)
