"""Clients at each level of one group, and that group's runs at each stage of their lives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.response import Response
from rest_framework.test import APIClient

from groups.agents.base import Waiting
from groups.execution.plan import Plan, PlanItem
from groups.models import Group, Level, Run
from groups.services import agents, groups, membership, runs
from groups.services.ledger import opened
from tests.stages import claim, propose

Send = Callable[[APIClient], Response]


def client_for(user: User | None) -> APIClient:
    """A client of that user; None: of nobody."""
    client = APIClient()
    if user is not None:
        client.force_authenticate(user)
    return client


@pytest.fixture
def lab(ada: User, bo: User, vi: User) -> Group:
    """A group owned by ada, steered by bo, watched by vi, unknown to cy: one leader, two workers."""
    group = groups.create(actor=ada, name="The Lab", group_id="lab")
    groups.grant(actor=ada, group=group, user=bo, level=Level.OPERATOR)
    groups.grant(actor=ada, group=group, user=vi, level=Level.VIEWER)
    for agent_id, role, tags in (
        ("lead", "leader", ()),
        ("counter", "worker", ("figures",)),
        ("writer", "worker", ("words",)),
    ):
        agents.register(actor=ada, agent_id=agent_id, name=agent_id.title())
        membership.join(actor=ada, group=group, agent_id=agent_id, role=role, tags=tags)
    return group


@pytest.fixture
def anonymous(db: None) -> APIClient:
    return client_for(None)


@pytest.fixture
def owner(ada: User) -> APIClient:
    return client_for(ada)


@pytest.fixture
def operator(bo: User) -> APIClient:
    return client_for(bo)


@pytest.fixture
def viewer(vi: User) -> APIClient:
    return client_for(vi)


@pytest.fixture
def outsider(cy: User) -> APIClient:
    return client_for(cy)


def is_problem(response: Any, status: int, reason: str = "", field: str = "") -> dict[str, Any]:
    """The problem that the response is; asserts its status and, if given, its reason and a faulty field."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["title"] and problem["detail"] and problem["reason"] and problem["instance"]
    if reason:
        assert problem["reason"] == reason
    if field:
        assert field in problem["errors"], problem
    return problem


@pytest.fixture
def refused() -> Callable[..., dict[str, Any]]:
    """`is_problem`."""
    return is_problem


@pytest.fixture
def guarded(
    anonymous: APIClient, outsider: APIClient, viewer: APIClient, operator: APIClient
) -> Callable[[Send, Level], None]:
    """Asserts that what `send` does is refused to nobody (401), to strangers (404) and to lower levels (403)."""

    def check(send: Send, least: Level) -> None:
        refusal = send(anonymous)
        is_problem(refusal, 401, "not_authenticated")
        assert refusal["WWW-Authenticate"] == "Token"
        is_problem(send(outsider), 404)
        for level, client in ((Level.VIEWER, viewer), (Level.OPERATOR, operator)):
            if level < least:
                is_problem(send(client), 403, "level_too_low")

    return check


PLAN = Plan(
    subtasks=(
        PlanItem(key="count", title="Count the rows", assignee="figures"),
        PlanItem(key="tell", title="Tell the story", assignee="writer", depends_on=("count",)),
    ),
    note="First the figures, then the words.",
)


def plan_it(run: Run) -> Run:
    """Let the leader propose PLAN."""
    return propose(run, PLAN)


@pytest.fixture
def run(lab: Group, ada: User) -> Run:
    """Just submitted."""
    return runs.start(actor=ada, group=lab, task="Count the stars", max_attempts=2)


@pytest.fixture
def proposed(lab: Group, ada: User) -> Run:
    """Its plan awaits approval."""
    return plan_it(runs.start(actor=ada, group=lab, task="Ask me first", approve_plan=True))


@pytest.fixture
def working(run: Run) -> Run:
    """Planned, its first work subtask running."""
    plan_it(run)
    claim(run)
    return Run.objects.get(id=run.id)


@pytest.fixture
def waiting(run: Run) -> Run:
    """Its first work subtask, 'count', waits for an answer."""
    plan_it(run)
    [item] = claim(run)
    with opened(run.id) as machine:
        machine.wait(item.id, item.lease_token, Waiting(question="Which column?"))
    return Run.objects.get(id=run.id)


@pytest.fixture
def failed(lab: Group, ada: User) -> Run:
    """Ended by the failure of its first work subtask."""
    run = plan_it(runs.start(actor=ada, group=lab, task="Break", failure_policy="stop"))
    [item] = claim(run)
    with opened(run.id) as machine:
        machine.fail(item.id, item.lease_token, "The file is empty.", transient=False)
    return Run.objects.get(id=run.id)
