"""A group with people in it: bo is a member by the agent 'bob', anybody who operates may be 'any'."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from groups.execution.plan import Plan, PlanItem
from groups.models import Agent, Group, Member, Run, Subtask
from groups.services import runs
from tests.engine.conftest import Doorbell, doorbell  # noqa: F401  (a fixture)
from tests.engine.scripted import wait_for
from tests.factories import make_agent, make_group, make_user


@pytest.fixture
def crew(transactional_db: None) -> Group:
    """lena, rule-based, leads bob (who is bo), any (who is anybody) and wim."""
    ada, bo, vi = (make_user(username=name) for name in ("ada", "bo", "vi"))
    make_agent(agent_id="bob", kind="human", config={"user": "bo", "deadline": 48.0})
    make_agent(agent_id="any", kind="human")
    return make_group(
        group_id="Crew",
        owner=ada,
        operator=bo,
        viewer=vi,
        leader="lena",
        workers=("bob", "any", "wim"),
    )


def user(name: str) -> User:
    return User.objects.get(username=name)


def waiting(run: Run, key: str) -> Subtask:
    """The subtask, once it waits."""
    rows = Subtask.objects.filter(run=run, key=key, status="waiting")
    wait_for(rows.exists, f"{key} waits")
    return rows.get()


def start(group: Group, task: str, **fields: object) -> Run:
    return runs.start(actor=None, group=group, task=task, **fields)  # type: ignore[arg-type]


def lead(group: Group, agent_id: str) -> None:
    """Let that member lead, in place of lena."""
    Member.objects.filter(group=group, agent__agent_id="lena").delete()
    Member.objects.filter(group=group, agent__agent_id=agent_id).update(role="leader")


def change(agent_id: str, **config: object) -> None:
    """Other settings for the agent."""
    Agent.objects.filter(agent_id=agent_id).update(config=config)


PLAN = Plan(subtasks=(PlanItem(key="a", title="A", assignee="wim"),))
