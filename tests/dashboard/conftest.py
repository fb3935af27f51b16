"""Signed-in browsers for the cast, what every page must refuse, and runs at some stages of their lives."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from groups.agents.base import Waiting
from groups.execution.plan import Plan, PlanItem
from groups.models import Group, Run
from groups.services import runs
from groups.services.ledger import opened
from tests.stages import claim, propose

HTMX = {"HX-Request": "true"}
JSON = {"Accept": "application/json"}


class Browser:
    """A browser with somebody signed in; `send` posts JSON as the run page does."""

    def __init__(self, user: User | None = None) -> None:
        self.client = Client(headers={"Accept": "text/html"})
        if user is not None:
            self.client.force_login(user)

    def get(self, path: str, *, htmx: bool = False) -> Any:
        return self.client.get(path, headers=HTMX if htmx else {})

    def post(self, path: str, data: dict[str, Any] | None = None, *, htmx: bool = False) -> Any:
        return self.client.post(path, data or {}, headers=HTMX if htmx else {})

    def send(self, path: str, value: object = None) -> Any:
        body = json.dumps({} if value is None else value)
        return self.client.post(path, body, content_type="application/json", headers=JSON)


@pytest.fixture
def owner(ada: User) -> Browser:
    return Browser(ada)


@pytest.fixture
def operator(bo: User) -> Browser:
    return Browser(bo)


@pytest.fixture
def viewer(vi: User) -> Browser:
    return Browser(vi)


@pytest.fixture
def outsider(cy: User) -> Browser:
    return Browser(cy)


@pytest.fixture
def nobody(db: None) -> Browser:
    return Browser()


@pytest.fixture
def guarded(nobody: Browser, outsider: Browser) -> Callable[[str, str], None]:
    """Asserts that nobody is sent to sign in and an outsider finds nothing at the address."""

    def check(method: str, path: str) -> None:
        answer = getattr(nobody, method)(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/login/?next=")
        assert getattr(outsider, method)(path).status_code == 404

    return check


PLAN = Plan(
    subtasks=(
        PlanItem(key="count", title="Count the ships", assignee="wim"),
        PlanItem(key="tell", title="Tell the master", assignee="steady", depends_on=("count",)),
    ),
    note="First the figures.",
)


def plan_it(run: Run) -> Run:
    """Let the leader propose PLAN."""
    return propose(run, PLAN)


@pytest.fixture
def proposed(harbour: Group, ada: User) -> Run:
    """A run whose plan awaits approval."""
    return plan_it(runs.start(actor=ada, group=harbour, task="Ask me first", approve_plan=True))


@pytest.fixture
def working(harbour: Group, ada: User) -> Run:
    """A run whose first work subtask is running."""
    run = plan_it(runs.start(actor=ada, group=harbour, task="Count\nthe ships"))
    claim(run)
    return Run.objects.get(id=run.id)


@pytest.fixture
def waiting(harbour: Group, ada: User) -> Run:
    """A run whose first work subtask waits for an answer."""
    run = plan_it(runs.start(actor=ada, group=harbour, task="Ask me later"))
    [item] = claim(run)
    with opened(run.id) as machine:
        machine.wait(item.id, item.lease_token, Waiting(question="Barges too?"))
    return Run.objects.get(id=run.id)


def finish(run: Run, **results: str) -> Run:
    """Carry a planned run to its end; `results` are texts by key, the summary's included."""
    while run.status not in {"completed", "failed"}:
        claim(run)
        for item in run.subtasks.filter(status="running"):
            assert item.lease_token is not None
            with opened(run.id) as machine:
                machine.complete(item.id, item.lease_token, results.get(item.key, "Done."))
        run.refresh_from_db()
    return run
