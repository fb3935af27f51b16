"""Sync tasks by REST: made, followed, cancelled, refused."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from state import queue
from state.models import SyncTarget, SyncTask
from tests.state_api.conftest import ROOT, Client, fine

TASK = {"type": "multicast", "state": "plan", "target_agents": ["wim", "wes"], "priority": 5}


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ring", lambda: None)


@pytest.fixture
def task(owner: Client, plan: Any) -> dict[str, Any]:
    return dict(fine(owner.ask("post", "sync-tasks/", TASK), 202))


def test_a_task_is_accepted_and_followed(owner: Client, plan: Any) -> None:
    answer = owner.ask("post", "sync-tasks/", TASK)
    made = fine(answer, 202)
    assert answer["Location"] == f"http://testserver{ROOT}sync-tasks/{made['id']}/"
    assert (made["status"], made["priority"], made["created_by"]) == ("pending", 5, "human:ada")
    assert [(each["agent"], each["status"]) for each in made["targets"]] == [
        ("agent:wes", "pending"),
        ("agent:wim", "pending"),
    ]
    SyncTarget.objects.filter(agent="agent:wim").update(status="completed")
    shown = fine(owner.ask("get", f"sync-tasks/{made['id']}/"))
    assert [each["status"] for each in shown["targets"]] == ["pending", "completed"]
    assert shown["updates"][0]["state_id"] == "plan"
    [listed] = fine(owner.ask("get", "sync-tasks/"))["results"]
    assert listed == {name: shown[name] for name in shown if name != "updates"}


def test_cancelling_ends_what_is_open_once(owner: Client, task: dict[str, Any]) -> None:
    SyncTarget.objects.filter(agent="agent:wim").update(status="completed")
    path = f"sync-tasks/{task['id']}/cancel/"
    ended = fine(owner.ask("post", path))
    assert ended["status"] == "cancelled"
    assert [each["status"] for each in ended["targets"]] == ["cancelled", "completed"]
    again = fine(owner.ask("post", path))
    assert again == ended
    assert SyncTask.objects.get().status == "cancelled"


def test_who_sees_and_who_cancels(
    owner: Client,
    operator: Client,
    viewer: Client,
    outsider: Client,
    anonymous: Client,
    task: dict[str, Any],
    refused: Any,
) -> None:
    path = f"sync-tasks/{task['id']}/"

    def seen(client: Client, **headers: str) -> int:
        return len(fine(client.ask("get", "sync-tasks/", **headers))["results"])

    assert seen(owner) == seen(operator, Stars_Agent="lena") == 1
    assert seen(operator, Stars_Agent="wim") == 1  # a target
    assert seen(operator) == seen(viewer) == 0
    refused(operator.ask("get", path), 404, "not_found")
    refused(operator.ask("post", f"{path}cancel/"), 404, "not_found")
    refused(operator.ask("post", f"{path}cancel/", Stars_Agent="wim"), 403, "not_allowed")
    refused(viewer.ask("post", "sync-tasks/", TASK), 403)
    for client, status in ((outsider, 404), (anonymous, 401)):
        refused(client.ask("get", "sync-tasks/"), status)
        refused(client.ask("post", "sync-tasks/", TASK), status)
        refused(client.ask("get", path), status)
        refused(client.ask("post", f"{path}cancel/"), status)
    assert SyncTask.objects.get().status == "pending"
    assert operator.ask("post", f"{path}cancel/", Stars_Agent="lena").status_code == 200


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "shout"}, "type"),
        ({"type": "unicast"}, "target_agents"),
        ({"type": "broadcast"}, "target_agents"),
        ({"target_agents": []}, "target_agents"),
        ({"target_agents": ["*"]}, "target_agents"),
        ({"target_agents": "wim"}, "target_agents"),
        ({"priority": 10}, "priority"),
        ({"priority": -1}, "priority"),
        ({"max_retries": 21}, "max_retries"),
        ({"metadata": 1}, "metadata"),
        ({"stat": "plan"}, "stat"),
    ],
)
def test_bad_tasks_are_refused_by_their_field(
    owner: Client, plan: Any, changes: dict[str, Any], field: str, refused: Any
) -> None:
    refused(owner.ask("post", "sync-tasks/", {**TASK, **changes}), 400, field=field)
    assert not SyncTask.objects.exists()


def test_what_is_not_there_is_not_found(owner: Client, plan: Any, refused: Any) -> None:
    refused(owner.ask("post", "sync-tasks/", {**TASK, "state": "ghost"}), 404)
    for wrong in (uuid.UUID(int=7), "7", "x"):
        refused(owner.ask("get", f"sync-tasks/{wrong}/"), 404, "not_found")
        refused(owner.ask("post", f"sync-tasks/{wrong}/cancel/"), 404, "not_found")
    for query in ("limit=0", "status=gone", "continue=x", "state=plan&state=b"):
        refused(owner.ask("get", f"sync-tasks/?{query}"), 400)


def test_pages_follow_each_other_newest_first_with_as_many_queries_whatever_there_is(
    owner: Client, plan: Any, django_assert_num_queries: Any
) -> None:
    made = [fine(owner.ask("post", "sync-tasks/", TASK), 202)["id"] for _ in range(5)]
    fine(owner.ask("post", f"sync-tasks/{made[0]}/cancel/"))
    found, url = [], f"{ROOT}sync-tasks/?limit=2"
    while url:
        with django_assert_num_queries(4):
            page = fine(owner.ask("get", url.removeprefix("http://testserver")))
        found += [each["id"] for each in page["results"]]
        url = page["next"]
    assert found == made[::-1]
    only = fine(owner.ask("get", "sync-tasks/?status=cancelled&state=plan"))["results"]
    assert [each["id"] for each in only] == [made[0]]
    assert fine(owner.ask("get", "sync-tasks/?state=other"))["results"] == []
