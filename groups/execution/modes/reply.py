"""How a message is answered: one agent, one subtask, its text is the answer. Nobody chooses this mode for a task."""

from __future__ import annotations

from groups.execution.modes.base import Mode
from groups.execution.modes.steps import Complete, Fail, Scene, Step, Wait
from groups.execution.records import Draft
from groups.execution.statuses import SubtaskKind, SubtaskStatus


class Reply(Mode):
    """The one subtask is there from the beginning (`draft`)."""

    name = "reply"
    words = "Answer to a message"

    def next(self, scene: Scene) -> Step:
        """See `Mode.next`."""
        for item in scene.subtasks:
            if item.status == SubtaskStatus.COMPLETED:
                return Complete(item.result)
            if item.status == SubtaskStatus.FAILED:
                return Fail(item.error)
        return Wait()


def draft(agent_id: str, instructions: str) -> Draft:
    """The subtask of an answer."""
    return Draft("reply", SubtaskKind.REPLY, "Answer the message", agent_id, instructions)
