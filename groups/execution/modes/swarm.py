"""A board of items: workers take what fits them as they are free, hand over to each other, and add what they find."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

import msgspec

from groups.errors import PlanInvalid
from groups.execution.modes import base
from groups.execution.modes.steps import Add, Scene, Step, Wait, under_way
from groups.execution.plan import ANYONE, MAX_INSTRUCTIONS, MAX_TITLE, Plan, candidates
from groups.execution.records import Draft
from groups.execution.statuses import SubtaskKind, SubtaskStatus

#: Items of one answer that are looked at.
MOST: Final = 500
_BULLET: Final = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)、])\s*(?P<text>\S.*)$")


class Options(base.Options, frozen=True, kw_only=True):
    """What the board begins with, and how many items it holds in all."""

    board: Literal["plan", "task"] = "plan"
    max_items: Annotated[int, msgspec.Meta(ge=1, le=500)] = 50


class Swarm(base.Mode):
    """Ends when the board is empty; the leader sums up."""

    name = "swarm"
    words = "Swarm"
    about = (
        "Items on a board: whoever is free takes what fits, may hand it over, and may put "
        "further items up. It ends when the board is empty."
    )
    options = Options
    one_at_a_time = True

    def next(self, scene: Scene) -> Step:
        """See `Mode.next`."""
        options = msgspec.convert(scene.run.options, Options)
        if options.board == "plan":
            if (step := base.first_plan(scene)) is not None:
                return step
        elif not scene.subtasks:
            return Add(_from_task(scene.run.task, options.max_items))
        new, left = _put_up(scene, options.max_items)
        if new and not scene.run.stop_reason:
            return Add(tuple(new))
        if under_way(scene.work):
            return Wait()
        told = f"{left} more were put up than the board holds; say so." if left else ""
        return base.sum_up(scene, told)

    def plans(self, options: base.Options) -> bool:
        """See `Mode.plans`."""
        return isinstance(options, Options) and options.board == "plan"

    def shaped(self, plan: Plan, scene: Scene) -> Plan:
        """The leader says what is to be done, not by which worker: those take it. Raises PlanInvalid."""
        most = msgspec.convert(scene.run.options, Options).max_items
        if len(plan.subtasks) > most:
            raise PlanInvalid(fields={"subtasks": [f"The board holds at most {most} items."]})
        workers = {m.agent_id for m in scene.members if m.role == "worker"}
        items = [
            msgspec.structs.replace(item, assignee=ANYONE) if item.assignee in workers else item
            for item in plan.subtasks
        ]
        return Plan(subtasks=tuple(items), note=plan.note)


def _from_task(task: str, most: int) -> tuple[Draft, ...]:
    """An item for each entry of the task's list, or the task as the one item."""
    found = [match["text"].strip() for line in task.splitlines() if (match := _BULLET.match(line))]
    items = found if len(found) > 1 else [task.strip()]
    return tuple(_item(f"item-{n}", text, text, ANYONE) for n, text in enumerate(items[:most], 1))


def _put_up(scene: Scene, most: int) -> tuple[list[Draft], int]:
    """What finished workers have put on the board and is not there yet, and how many did not fit on it."""
    work = scene.work
    there = {item.key for item in scene.subtasks}
    new: list[Draft] = []
    left = 0
    for parent in work:
        board = parent.data.get("board")
        if parent.status != SubtaskStatus.COMPLETED or not isinstance(board, list):
            continue
        for n, raw in enumerate(board[:MOST], 1):
            draft = _read(f"board-{parent.position}-{n}", raw, scene)
            if draft is None or draft.key in there:
                continue
            if len(work) + len(new) < most:
                new.append(draft)
            else:
                left += 1
    return new, left


def _read(key: str, raw: Any, scene: Scene) -> Draft | None:
    """An item as an agent wrote it: its title, or {"title", "instructions", "assignee"}. Whom it names is asked of
    the group: an address outside of it counts as none."""
    given = raw if isinstance(raw, dict) else {"title": raw}
    title, told, who = (given.get(name) for name in ("title", "instructions", "assignee"))
    if not isinstance(title, str) or not title.strip():
        return None
    text = told if isinstance(told, str) and told.strip() else title
    meant = who if isinstance(who, str) and candidates(scene.members, who) else ANYONE
    return _item(key, title, text, meant)


def _item(key: str, title: str, instructions: str, assignee: str) -> Draft:
    line = " ".join(title.split())
    if len(line) > MAX_TITLE:
        line = line[: MAX_TITLE - 1] + "…"
    return Draft(key, SubtaskKind.WORK, line, assignee, instructions[:MAX_INSTRUCTIONS])
