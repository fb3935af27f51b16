"""Starting runs, the run page, steering, results as safe HTML, attachments."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from groups.execution.statuses import RunStatus
from groups.models import Attachment, Group, Run
from tests.dashboard.conftest import Browser, finish
from tests.factories import make_group, make_run, make_user

PATH = "/groups/Harbour/runs/"
OPTIONS = {"mode": "leader_worker", "failure_policy": "stop", "time_limit": "2.5"}


def csv(name: str = "ships.csv", content: bytes = b"name,tons\nAda,12\n") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="text/csv")


def test_starting_one(harbour: Group, operator: Browser, guarded: Callable[..., None]) -> None:
    guarded("post", PATH)
    given = {
        "task": "Count\r\nthe ships",
        "approve_plan": "on",
        "attachments": [csv(), csv("b.csv")],
    }
    answer = operator.post(PATH, given | OPTIONS, htmx=True)
    [run] = Run.objects.all()
    assert answer["HX-Redirect"] == f"/runs/{run.id}/"
    assert (run.task, run.approve_plan, run.failure_policy) == ("Count\nthe ships", True, "stop")
    assert run.time_limit == 150.0
    assert sorted(a.name for a in run.attachments.all()) == ["b.csv", "ships.csv"]
    plain = operator.post(PATH, {"task": "Again", **OPTIONS})
    assert plain.status_code == 303


def test_a_viewer_may_not(harbour: Group, viewer: Browser) -> None:
    assert viewer.post(PATH, {"task": "Count", **OPTIONS}).status_code == 403
    assert viewer.get(PATH, htmx=True).status_code == 200
    # Without scripts a browser is left at this address when the task is refused.
    assert viewer.get(PATH)["Location"] == "/groups/Harbour/"
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("given", "status", "sentence"),
    [
        ({"task": " "}, 400, "Write what the group is to do"),
        ({"task": "x" * 100_001}, 413, "100,000 bytes"),
        ({"task": "a\x00b"}, 400, "field-error"),
        ({"task": "Count", "mode": "chaos"}, 400, "id_mode_error"),
        ({"task": "Count", "failure_policy": "cry"}, 400, "id_failure_policy_error"),
        ({"task": "Count", "time_limit": "-1"}, 400, "id_time_limit_error"),
        ({"task": "Count", "attachments": [csv("evil.exe", b"MZ\x00")]}, 400, "evil.exe"),
        ({"task": "Count", "attachments": [csv("a.csv", b"")]}, 400, "a.csv"),
    ],
)
def test_bad_input_stands_beside_the_field(
    given: dict[str, Any], status: int, sentence: str, harbour: Group, operator: Browser
) -> None:
    answer = operator.post(PATH, OPTIONS | given, htmx=True)
    page = answer.content.decode()
    assert answer.status_code == status
    assert sentence in page
    assert 'id="run-box"' in page
    assert not Run.objects.exists()
    assert not Attachment.objects.exists()


def test_lists_cost_the_same_for_any_number(
    harbour: Group, viewer: Browser, outsider: Browser, django_assert_max_num_queries: Any
) -> None:
    for n in range(60):
        make_run(group=harbour, task=f"Task {n}.")
    with django_assert_max_num_queries(5):
        viewer.get(PATH, htmx=True)
    with django_assert_max_num_queries(4):
        page = viewer.get("/runs/").content.decode()
    assert page.count('class="run-row"') == 50
    [older] = re.findall(r"\?before=([0-9a-f-]+)", page)
    assert viewer.get(f"/runs/?before={older}").content.decode().count('class="run-row"') == 10
    assert "Task" not in outsider.get("/runs/").content.decode()


def test_runs_of_all_groups_are_found(
    harbour: Group, ada: User, viewer: Browser, owner: Browser
) -> None:
    other = make_group(group_id="Quay", name="The old quay of Harbour", owner=ada)
    ships = make_run(group=harbour, task="Count the Ships")
    torn = make_run(group=other, task="Mend 100% of it", status=RunStatus.FAILED, mode="swarm")

    def found(query: str, browser: Browser = owner) -> set[str]:
        page = browser.get(f"/runs/{query}").content.decode()
        return {run.task for run in (ships, torn) if f'id="run-{run.id}"' in page}

    assert found("") == {ships.task, torn.task}
    assert (
        found("?q=sHIPS") == found("?status=under_way") == found("?group=Harbour") == {ships.task}
    )
    assert found("?q=100%25") == found("?status=failed") == found("?mode=swarm") == {torn.task}
    # An id means that group alone, other words every group with them in its name.
    assert found("?group=OLD") == found("?group=of+harb") == {torn.task}
    assert found("?group=OLD", viewer) == set()
    assert found("?q=ships&status=failed") == set()
    # Words, in any order, with whichever space (a Chinese keyboard's); control characters are no words.
    assert found("?q=ships%E3%80%80count") == found("?q=%00ships") == {ships.task}
    assert found("?group=harbour%E3%80%80old") == {torn.task}
    # Nonsense in an address is nothing said.
    assert found("?status=lost&mode=reply&q=%00") == {ships.task, torn.task}
    page = owner.get("/runs/?q=barges&status=failed").content.decode()
    assert "No run is like that." in page and 'value="barges"' in page
    assert '<option value="failed" selected>' in page
    assert '<option value="Quay">The old quay of Harbour</option>' in page
    part = owner.get("/runs/?q=ships&status=&group=&mode=", htmx=True)
    assert part["HX-Replace-Url"] == "/runs/?q=ships"
    assert "<html" not in part.content.decode()


def test_what_was_found_is_paged_and_costs_the_same_for_any_number(
    harbour: Group, ada: User, owner: Browser, django_assert_max_num_queries: Any
) -> None:
    Group.objects.bulk_create(Group(id=f"g{n}", name=f"Group {n}") for n in range(1000))
    Run.objects.bulk_create(
        Run(group_id=f"g{n}", task=f"Task {n}.", created_at=timezone.now()) for n in range(1000)
    )
    root = Browser(make_user(username="root", is_superuser=True))
    query = "?q=task&status=under_way&group=group&mode=leader_worker"
    root.get("/runs/")
    with django_assert_max_num_queries(5):
        page = root.get(f"/runs/{query}").content.decode()
    assert page.count('class="run-row"') == 50
    assert page.count("<option value=") < 220
    [older] = re.findall(r'href="\?([^"]+before=[0-9a-f-]+)"', page)
    assert "status=under_way" in older
    page = root.get(f"/runs/?{older.replace('&amp;', '&')}").content.decode()
    assert page.count('class="run-row"') == 50


def test_the_run_page(
    working: Run, operator: Browser, viewer: Browser, guarded: Callable[..., None]
) -> None:
    path = f"/runs/{working.id}/"
    guarded("get", path)
    page = operator.get(path).content.decode()
    assert "<h1>Count</h1>" in page
    [about] = re.findall(r'<script id="run-data" type="application/json">(.*?)</script>', page)
    told = json.loads(about)
    assert told["id"] == str(working.id)
    assert told["can_steer"] is True
    assert {"value": "steady", "label": "#steady"} in told["assignees"]
    assert '"can_steer": false' in viewer.get(path).content.decode()


def test_a_task_that_is_a_list_is_called_by_its_first_entry(working: Run, viewer: Browser) -> None:
    Run.objects.filter(pk=working.pk).update(task="- Count the barges:\n- Count the crew")
    assert "<h1>Count the barges</h1>" in viewer.get(f"/runs/{working.id}/").content.decode()
    row = viewer.get("/runs/").content.decode()
    assert '<span class="run-row-task">Count the barges</span>' in row


def test_the_run_page_costs_the_same_for_any_log(
    working: Run, viewer: Browser, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(8):
        viewer.get(f"/runs/{working.id}/")


def test_a_task_cannot_break_out_of_the_page(harbour: Group, viewer: Browser) -> None:
    run = make_run(group=harbour, task="</script><script>alert(1)</script>")
    page = viewer.get(f"/runs/{run.id}/").content.decode()
    assert "<script>alert" not in page


STEERING = ("pause", "resume", "cancel", "retry", "approve", "plan")


@pytest.mark.parametrize("what", STEERING)
def test_steering_is_for_operators(
    what: str,
    working: Run,
    viewer: Browser,
    outsider: Browser,
    nobody: Browser,
) -> None:
    path = f"/runs/{working.id}/{what}/"
    assert nobody.send(path).status_code == 401
    assert outsider.send(path).status_code == 404
    refused = viewer.send(path)
    assert refused.status_code == 403
    assert refused.json()["reason"] == "level_too_low"
    assert viewer.get(path)["Location"] == f"/runs/{working.id}/"


def test_pause_resume_cancel(working: Run, operator: Browser) -> None:
    path = f"/runs/{working.id}"
    for what, status in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert operator.send(f"{path}/{what}/").json()["status"] == status
        working.refresh_from_db()
        assert working.status == status
    again = operator.send(f"{path}/cancel/")
    assert (again.status_code, again.json()["reason"]) == (409, "run_finished")
    # Without scripts the answer is a page.
    assert "already ended" in operator.post(f"{path}/cancel/").content.decode()


def test_editing_and_approving_the_plan(proposed: Run, operator: Browser) -> None:
    plan = json.loads(json.dumps(proposed.plan))
    plan["subtasks"][0]["title"] = "Count the barges"
    path = f"/runs/{proposed.id}"
    assert operator.send(f"{path}/plan/", {"plan": plan}).json()["status"] == "awaiting_approval"
    plan["subtasks"][0]["depends_on"] = ["tell"]
    circle = operator.send(f"{path}/plan/", {"plan": plan})
    assert (circle.status_code, list(circle.json()["fields"])) == (400, ["subtasks"])
    plan["subtasks"][0] |= {"depends_on": ["ghost"], "assignee": "nobody"}
    faults = operator.send(f"{path}/approve/", {"plan": plan}).json()["fields"]
    assert set(faults) == {"subtasks[0].depends_on", "subtasks[0].assignee"}
    assert operator.send(f"{path}/approve/").json()["status"] == "running"
    assert proposed.subtasks.get(key="count").title == "Count the barges"


@pytest.mark.parametrize("body", ["", "[]", "{", '"x"', '{"plan": 3}', '{"plan": {"subtasks": 1}}'])
def test_a_body_that_is_no_plan(body: str, proposed: Run, operator: Browser) -> None:
    answer = operator.client.post(
        f"/runs/{proposed.id}/plan/",
        body,
        content_type="application/json",
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_answering(waiting: Run, operator: Browser, viewer: Browser) -> None:
    subtask = waiting.subtasks.get(key="count")
    path = f"/runs/{waiting.id}/subtasks/{subtask.id}/answer/"
    assert viewer.send(path, {"text": "yes"}).status_code == 403
    assert "text" in operator.send(path, {"text": " "}).json()["fields"]
    assert "text" in operator.send(path, {"text": 3}).json()["fields"]
    assert operator.send(path, {"text": "yes"}).status_code == 200
    subtask.refresh_from_db()
    assert (subtask.status, subtask.answers) == ("ready", ["yes"])
    assert operator.send(path, {"text": "no"}).json()["reason"] == "wrong_status"


NASTY = """# Report

| ship | tons |
|---|---:|
| Ada | 12 |

<script>alert(1)</script>
<img src=x onerror=alert(2)>
[click](javascript:alert(3)) [data](data:text/html,x) [web](https://example.org/)
[ours](/admin/logout/) [near](../x) [part](#top) [any](//evil.example/) [bare](evil) [ask](?q=1)
[mail](mailto:ada@example.org) [odd](/\\evil.example) [tab](\t/x)
![beacon](https://evil.example/pixel.png)
<a href="x" style="position:fixed">y</a>
"""


class Elements(HTMLParser):
    """The tags and attributes that a browser would find."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str | None]] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= set(attrs)


def test_results_are_safe_html(working: Run, viewer: Browser, guarded: Callable[..., None]) -> None:
    finish(working, count=NASTY, summary=NASTY)
    subtask = working.subtasks.get(key="count")
    for path in (f"/runs/{working.id}/result/", f"/runs/{working.id}/subtasks/{subtask.id}/"):
        guarded("get", path)
        html = viewer.get(path).content.decode()
        assert "<h1>Report</h1>" in html
        assert '<td align="right">12</td>' in html
        assert '<a href="https://example.org/" rel="noopener noreferrer nofollow">web</a>' in html
        seen = Elements(html)
        assert seen.tags.isdisjoint({"script", "img", "style", "iframe"})
        assert {name for name, _ in seen.attributes} <= {
            "href",
            "rel",
            "align",
            "class",
            "tabindex",
        }
        # A picture is a link at most: looking at a report tells nobody about it.
        links = {value for name, value in seen.attributes if name == "href"}
        assert links == {
            "https://example.org/",
            "https://evil.example/pixel.png",
            "mailto:ada@example.org",
        }
    by_key = viewer.get(f"/runs/{working.id}/subtasks/count/")
    assert by_key.status_code == 200
    assert viewer.get(f"/runs/{working.id}/subtasks/ghost/").status_code == 404


def test_attachments_come_as_downloads(
    harbour: Group, ada: User, viewer: Browser, operator: Browser, guarded: Callable[..., None]
) -> None:
    page = csv("a.txt", b"<script>alert(1)</script>")
    operator.post(PATH, {"task": "Read", "attachments": [page], **OPTIONS})
    [found] = Attachment.objects.all()
    path = f"/runs/{found.run_id}/attachments/{found.id}/"
    guarded("get", path)
    answer = viewer.get(path)
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"
    assert answer["Content-Disposition"] == 'attachment; filename="a.txt"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert viewer.get(f"/runs/{found.run_id}/attachments/x/").status_code == 404


def test_a_groups_runs_are_narrowed_searched_and_paged(harbour: Group, viewer: Browser) -> None:
    path = "/groups/Harbour/runs/"
    for n in range(30):
        make_run(group=harbour, task=f"Trip {n:02}", status=RunStatus.COMPLETED)
    make_run(group=harbour, task="Storm", status=RunStatus.FAILED)
    make_run(group=harbour, task="Trip now", status=RunStatus.PAUSED)

    def rows(query: str) -> int:
        return int(viewer.get(f"{path}{query}", htmx=True).content.decode().count("run-row-task"))

    assert (rows(""), rows("?shown=24"), rows("?shown=999")) == (12, 24, 32)
    assert (rows("?status=failed"), rows("?status=under_way"), rows("?q=storm")) == (1, 1, 1)
    assert rows("?q=trip&status=under_way") == 1
    assert (rows("?q=100%25"), rows("?status=chaos&shown=x"), rows("?q=%00")) == (0, 12, 12)
    assert rows("?q=now%E3%80%80trip") == rows("?q=trip%00+now") == 1
    page = viewer.get(f"{path}?shown=24&q=trip", htmx=True).content.decode()
    assert '"shown": 36' in page
    assert "No run is like that." in viewer.get(f"{path}?q=nothing", htmx=True).content.decode()
