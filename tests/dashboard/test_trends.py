"""The page of trends: sums per hour or day of the runs that one may see, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from groups.execution.statuses import RunStatus, SubtaskStatus
from groups.models import Group, Run, Spending, Subtask
from groups.trends import Axis, Period, quantile, trends
from tests.dashboard.conftest import JSON, Browser

PAGE = "/trends/"


def a_run(group: Group, status: str, *, hours_ago: float, took: float | None = 10.0) -> Run:
    """A run that began then and took so many seconds; None: it is under way."""
    began = timezone.now() - timedelta(hours=hours_ago)
    ended = None if took is None else began + timedelta(seconds=took)
    return Run.objects.create(
        group=group,
        task="Look",
        status=status,
        created_at=began,
        started_at=began,
        finished_at=ended,
    )


def spend(run: Run, agent_id: str, tokens: int, cost: float | None = 0.5) -> None:
    Spending.objects.create(
        run=run,
        group=run.group,
        agent_id=agent_id,
        at=run.created_at,
        input_tokens=tokens,
        cost_usd=cost,
    )


def fail(run: Run, agent_id: str) -> None:
    Subtask.objects.create(
        run=run,
        key=agent_id,
        kind="work",
        title="t",
        assignee=agent_id,
        agent_id=agent_id,
        status=SubtaskStatus.FAILED,
    )


def test_an_axis_ends_with_the_present_and_has_equal_steps() -> None:
    now = datetime(2026, 11, 23, 17, 20, tzinfo=UTC)
    day, week, month = (Axis.of(period, now) for period in Period)
    assert (day.starts[-1].hour, len(day.starts)) == (17, 24)
    assert (week.starts[-1].hour, len(week.starts)) == (12, 28)
    assert (month.starts[-1].hour, len(month.starts)) == (0, 30)
    for axis in (day, week, month):
        assert axis.place(now) == len(axis.starts) - 1
        assert axis.place(axis.starts[0]) == 0
        assert axis.place(axis.starts[0] - timedelta(seconds=1)) == -1
        assert axis.place(axis.starts[3] + axis.step / 2) == 3


def test_quantiles_are_values_that_were_there() -> None:
    assert quantile([], 0.5) is None
    assert quantile([7.0], 0.95) == 7.0
    assert [quantile([1.0, 2.0, 3.0, 4.0], s) for s in (0.25, 0.5, 0.75, 0.95)] == [1, 2, 3, 4]


@pytest.mark.django_db
def test_runs_are_counted_by_when_they_began_and_how_they_stand(harbour: Group) -> None:
    for status, took in (("completed", 4.0), ("completed", 8.0), ("failed", 90.0)):
        a_run(harbour, status, hours_ago=0, took=took)
    a_run(harbour, "running", hours_ago=2, took=None)
    a_run(harbour, "awaiting_approval", hours_ago=2, took=None)
    a_run(harbour, "completed", hours_ago=25)
    found = trends(None, Period.DAY)
    assert {look: sum(values) for look, values in found.runs.items()} == {
        RunStatus.COMPLETED: 2,
        RunStatus.FAILED: 1,
        RunStatus.CANCELLED: 0,
        "running": 2,
    }
    assert found.runs["running"][-3] == 2
    ended = [value for value in found.median if value is not None]
    assert max(ended) == 8.0 and max(v for v in found.p95 if v is not None) == 90.0
    assert sum(trends(None, Period.WEEK).runs["completed"]) == 3


@pytest.mark.django_db
def test_tokens_are_told_by_agent_and_of_many_agents_by_the_first_and_others(
    harbour: Group,
) -> None:
    run = a_run(harbour, "completed", hours_ago=1)
    for number in range(8):
        spend(run, f"agent-{number}", 1000 * (number + 1), None if number else 0.25)
    found = trends(None, Period.DAY)
    sums = {agent_id: sum(values) for agent_id, values in found.tokens.items()}
    assert list(sums) == ["agent-7", "agent-6", "agent-5", "agent-4", "agent-3", ""]
    assert sums[""] == 1000 + 2000 + 3000
    assert sum(found.cost) == 0.25


@pytest.mark.django_db
def test_one_sees_what_one_may_see_only(harbour: Group, outsider: Browser, viewer: Browser) -> None:
    run = a_run(harbour, "failed", hours_ago=1)
    spend(run, "wim", 777)
    fail(run, "wim")
    seen, hidden = (each.get(PAGE).content.decode() for each in (viewer, outsider))
    assert "wim" in seen and "failed: 1" in seen and "777" in seen
    assert "wim" not in hidden and "Nothing in this period." in hidden and "777" not in hidden
    assert "There is no such group." in outsider.get("/trends/?group=Harbour").content.decode()
    assert "There is no such group." not in viewer.get("/trends/?group=Harbour").content.decode()


@pytest.mark.django_db
def test_it_asks_as_often_whatever_there_is(
    harbour: Group, viewer: Browser, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for hours in range(40):
        run = a_run(harbour, ("failed", "completed")[hours % 2], hours_ago=hours)
        spend(run, f"agent-{hours}", 10)
        fail(run, f"agent-{hours}")
    with django_assert_max_num_queries(14):
        assert viewer.get("/trends/?period=30d&group=Harbour").status_code == 200


@pytest.mark.django_db
def test_a_live_page_fetches_its_charts_alone(viewer: Browser) -> None:
    page = viewer.get("/trends/?period=7d").content.decode()
    assert 'hx-get="/trends/?period=7d"' in page and "data-topics" in page
    part = viewer.get("/trends/?period=7d", htmx=True).content.decode()
    assert part.lstrip().startswith('<div id="trends"')
    wrong = viewer.get("/trends/?period=century")
    assert wrong.status_code == 200 and "century" in wrong.content.decode()


@pytest.mark.django_db
def test_rest_gives_the_same_numbers(harbour: Group, viewer: Browser, outsider: Browser) -> None:
    spend(a_run(harbour, "completed", hours_ago=0, took=4.0), "wim", 12)
    told = viewer.client.get("/api/v1/trends/?group=Harbour", headers=JSON).json()
    assert (told["period"], told["seconds"], len(told["starts"])) == ("24h", 3600.0, 24)
    assert told["runs"]["completed"][-1] == 1 and told["tokens"]["wim"][-1] == 12
    assert 4.0 in told["median"] and told["failing"] == {} and sum(told["cost"]) == 0.5
    assert outsider.client.get("/api/v1/trends/?group=Harbour", headers=JSON).status_code == 404
    assert not sum(outsider.client.get("/api/v1/trends/", headers=JSON).json()["cost"])
    refused = viewer.client.get("/api/v1/trends/?period=1y", headers=JSON)
    assert refused.status_code == 400 and "period" in refused.json()["errors"]
