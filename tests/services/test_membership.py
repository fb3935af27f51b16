"""Joining, leaving, roles and tags, also when two do it at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from groups import selectors
from groups.errors import (
    AgentNotFound,
    AlreadyAMember,
    GroupNotFound,
    LeaderBusy,
    LeaderExists,
    NotAMember,
)
from groups.execution.statuses import RunStatus
from groups.models import Group, Member
from groups.services import agents, groups, membership, runs
from state.errors import Invalid, StarsError
from tests.factories import end_run, make_run


@pytest.fixture
def team(db: None) -> Group:
    """A group without members, and four agents to choose from."""
    for name in ("lea", "wes", "wyn", "win"):
        agents.register(actor=None, agent_id=name)
    return groups.create(actor=None, name="Team")


def test_joins_with_role_and_tags(team: Group) -> None:
    membership.join(actor=None, group=team, agent_id="lea", role="leader")
    membership.join(actor=None, group=team, agent_id="wes", tags=[" data ", "数据", "data"])
    found = [(m.agent.agent_id, m.role, m.tags) for m in Member.objects.order_by("id")]
    assert found == [("lea", "leader", []), ("wes", "worker", ["data", "数据"])]


@pytest.mark.parametrize("agent_id", ["nobody", "", "a\x00b", None, 7])
def test_an_unknown_agent_cannot_join(team: Group, agent_id: Any) -> None:
    with pytest.raises(AgentNotFound) as refusal:
        membership.join(actor=None, group=team, agent_id=agent_id)
    assert refusal.value.fields.keys() == {"agent_id"}


def test_nobody_joins_twice(team: Group) -> None:
    membership.join(actor=None, group=team, agent_id="wes")
    with pytest.raises(AlreadyAMember):
        membership.join(actor=None, group=team, agent_id="wes", role="leader")
    assert Member.objects.get().role == "worker"


def test_an_agent_may_be_in_two_groups(team: Group) -> None:
    other = groups.create(actor=None, name="Other")
    membership.join(actor=None, group=team, agent_id="lea", role="leader")
    membership.join(actor=None, group=other, agent_id="lea", role="leader")
    assert Member.objects.count() == 2


def test_a_group_has_one_leader(team: Group) -> None:
    membership.join(actor=None, group=team, agent_id="lea", role="leader")
    with pytest.raises(LeaderExists) as refusal:
        membership.join(actor=None, group=team, agent_id="wes", role="leader")
    assert refusal.value.fields.keys() == {"role"}
    membership.join(actor=None, group=team, agent_id="wes")
    with pytest.raises(LeaderExists):
        membership.change(actor=None, group=team, agent_id="wes", role="leader")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"role": "boss"}, "role"),
        ({"role": ["leader"]}, "role"),
        ({"tags": "data"}, "tags"),
        ({"tags": [1]}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": ["a\x00b"]}, "tags"),
        ({"tags": ["x" * 65]}, "tags"),
        ({"tags": [str(n) for n in range(21)]}, "tags"),
    ],
)
def test_faulty_roles_and_tags_are_refused(team: Group, given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        membership.join(actor=None, group=team, agent_id="wes", **given)
    assert refusal.value.fields.keys() == {field}
    membership.join(actor=None, group=team, agent_id="wyn", tags=["kept"])
    with pytest.raises(Invalid) as refusal:
        membership.change(actor=None, group=team, agent_id="wyn", **given)
    assert refusal.value.fields.keys() == {field}
    assert Member.objects.get().tags == ["kept"]


def test_changes_role_and_tags_apart(team: Group) -> None:
    membership.join(actor=None, group=team, agent_id="wes", tags=["old"])
    membership.change(actor=None, group=team, agent_id="wes", role="leader")
    assert Member.objects.get().tags == ["old"]
    membership.change(actor=None, group=team, agent_id="wes", tags=[])
    member = Member.objects.get()
    assert (member.role, member.tags) == ("leader", [])


def test_the_lead_changes_hands_in_two_steps(team: Group) -> None:
    membership.join(actor=None, group=team, agent_id="lea", role="leader")
    membership.join(actor=None, group=team, agent_id="wes")
    membership.change(actor=None, group=team, agent_id="lea", role="worker")
    membership.change(actor=None, group=team, agent_id="wes", role="leader")
    assert Member.objects.get(role="leader").agent.agent_id == "wes"


def test_who_is_no_member_cannot_leave_or_change(team: Group) -> None:
    with pytest.raises(NotAMember):
        membership.leave(actor=None, group=team, agent_id="wes")
    with pytest.raises(NotAMember):
        membership.change(actor=None, group=team, agent_id="a\x00b", role="leader")


def test_the_leader_stays_while_a_run_is_under_way(team: Group) -> None:
    membership.join(actor=None, group=team, agent_id="lea", role="leader")
    membership.join(actor=None, group=team, agent_id="wes")
    run = make_run(group=team, status=RunStatus.AWAITING_APPROVAL)
    with pytest.raises(LeaderBusy):
        membership.leave(actor=None, group=team, agent_id="lea")
    with pytest.raises(LeaderBusy):
        membership.change(actor=None, group=team, agent_id="lea", role="worker")
    membership.change(actor=None, group=team, agent_id="lea", tags=["head"])
    membership.leave(actor=None, group=team, agent_id="wes")
    end_run(run, RunStatus.COMPLETED)
    membership.leave(actor=None, group=team, agent_id="lea")
    assert not Member.objects.exists()


def test_the_run_of_another_group_does_not_bind(team: Group) -> None:
    make_run(group=groups.create(actor=None, name="Other"))
    membership.join(actor=None, group=team, agent_id="lea", role="leader")
    membership.leave(actor=None, group=team, agent_id="lea")


def test_a_removed_group_takes_nobody(team: Group) -> None:
    groups.remove(actor=None, group=team)
    with pytest.raises(GroupNotFound):
        membership.join(actor=None, group=team, agent_id="wes")


def at_once(*calls: Any) -> list[str]:
    """Make the calls in threads that begin together; what each came to, sorted."""
    gate = threading.Barrier(len(calls))

    def attempt(call: Any) -> str:
        try:
            gate.wait()
            call()
            return "ok"
        except StarsError as error:
            return error.reason
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(attempt, calls))


@pytest.mark.django_db(transaction=True)
def test_of_leaders_that_join_at_once_one_wins(team: Group) -> None:
    calls = [
        lambda name=name: membership.join(actor=None, group=team, agent_id=name, role="leader")
        for name in ("lea", "wes", "wyn", "win")
    ]
    assert at_once(*calls) == ["leader_exists"] * 3 + ["ok"]
    assert Member.objects.get().role == "leader"


@pytest.mark.django_db(transaction=True)
def test_an_agent_that_joins_four_times_at_once_joins_once(team: Group) -> None:
    calls = [lambda: membership.join(actor=None, group=team, agent_id="wes")] * 4
    assert at_once(*calls) == ["already_a_member"] * 3 + ["ok"]
    assert Member.objects.count() == 1


@pytest.mark.django_db
def test_the_constraint_has_the_last_word(team: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody writes after the look and past the lock: the same error, not an IntegrityError."""
    looks = iter([False])
    decide = membership._decide

    def late(*args: Any, **kwargs: Any) -> None:
        if next(looks, True):
            decide(*args, **kwargs)

    membership.join(actor=None, group=team, agent_id="lea", role="leader")
    monkeypatch.setattr(membership, "_decide", late)
    with pytest.raises(LeaderExists):
        membership.join(actor=None, group=team, agent_id="wes", role="leader")
    assert Member.objects.count() == 1


def names(group: Group) -> list[tuple[str, str]]:
    found = selectors.members_of(group)
    return [(member.agent.agent_id, member.role) for member in found]


def test_several_join_at_once_or_none(team: Group) -> None:
    with pytest.raises(AgentNotFound):
        membership.join_all(actor=None, group=team, agent_ids=["wes", "ghost"])
    assert not Member.objects.exists()
    membership.join_all(actor=None, group=team, agent_ids=["wyn", "wes", "wyn"], tags=["day"])
    assert names(team) == [("wyn", "worker"), ("wes", "worker")]
    assert [m.tags for m in Member.objects.all()] == [["day"], ["day"]]
    with pytest.raises(Invalid) as refusal:
        membership.join_all(actor=None, group=team, agent_ids=[])
    assert refusal.value.fields.keys() == {"agent_id"}


def test_another_one_leads(team: Group) -> None:
    membership.join(actor=None, group=team, agent_id="wes")
    membership.lead(actor=None, group=team, agent_id="wes")
    membership.join(actor=None, group=team, agent_id="lea")
    membership.lead(actor=None, group=team, agent_id="lea")
    assert names(team) == [("lea", "leader"), ("wes", "worker")]
    make_run(group=team)
    membership.lead(actor=None, group=team, agent_id="lea")
    with pytest.raises(LeaderBusy):
        membership.lead(actor=None, group=team, agent_id="wes")
    with pytest.raises(NotAMember):
        membership.lead(actor=None, group=team, agent_id="wyn")
    assert names(team) == [("lea", "leader"), ("wes", "worker")]


def test_members_stand_where_they_are_put_and_pipelines_follow(team: Group) -> None:
    membership.join(actor=None, group=team, agent_id="lea", role="leader")
    membership.join_all(actor=None, group=team, agent_ids=["wes", "wyn", "win"])
    membership.move(actor=None, group=team, agent_id="win", place=1)
    membership.move(actor=None, group=team, agent_id="wes", place=9)
    assert [name for name, _ in names(team)] == ["lea", "win", "wyn", "wes"]
    run = runs.start(
        actor=None, group=team, task="Sail", mode="pipeline", options={"order": "members"}
    )
    assert run.options["members"] == ["win", "wyn", "wes"]
    with pytest.raises(Invalid) as refusal:
        membership.move(actor=None, group=team, agent_id="win", place=-1)
    assert refusal.value.fields.keys() == {"place"}
