"""The seed's mode: the leader plans, workers carry out the plan in parallel, the leader sums up."""

from __future__ import annotations

from typing import Annotated

import msgspec

from groups.execution.modes import base
from groups.execution.modes.steps import Scene, Step, Wait, under_way


class Options(base.Options, frozen=True, kw_only=True):
    """How often the group plans again when work has failed; None: once, if whoever plans is known to be able to."""

    replans: Annotated[int, msgspec.Meta(ge=0, le=10)] | None = None


class LeaderWorker(base.Mode):
    """One plan by the leader, its work, perhaps further plans, one summary by the leader."""

    name = "leader_worker"
    words = "Leader and workers"
    about = (
        "The leader plans, the workers carry out the plan side by side, the leader sums up. "
        "When something fails, the coordinator (or the leader) may plan again."
    )
    options = Options
    looks_at_members = False

    def next(self, scene: Scene) -> Step:
        """See `Mode.next`."""
        if (step := base.first_plan(scene)) is not None:
            return step
        if under_way(scene.work):
            return Wait()
        allowed = msgspec.convert(scene.run.options, Options).replans
        if allowed is None:
            planner = scene.coordinator or scene.leader
            able = [m for m in scene.members if m.agent_id == planner and m.plans_again]
            allowed = len(able)
        step = base.further_plan(scene, allowed)
        return base.sum_up(scene) if step is None else step
