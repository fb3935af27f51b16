"""An agent passes its subtask on to another member, which goes on with it. Within the group, so many times. Pure."""

from __future__ import annotations

import uuid
from typing import Final

import msgspec

from groups.events import SubtaskHandedOver
from groups.execution import falling
from groups.execution.machine import RunMachine
from groups.execution.modes import get_mode
from groups.execution.modes.base import Options
from groups.execution.plan import MAX_INSTRUCTIONS, candidates
from groups.execution.records import SubtaskRecord
from groups.execution.statuses import SubtaskKind

#: How a person may write whom it goes to.
_MARKS: Final = "@#"


def hand_over(
    machine: RunMachine, subtask_id: uuid.UUID, token: uuid.UUID, *, to: str, text: str
) -> bool:
    """The running agent hands its subtask to `to` (agent id or tag), with what it leaves behind.

    Tried afresh there: its attempts count anew. When nobody but itself is meant, or it was handed over as often as
    the run allows, the subtask fails for good. False when the lease is lost.
    """
    item = machine.finishing(subtask_id, token)
    if item is None:
        return False
    to = to.strip()
    meant = _meant(machine, item, to)
    if item.kind != SubtaskKind.WORK:
        machine.fail_for_good(item, "Only work can be handed over.")
    elif item.handovers >= (most := _most(machine)):
        told = f"It was handed over {item.handovers} times, and at most {most} are allowed."
        machine.fail_for_good(item, told)
    elif not meant:
        told = f"'{to[:64]}' is no other member of this group that can be given work, nor a tag of one."
        machine.fail_for_good(item, f"It could not be handed over: {told}")
    else:
        _pass_on(machine, item, meant, text[:MAX_INSTRUCTIONS])
    machine.advance()
    return True


def _most(machine: RunMachine) -> int:
    options = msgspec.convert(machine.run.options, get_mode(machine.run.mode).options)
    assert isinstance(options, Options)
    return options.max_handovers


def _meant(machine: RunMachine, item: SubtaskRecord, to: str) -> str:
    """The agent id that it goes to: of several with the tag, the one with the least at hand. Never the same agent."""
    others = [m for m in machine.members if m.agent_id != item.agent_id]
    for name in (to, to.lstrip(_MARKS)):
        if able := candidates(others, name):
            ids = [m.agent_id for m in able]
            busy = [len(falling.held(machine.subtasks, agent_id)) for agent_id in ids]
            return ids[busy.index(min(busy))]
    return ""


def _pass_on(machine: RunMachine, item: SubtaskRecord, to: str, text: str) -> None:
    machine.emit(SubtaskHandedOver(to=to, text=text), item)
    item.handovers += 1
    if text:
        item.instructions += f"\n\n{item.agent_id} hands over to {to}: {text}"
    item.assignee = item.agent_id = to
    item.attempt = 0
    item.answers, item.memo, item.error, item.question = [], {}, "", ""
    item.not_before = None
    machine.make_ready(item)
