"""What all modes have in common, and the steps that several of them take: a first plan, a further plan, a summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

import msgspec

from groups.execution.modes.steps import Add, Complete, Fail, Scene, Step, Wait, under_way
from groups.execution.plan import Assignable, Plan
from groups.execution.records import Draft, SubtaskRecord
from groups.execution.statuses import SubtaskKind, SubtaskStatus
from state.errors import Invalid

#: How many failures a request for a further plan tells of.
TOLD: Final = 20
Handovers = Annotated[int, msgspec.Meta(ge=0, le=100)]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What people may say about a mode. Each mode has its own; a run's options hold more than these."""

    #: How often one subtask may be handed over.
    max_handovers: Handovers = 5


#: What an option may be, in a sentence; every mode's.
SENTENCES: Final[dict[str, str]] = {
    "max_handovers": "This is a number from 0 to 100.",
    "max_items": "This is a number from 1 to 500.",
    "replans": "This is a number from 0 to 10.",
    "rule": "A rule is 'plurality', 'approval' or 'ranked'.",
    "order": "The order is 'plan' or 'members'.",
    "members": "This is a list of agent ids, each once.",
    "result": "The result is 'last' or 'summary'.",
    "board": "The board begins with a 'plan' or with the 'task'.",
}


class Mode:
    """Decides which subtasks exist and when the run is over. A pure strategy: it keeps nothing."""

    name: ClassVar[str]
    #: How the dashboard names it, and what it does; in English, pages translate it.
    words: ClassVar[str]
    about: ClassVar[str] = ""
    options: ClassVar[type[Options]] = Options
    #: Whether a member carries out one subtask of the run at a time, and takes the next when it is free.
    one_at_a_time: ClassVar[bool] = False
    #: Whether the members beside the leader matter when a run begins.
    looks_at_members: ClassVar[bool] = True

    def next(self, scene: Scene) -> Step:
        """What to do, now that something ended (or the run begins, with no subtasks)."""
        raise AssertionError(f"{type(self).__name__} does not say what comes next")

    def shown(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Of a run's options those of this mode."""
        known = self.options.__struct_fields__
        return {name: value for name, value in options.items() if name in known}

    def plans(self, options: Options) -> bool:
        """Whether there is a plan that people may be asked to approve."""
        return True

    def shaped(self, plan: Plan, scene: Scene) -> Plan:
        """The valid plan as this mode carries it out. Raises PlanInvalid."""
        return plan

    def settle(self, given: object, members: Sequence[Assignable]) -> dict[str, Any]:
        """The options as they are stored, defaults filled in. Raises Invalid, naming each field at fault."""
        if not isinstance(given, Mapping):
            raise Invalid(fields={"options": ["This must be a JSON object."]})
        known = self.options.__struct_fields__
        faults: dict[str, list[str]] = {}
        for name, value in given.items():
            if name not in known:
                told = f"This mode has no such option; it has: {', '.join(sorted(known))}."
                faults[f"options.{name}"] = [told]
                continue
            try:
                msgspec.convert({name: value}, self.options)
            except msgspec.ValidationError:
                faults[f"options.{name}"] = [SENTENCES[name]]
        if faults:
            raise Invalid(fields=faults)
        settled = self.checked(msgspec.convert(dict(given), self.options), members)
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(settled))
        return plain

    def checked(self, options: Options, members: Sequence[Assignable]) -> Options:
        """The options as they fit this group. Raises Invalid."""
        return options


def first_plan(scene: Scene) -> Step | None:
    """What is to be done before there is work; None once there is.

    The leader plans. When its plan has failed for good, the coordinator plans once in its place.
    """
    if scene.work:
        return Wait() if scene.unsettled else None
    plans = scene.of(SubtaskKind.PLAN)
    if not plans:
        leader = scene.leader or scene.coordinator
        return Add((Draft("plan", SubtaskKind.PLAN, "Plan the task", leader),))
    last = plans[-1]
    if last.status not in (SubtaskStatus.FAILED, SubtaskStatus.SKIPPED):
        return Wait()
    why = f"The leader could not plan: {last.error}"
    if len(plans) > 1:
        why = f"Neither the leader nor the coordinator could plan: {plans[0].error} {last.error}"
    elif scene.coordinator not in ("", last.agent_id) and not scene.run.stop_reason:
        title = "Plan the task"
        return Add((Draft("replan-1", SubtaskKind.PLAN, title, scene.coordinator, why),))
    return Fail(why)


def further_plan(scene: Scene, allowed: int) -> Step | None:
    """Ask for a further plan when work has failed since the last one and plans are left; None when not.

    It is asked for when all work has ended, so that one plan sees to every failure.
    """
    first = scene.work[0].position
    plans = scene.of(SubtaskKind.PLAN)
    again = [item for item in plans if item.position > first]
    if under_way(again):
        return Wait()
    since = again[-1].position if again else first - 1
    failed = [w for w in scene.work if w.status == SubtaskStatus.FAILED and w.position > since]
    if not failed or len(again) >= allowed or scene.run.stop_reason:
        return None
    who = scene.coordinator or scene.leader
    key = f"replan-{len(plans)}"
    return Add((Draft(key, SubtaskKind.PLAN, "Plan again", who, _reason(failed)),))


def _reason(failed: Sequence[SubtaskRecord]) -> str:
    lines = [f"- {w.key} “{w.title}” ({w.agent_id}): {w.error[:500]}" for w in failed[:TOLD]]
    if len(failed) > TOLD:
        lines.append(f"- and {len(failed) - TOLD} more")
    return "These subtasks failed:\n" + "\n".join(lines)


def sum_up(scene: Scene, instructions: str = "") -> Step:
    """All work has ended: the leader sums up what there is, and that is the result."""
    if nothing := nothing_done(scene.work):
        return nothing
    summary = next(iter(scene.of(SubtaskKind.SUMMARY)), None)
    if summary is None:
        leader = scene.leader or scene.coordinator
        title = "Sum up the results"
        return Add((Draft("summary", SubtaskKind.SUMMARY, title, leader, instructions),))
    if summary.status == SubtaskStatus.FAILED:
        return Fail(f"The leader could not sum up: {summary.error}")
    if summary.status == SubtaskStatus.COMPLETED:
        return Complete(summary.result)
    return Wait()


def nothing_done(work: Sequence[SubtaskRecord]) -> Fail | None:
    """The failure of a run of which nothing could be completed."""
    if any(item.status == SubtaskStatus.COMPLETED for item in work):
        return None
    failed = [item for item in work if item.status == SubtaskStatus.FAILED]
    detail = "; ".join(f"{item.title}: {item.error}" for item in failed[:3])
    more = f" (and {len(failed) - 3} more)" if len(failed) > 3 else ""
    return Fail(f"No subtask could be completed. {detail}{more}")
