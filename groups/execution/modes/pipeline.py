"""One after the other: what each makes is what the next begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from groups.execution.modes import base
from groups.execution.modes.steps import Add, Complete, Scene, Step, Wait, under_way
from groups.execution.plan import (
    MAX_INSTRUCTIONS,
    Assignable,
    Plan,
    candidates,
    generalists,
    in_order,
)
from groups.execution.records import Draft
from groups.execution.statuses import SubtaskKind, SubtaskStatus
from state.errors import Invalid


class Options(base.Options, frozen=True, kw_only=True):
    """Whose order: the leader's plan, or `members` (empty: the workers in the group's order); what is the result."""

    order: Literal["plan", "members"] = "plan"
    members: tuple[str, ...] = ()
    result: Literal["last", "summary"] = "last"


class Pipeline(base.Mode):
    """Steps in a row. Where one fails the row ends, and the leader sums up how far it came."""

    name = "pipeline"
    words = "Pipeline"
    about = "One after the other: what each member makes is what the next begins with."
    options = Options

    def next(self, scene: Scene) -> Step:
        """See `Mode.next`."""
        options = msgspec.convert(scene.run.options, Options)
        if options.order == "plan" and (step := base.first_plan(scene)) is not None:
            return step
        work = scene.work
        if under_way(work):
            return Wait()
        if not work or work[-1].status == SubtaskStatus.COMPLETED:
            row = options.members or tuple(m.agent_id for m in generalists(scene.members))
            if options.order == "members" and len(work) < len(row) and not scene.run.stop_reason:
                return Add((_step(scene, len(work) + 1, row[len(work)]),))
        whole = all(item.status == SubtaskStatus.COMPLETED for item in work)
        if options.result == "last" and whole and work and not scene.of(SubtaskKind.SUMMARY):
            return Complete(work[-1].result)
        return base.sum_up(scene)

    def plans(self, options: base.Options) -> bool:
        """See `Mode.plans`."""
        return isinstance(options, Options) and options.order == "plan"

    def shaped(self, plan: Plan, scene: Scene) -> Plan:
        """Each item waits for the one before it, in an order that keeps what the plan says of waiting."""
        row = in_order(plan)
        linked = [
            msgspec.structs.replace(item, depends_on=(row[n - 1].key,) if n else ())
            for n, item in enumerate(row)
        ]
        return Plan(subtasks=tuple(linked), note=plan.note)

    def checked(self, options: base.Options, members: Sequence[Assignable]) -> base.Options:
        """The order is written down, so that it stands whoever joins or leaves."""
        assert isinstance(options, Options)
        if options.order != "members":
            return options
        row = options.members or tuple(m.agent_id for m in generalists(members))
        by_id = {m.agent_id for m in members}
        able = [name for name in row if name in by_id and candidates(members, name)]
        if list(row) != able:
            wrong = next(name for name in row if name not in able)
            told = f"'{wrong}' is no member of this group that can be given work."
            raise Invalid(fields={"options.members": [told]})
        if len(set(row)) != len(row):
            raise Invalid(fields={"options.members": [base.SENTENCES["members"]]})
        return msgspec.structs.replace(options, members=row)


def _step(scene: Scene, number: int, agent_id: str) -> Draft:
    task = scene.run.task
    before = scene.work[-1:] if number > 1 else []
    told = task if not before else f"Go on from what the step before has made of the task: {task}"
    return Draft(
        key=f"step-{number}",
        kind=SubtaskKind.WORK,
        title=f"Step {number}",
        assignee=agent_id,
        instructions=told[:MAX_INSTRUCTIONS],
        depends_on=tuple(item.key for item in before),
    )
