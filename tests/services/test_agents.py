"""Registering, changing and removing agents: every rule and every refusal."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from groups.errors import AgentExists, AgentInUse, AgentNotFound
from groups.models import Agent
from groups.services import agents, groups, membership
from state.errors import Invalid

pytestmark = pytest.mark.django_db


def test_registers_an_agent_with_everything_it_was_given(ada: User) -> None:
    agents.register(
        actor=ada,
        agent_id="pm_agent",
        name=" 项目经理 ",
        description="plans",
        config={"pace": 0.5},
        max_concurrency=3,
    )
    agent = Agent.objects.get(agent_id="pm_agent")
    assert (agent.name, agent.description, agent.kind) == ("项目经理", "plans", "builtin")
    assert (agent.config, agent.max_concurrency) == ({"pace": 0.5}, 3)
    assert agent.created_by == ada


def test_the_system_registers_agents_of_nobody() -> None:
    assert agents.register(actor=None, agent_id="a").created_by is None


def test_an_id_is_registered_once(ada: User) -> None:
    agents.register(actor=ada, agent_id="a", name="first")
    with pytest.raises(AgentExists) as refusal:
        agents.register(actor=ada, agent_id="a", name="second")
    assert refusal.value.fields.keys() == {"agent_id"}
    assert Agent.objects.get().name == "first"


@pytest.mark.parametrize(
    "agent_id", ["", "system", "has space", "-dash", "x" * 65, "名", "a\x00b", "a\n", "../x"]
)
def test_refuses_an_illegal_id(agent_id: str) -> None:
    with pytest.raises(Invalid) as refusal:
        agents.register(actor=None, agent_id=agent_id)
    assert refusal.value.fields.keys() == {"agent_id"}
    assert not Agent.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 201),
        ("name", "a\x00b"),
        ("name", "half \ud800"),
        ("description", "a\x00b"),
        ("kind", "robot"),
        ("kind", None),
        ("config", ["a", "list"]),
        ("config", {"deep": [{"x": "a\x00b"}]}),
        ("config", {"x": float("nan")}),
        ("config", {"x": object()}),
        ("config", {"half": "\ud800"}),
        ("config", {"long": "x" * 100_001}),
        ("max_concurrency", -1),
        ("max_concurrency", 10_001),
        ("max_concurrency", True),
        ("max_concurrency", "3"),
    ],
)
def test_a_faulty_field_is_named_on_both_ways_in(field: str, value: Any) -> None:
    agent = agents.register(actor=None, agent_id="a")
    with pytest.raises(Invalid) as refusal:
        agents.register(actor=None, agent_id="b", **{field: value})
    assert refusal.value.fields.keys() == {field}
    with pytest.raises(Invalid) as refusal:
        agents.change(actor=None, agent=agent, **{field: value})
    assert refusal.value.fields.keys() == {field}
    assert list(Agent.objects.values_list("agent_id", "config")) == [("a", {})]


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        agents.register(actor=None, agent_id="", name="\x00", max_concurrency=-1)
    assert refusal.value.fields.keys() == {"agent_id", "name", "max_concurrency"}


def test_a_kind_may_refuse_settings() -> None:
    agent = agents.register(actor=None, agent_id="a")
    with pytest.raises(Invalid) as refusal:
        agents.register(actor=None, agent_id="b", config={"skill": "juggler"})
    assert refusal.value.fields.keys() == {"config.skill"}
    with pytest.raises(Invalid) as refusal:
        agents.change(actor=None, agent=agent, config={"pace": "slow"})
    assert refusal.value.fields.keys() == {"config.pace"}


def test_changes_only_what_it_is_given() -> None:
    agent = agents.register(actor=None, agent_id="a", name="old", config={"pace": 0.25})
    stored = agents.change(actor=None, agent=agent, name="new")
    assert (stored.name, stored.config) == ("new", {"pace": 0.25})
    assert Agent.objects.get().name == "new"


@pytest.mark.parametrize("field", ["agent_id", "created_by", "nonsense"])
def test_the_rest_cannot_be_changed(field: str) -> None:
    agent = agents.register(actor=None, agent_id="a")
    with pytest.raises(Invalid) as refusal:
        agents.change(actor=None, agent=agent, **{field: "b"})
    assert refusal.value.fields.keys() == {field}


def test_an_agent_that_is_gone_cannot_be_changed() -> None:
    agent = agents.register(actor=None, agent_id="a")
    Agent.objects.all().delete()
    with pytest.raises(AgentNotFound):
        agents.change(actor=None, agent=agent, name="new")


def test_a_member_cannot_be_removed_and_a_free_agent_can() -> None:
    agent = agents.register(actor=None, agent_id="a")
    team = groups.create(actor=None, name="Team")
    membership.join(actor=None, group=team, agent_id="a")
    with pytest.raises(AgentInUse):
        agents.remove(actor=None, agent=agent)
    membership.leave(actor=None, group=team, agent_id="a")
    agents.remove(actor=None, agent=agent)
    assert not Agent.objects.exists()
