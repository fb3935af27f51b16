"""Budgets by API, pages and admin: who may set them, what they show, and how a stopped run is taken up again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from groups.execution.statuses import RunStatus
from groups.models import Agent, Budget, Group, Run, Spending
from groups.services import spending
from groups.views.budgets import MOST
from tests.api.conftest import client_for, is_problem
from tests.dashboard.conftest import Browser
from tests.factories import make_agent, make_group, make_run, make_user
from tests.money.conftest import make_spending

REASON = "The run's cap of 100 tokens is reached."


@pytest.fixture
def stopped(harbour: Group) -> Run:
    """A run that was wrapped up at its cap."""
    run = make_run(group=harbour, status=RunStatus.COMPLETED, max_tokens=100, stop_reason=REASON)
    run.usage = {"input_tokens": 90, "output_tokens": 10, "requests": 2, "cost_usd": None}
    run.started_at = run.created_at
    run.save()
    keys = [("plan", "plan", "completed"), ("a", "work", "skipped"), ("summary",) * 2 + ("failed",)]
    for place, (key, kind, status) in enumerate(keys):
        run.subtasks.create(
            key=key, kind=kind, title=key, assignee="lena", position=place, status=status, attempt=1
        )
    return run


@pytest.fixture
def root(db: None) -> User:
    return make_user(username="root", is_superuser=True, is_staff=True)


def test_a_month_begins_anew_in_utc(harbour: Group) -> None:
    began = spending.month_began()
    make_spending(harbour, at=began)
    make_spending(harbour, at=began - timedelta(microseconds=1))
    assert spending.by_group() == {harbour.id: (120, 0.25, 0)}
    assert spending.by_agent() == {"wim": (120, 0.25, 0)}


def test_what_was_used_outlives_the_group(harbour: Group) -> None:
    make_spending(harbour)
    harbour.delete()
    assert spending.by_group() == {"": (120, 0.25, 0)} and Spending.objects.count() == 1


def test_a_group_s_budget_is_seen_by_viewers_and_set_by_owners(
    harbour: Group, ada: User, vi: User, cy: User
) -> None:
    url = f"/api/v1/groups/{harbour.id}/budget/"
    make_spending(harbour)
    make_spending(harbour, cost_usd=None)
    make_spending(None)
    owner, viewer, outsider = client_for(ada), client_for(vi), client_for(cy)
    caps = {"max_tokens": 1000, "max_cost_usd": 2.5}
    assert owner.put(url, caps, format="json").status_code == 200
    assert viewer.get(url).json() == caps | {
        "scope": "group",
        "month": spending.month_began().date().isoformat(),
        "used": {"tokens": 240, "cost_usd": 0.25, "unpriced": 1},
    }
    is_problem(viewer.put(url, caps, format="json"), 403)
    is_problem(outsider.get(url), 404)
    assert owner.delete(url).status_code == 204 and not Budget.objects.exists()


@pytest.mark.parametrize(
    ("caps", "field"),
    [
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": 10**30}, "max_tokens"),
        ({"max_cost_usd": -1}, "max_cost_usd"),
        ({"max_cost_usd": "a lot"}, "max_cost_usd"),
        ({"max_money": 1}, "max_money"),
    ],
)
def test_caps_that_are_none_are_refused(
    harbour: Group, ada: User, caps: dict[str, object], field: str
) -> None:
    url = f"/api/v1/groups/{harbour.id}/budget/"
    is_problem(client_for(ada).put(url, caps, format="json"), 400, field=field)
    assert not Budget.objects.exists()


def test_an_agent_s_budget_is_its_registrar_s_to_set(ada: User, vi: User) -> None:
    make_agent(agent_id="wim", created_by=ada)
    url = "/api/v1/agents/wim/budget/"
    assert client_for(ada).put(url, {"max_tokens": 5}, format="json").json()["scope"] == "agent"
    assert client_for(vi).get(url).json()["max_tokens"] == 5
    is_problem(client_for(vi).delete(url), 403)


def test_the_installation_s_budget_is_for_administrators(root: User, ada: User) -> None:
    url = "/api/v1/budget/"
    is_problem(client_for(ada).get(url), 403)
    is_problem(client_for(ada).put(url, {"max_tokens": 5}, format="json"), 403)
    assert client_for(root).put(url, {"max_cost_usd": 9}, format="json").status_code == 200
    assert client_for(root).put(url, {"max_tokens": 5}, format="json").json()["max_tokens"] == 5
    assert Budget.objects.get().max_cost_usd is None  # both are set at once


def test_a_run_is_raised_and_taken_up_again_by_its_operators(
    stopped: Run, bo: User, vi: User
) -> None:
    url = f"/api/v1/runs/{stopped.id}/budget/"
    is_problem(client_for(vi).patch(url, {"max_tokens": 9}, format="json"), 403)
    is_problem(client_for(bo).patch(url, {"max_tokens": 0}, format="json"), 400, field="max_tokens")
    raised = client_for(bo).patch(url, {"max_cost_usd": 3}, format="json").json()
    assert (raised["status"], raised["stop_reason"]) == ("completed", REASON)
    assert (raised["max_tokens"], raised["max_cost_usd"]) == (100, 3)
    again = client_for(bo).patch(url, {"max_tokens": None, "resume": True}, format="json").json()
    assert (again["status"], again["stop_reason"], again["max_tokens"]) == ("running", "", None)
    # Nothing that was used is forgotten.
    assert again["usage"]["input_tokens"] == 90


def test_a_cancelled_run_needs_no_budget(harbour: Group, bo: User) -> None:
    run = make_run(group=harbour, status=RunStatus.CANCELLED)
    answer = client_for(bo).patch(f"/api/v1/runs/{run.id}/budget/", {}, format="json")
    is_problem(answer, 409, "wrong_status")


def test_a_run_is_started_with_caps_by_api_and_page(harbour: Group, bo: User) -> None:
    given = {"task": "Count", "max_tokens": 7, "max_cost_usd": 0.5}
    url = f"/api/v1/groups/{harbour.id}/runs/"
    run = client_for(bo).post(url, given, format="json").json()
    assert (run["max_tokens"], run["max_cost_usd"]) == (7, 0.5)
    listed = client_for(bo).get(url).json()["results"][0]
    assert (listed["usage"], listed["stop_reason"]) == ({}, "")
    browser = Browser(bo)
    form = {"task": "Count", "mode": "leader_worker", "failure_policy": "continue"}
    page = f"/groups/{harbour.id}/runs/"
    assert browser.post(page, form | {"max_tokens": "9"}).status_code == 303
    assert list(Run.objects.order_by("-created_at").values_list("max_tokens", flat=True)) == [9, 7]
    refused = browser.post(page, form | {"max_cost_usd": "-1"})
    assert refused.status_code == 400 and 'name="max_cost_usd"' in refused.content.decode()


def test_the_run_page_raises_and_resumes(stopped: Run, operator: Browser, viewer: Browser) -> None:
    page = operator.get(f"/runs/{stopped.id}/").content.decode()
    assert "Raise and resume" in page and '"caps": {"tokens": 100, "cost": null}' in page
    assert "Raise and resume" not in viewer.get(f"/runs/{stopped.id}/").content.decode()
    url = f"/runs/{stopped.id}/budget/"
    bad = operator.send(url, {"max_tokens": "many"})
    assert bad.status_code == 400 and "max_tokens" in bad.json()["fields"]
    done = operator.send(url, {"max_tokens": 500, "max_cost_usd": None, "resume": True})
    assert done.json()["status"] == "running"
    assert viewer.send(url, {}).status_code == 403


def test_lists_tell_tokens_and_that_the_cost_is_unknown(stopped: Run, viewer: Browser) -> None:
    for path in ("/runs/", f"/groups/{stopped.group_id}/"):
        page = viewer.get(path).content.decode()
        assert "100 tokens, cost unknown" in page and "stopped by a cap" in page


def test_the_group_s_panel_shows_a_meter_and_counts_unknown_prices(
    harbour: Group, owner: Browser, viewer: Browser, outsider: Browser
) -> None:
    url = f"/groups/{harbour.id}/budget/"
    for cost in (1.25, None, None, None):
        make_spending(harbour, cost_usd=cost)
    assert owner.post(url, {"max_tokens": "1000", "max_cost_usd": "2"}).status_code == 303
    panel = viewer.get(url, htmx=True).content.decode()
    assert '<meter min="0" max="2.0" value="1.25"' in panel
    assert "480 tokens of 1,000 tokens" in panel
    assert "$1.25 of $2.00" in panel and "plus 3 calls of unknown price" in panel
    assert "<form" not in panel
    assert outsider.get(url).status_code == 404
    assert viewer.post(url, {"max_tokens": "1"}).status_code == 403
    refused = owner.post(url, {"max_tokens": "0"}, htmx=True)
    assert refused.status_code == 400 and "field-error" in refused.content.decode()
    assert owner.post(url, {}).status_code == 303 and not Budget.objects.exists()
    assert url in owner.get(f"/groups/{harbour.id}/settings/").content.decode()


def test_the_agent_s_panel_and_the_installation_s_page(
    harbour: Group, owner: Browser, ada: User, root: User
) -> None:
    Agent.objects.filter(agent_id="wim").update(created_by=ada)
    url = "/agents/wim/budget/"
    assert owner.post(url, {"max_cost_usd": "0.5"}).status_code == 303
    make_spending(harbour)
    assert "$0.25 of $0.50" in owner.get(url, htmx=True).content.decode()
    assert url in owner.get("/agents/wim/").content.decode()
    assert owner.get("/budget/").status_code == 403
    administrator = Browser(root)
    assert administrator.post("/budget/", {"max_tokens": "50"}).status_code == 303
    page = administrator.get("/budget/").content.decode()
    assert "120 tokens of 50 tokens" in page and "120 tokens, $0.25" in page


def test_the_list_of_agents_tells_what_each_used_this_month(
    harbour: Group, viewer: Browser, django_assert_max_num_queries: Any
) -> None:
    make_spending(harbour, agent_id="wim", cost_usd=None)
    make_spending(harbour, agent_id="lena")
    make_spending(harbour, agent_id="gone")
    with django_assert_max_num_queries(9):
        page = viewer.get("/agents/").content.decode()
    assert "120 tokens, $0.25<" in page
    assert "120 tokens, $0.00 plus 1 call of unknown price<" in page


def test_the_installation_s_page_takes_as_many_queries_for_much_as_for_little(root: User) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert Browser(root).get("/budget/").status_code == 200
        return len(captured)

    make_spending(make_group())
    few = queries()
    for _ in range(3):
        group = make_group()
        make_spending(group, agent_id=f"of-{group.id}")
    assert queries() == few


def test_of_many_agents_those_that_used_most_are_listed(root: User, harbour: Group) -> None:
    for number in range(MOST + 2):
        make_spending(harbour, agent_id=f"hand-{number}", input_tokens=1000 + number)
    page = Browser(root).get("/budget/").content.decode()
    assert "And 2 agents that used less." in page and "groups that used less" not in page
    assert "hand-51" in page and "hand-1<" not in page and "hand-2<" in page


def test_the_admin_sets_budgets_by_the_same_rules(root: User, harbour: Group) -> None:
    client = Client()
    client.force_login(root)
    agent = Agent.objects.get(agent_id="wim")
    url = "/admin/groups/budget/add/"
    both = {"agent": agent.pk, "group": harbour.pk, "max_tokens": 5}
    assert "not both" in client.post(url, both).content.decode()
    assert "Give a cap" in client.post(url, {"agent": agent.pk}).content.decode()
    assert client.post(url, {"agent": agent.pk, "max_tokens": 5}).status_code == 302
    budget = Budget.objects.get()
    assert (budget.scope, budget.max_tokens) == ("agent", 5)
    change = f"/admin/groups/budget/{budget.pk}/change/"
    assert client.post(change, {"max_cost_usd": 1}).status_code == 302
    assert Budget.objects.get().cap == ("agent", None, 1.0)
    make_spending(harbour)
    assert "dear" not in client.get("/admin/groups/spending/?q=wim").content.decode()
    assert client.get("/admin/groups/budget/?q=wim").status_code == 200
    client.post(f"/admin/groups/budget/{budget.pk}/delete/", {"post": "yes"})
    assert not Budget.objects.exists()
