"""What a mode is shown when it is asked what comes next, and what it may answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from groups.events import Event
from groups.execution.plan import Assignable
from groups.execution.records import Draft, RunRecord, SubtaskRecord
from groups.execution.statuses import SUBTASK_ENDED, SubtaskKind


class Scene(NamedTuple):
    """A run as it stands: its subtasks in order, the members in the order in which they joined."""

    run: RunRecord
    subtasks: Sequence[SubtaskRecord]
    members: Sequence[Assignable]

    @property
    def leader(self) -> str:
        """The leader's agent id; empty when the group has none."""
        return self._with_role("leader")

    @property
    def coordinator(self) -> str:
        """The coordinator's agent id; empty when the group has none."""
        return self._with_role("coordinator")

    def of(self, kind: SubtaskKind) -> list[SubtaskRecord]:
        """The subtasks of that kind, in order."""
        return [item for item in self.subtasks if item.kind == kind]

    @property
    def work(self) -> list[SubtaskRecord]:
        """The work, in order."""
        return self.of(SubtaskKind.WORK)

    @property
    def unsettled(self) -> bool:
        """Whether a plan is proposed that is not taken up: people have to approve it."""
        planned = {item["key"] for item in (self.run.plan or {}).get("subtasks", [])}
        return not planned <= {item.key for item in self.subtasks}

    def _with_role(self, role: str) -> str:
        return next((m.agent_id for m in self.members if m.role == role), "")


def under_way(items: Sequence[SubtaskRecord]) -> bool:
    """Whether any of these has not ended."""
    return any(item.status not in SUBTASK_ENDED for item in items)


class Wait(NamedTuple):
    """Nothing: what is under way goes on."""

    def __bool__(self) -> bool:  # an empty tuple would be false
        return True


class Add(NamedTuple):
    """These subtasks are to exist from now on."""

    drafts: tuple[Draft, ...]


class Complete(NamedTuple):
    """The run is over and this is its result; `events` say how it came to it."""

    result: str
    events: tuple[Event, ...] = ()


class Fail(NamedTuple):
    """The run is over without a result."""

    error: str


Step: TypeAlias = Wait | Add | Complete | Fail
