"""GET runs/, groups/<id>/runs/ and runs/<id>/."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from rest_framework.test import APIClient

from groups.execution.statuses import RunStatus
from groups.models import Group, Level, Run
from groups.services import runs
from tests.factories import make_run

Refused = Callable[..., Any]
URL = "/api/v1/runs/"


def test_recent_runs_of_all_visible_groups(
    viewer: APIClient, outsider: APIClient, anonymous: APIClient, working: Run, refused: Refused
) -> None:
    [shown] = viewer.get(URL).json()["results"]
    assert (shown["id"], shown["group"], shown["status"]) == (str(working.id), "lab", "running")
    assert (shown["work_done"], shown["work_total"], shown["created_by"]) == (0, 2, "ada")
    assert "result" not in shown
    assert "plan" not in shown
    assert outsider.get(URL).json()["results"] == []
    refused(anonymous.get(URL), 401, "not_authenticated")


def test_runs_of_a_group(viewer: APIClient, run: Run, guarded: Any) -> None:
    url = "/api/v1/groups/lab/runs/"
    guarded(lambda client: client.get(url), Level.VIEWER)
    [shown] = viewer.get(url).json()["results"]
    assert (shown["id"], shown["task"]) == (str(run.id), "Count the stars")


def test_lists_take_the_same_queries_for_one_and_for_many(
    viewer: APIClient, lab: Group, ada: User, django_assert_num_queries: Any
) -> None:
    for number in range(8):
        runs.start(actor=ada, group=lab, task=f"Task {number}")
    with django_assert_num_queries(1):
        recent = viewer.get(URL).json()["results"]
    with django_assert_num_queries(3):
        assert viewer.get("/api/v1/groups/lab/runs/").json()["results"] == recent
    assert [run["task"] for run in recent] == [f"Task {number}" for number in range(7, -1, -1)]


def test_lists_are_narrowed(viewer: APIClient, lab: Group, ada: User, refused: Refused) -> None:
    ships = runs.start(actor=ada, group=lab, task="Count the Ships")
    done = make_run(group=lab, task="Weigh 100% of it", status=RunStatus.COMPLETED, mode="swarm")

    def found(query: str, url: str = URL) -> list[str]:
        answer = viewer.get(f"{url}?{query}")
        assert answer.status_code == 200, answer.content
        return [run["id"] for run in answer.json()["results"]]

    for url in (URL, "/api/v1/groups/lab/runs/"):
        assert set(found("", url)) == {str(ships.id), str(done.id)}
        assert found("q=sHIPS", url) == [str(ships.id)]
        assert found("q=100%25", url) == [str(done.id)]
        assert found("status=completed", url) == found("mode=swarm", url) == [str(done.id)]
        assert found("status=under_way", url) == found("status=queued", url) == [str(ships.id)]
        assert found("q=ships&mode=swarm", url) == []
        refused(viewer.get(f"{url}?status=lost"), 400, "invalid", "status")
        refused(viewer.get(f"{url}?mode=reply"), 400, "invalid", "mode")
        refused(viewer.get(f"{url}?q={'x' * 201}"), 400, "invalid", "q")
        # Words, in any order, with whichever space (a Chinese keyboard's); control characters are no words.
        assert found("q=ships%E3%80%80count", url) == found("q=%00ships", url) == [str(ships.id)]
        assert len(found("q=%00", url)) == len(found("q=%E3%80%80", url)) == 2
    assert len(found("group=lab")) == 2 and found("group=labour") == []
    assert set(found(f"group={lab.name[1:].upper()}")) == {str(ships.id), str(done.id)}


def test_lists_show_the_beginning_of_long_texts(
    viewer: APIClient, run: Run, django_assert_num_queries: Any
) -> None:
    long = {"task": "Count the stars. " * 5_000, "error": "It broke. " * 5_000}
    Run.objects.filter(id=run.id).update(**long)
    with django_assert_num_queries(1):
        [shown] = viewer.get(URL).json()["results"]
    assert {name: shown[name] for name in long} == {name: text[:300] for name, text in long.items()}
    whole = viewer.get(f"{URL}{run.id}/").json()
    assert {name: whole[name] for name in long} == long


def test_one_run(
    viewer: APIClient,
    working: Run,
    guarded: Any,
    refused: Refused,
    django_assert_num_queries: Any,
) -> None:
    url = f"{URL}{working.id}/"
    guarded(lambda client: client.get(url), Level.VIEWER)
    with django_assert_num_queries(5):
        shown = viewer.get(url).json()
    assert (shown["status"], shown["last_seq"]) == ("running", working.last_seq)
    assert shown["plan"]["note"] == "First the figures, then the words."
    assert [s["key"] for s in shown["plan"]["subtasks"]] == ["count", "tell"]
    assert {s["key"]: s["status"] for s in shown["subtasks"]} == {
        "plan": "completed",
        "count": "running",
        "tell": "blocked",
    }
    count = next(s for s in shown["subtasks"] if s["key"] == "count")
    assert (count["assignee"], count["agent_id"], count["attempt"]) == ("figures", "counter", 1)
    assert "lease_token" not in count
    assert (shown["work_done"], shown["work_total"], shown["attachments"]) == (0, 2, [])


def test_unknown_runs(viewer: APIClient, lab: Group, refused: Refused) -> None:
    for name in (uuid.uuid4(), "nonsense", "a%00b"):
        refused(viewer.get(f"{URL}{name}/"), 404)
