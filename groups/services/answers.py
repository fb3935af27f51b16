"""Who may answer a waiting subtask, and with what: asked under the run's lock, before the answer is given."""

from __future__ import annotations

from groups import live
from groups.access import Actor, level_in
from groups.agents import human
from groups.errors import LevelTooLow, NotAnOption
from groups.execution.statuses import SubtaskKind, SubtaskStatus
from groups.models import Agent, Level, Subtask
from groups.services.ledger import Machine


def check(*, actor: Actor, machine: Machine, subtask: Subtask, text: str) -> None:
    """Raise LevelTooLow when another person is asked, NotAnOption, PlanInvalid (`text`) where a plan is asked for."""
    item = machine.by_id.get(subtask.id)
    if item is None or item.status != SubtaskStatus.WAITING:
        return  # which `steering.answer` refuses in its own words
    agent = Agent.objects.filter(agent_id=item.agent_id, kind="human").first()
    if agent is not None:
        _check_person(actor, machine.run.group_id, agent)
    if item.options and text not in item.options:
        shown = ", ".join(f"'{option}'" for option in item.options)
        raise NotAnOption(fields={"text": [f"Answer with one of: {shown}."]})
    if agent is not None and item.kind == SubtaskKind.PLAN:
        human.plan_of(text, machine.members)


def announce(machine: Machine) -> None:
    """After commit, tell whoever looks into an inbox."""
    group_id = machine.run.group_id
    places = (live.DASHBOARD, live.group_topic(group_id))
    live.announce(pokes=[(place, "inbox", {"group": group_id}) for place in places])


def _check_person(actor: Actor, group_id: str, agent: Agent) -> None:
    """Only the person whom the agent stands for, or an owner of the group or an administrator in his place."""
    user = agent.config.get("user", "")
    if not user or actor is None or actor.get_username() == user:
        return
    if level_in(actor, group_id) != Level.OWNER:
        raise LevelTooLow(f"Only {user}, or an owner of this group, may answer for this agent.")
