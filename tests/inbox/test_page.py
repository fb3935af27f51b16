"""The inbox as page, fragment and API."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from groups import inbox, queue
from groups.agents.base import Waiting
from groups.execution.statuses import WaitsFor
from groups.models import Group, Run, Subtask
from groups.services import runs
from groups.services.ledger import opened
from tests.factories import make_token
from tests.inbox.conftest import PLAN, change, start, user
from tests.stages import claim, propose

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _no_bells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_send", lambda *args, **kwargs: None)


@pytest.fixture
def site(crew: Group) -> None:
    """The cast exists."""


def browser(name: str) -> Client:
    client = Client()
    client.force_login(user(name), backend="django.contrib.auth.backends.ModelBackend")
    return client


def api(person: User) -> Client:
    return Client(headers={"Authorization": f"Token {make_token(user=person)}"})


def asked(group: Group, waiting: Waiting, agent_id: str = "wim") -> Subtask:
    """A subtask of that agent, which waits."""
    from groups.execution.plan import Plan, PlanItem

    run = start(group, "Count the ships")
    propose(run, Plan(subtasks=(PlanItem(key="a", title="Count", assignee=agent_id),)))
    [item] = claim(run)
    with opened(run.id) as machine:
        machine.wait(item.id, item.lease_token, waiting)
    return Subtask.objects.get(pk=item.pk)


def inbox_of(name: str) -> list[dict[str, Any]]:
    answer = api(user(name)).get("/api/v1/inbox/")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def test_what_waits_is_listed_for_whoever_may_answer(site: None, crew: Group) -> None:
    item = asked(crew, Waiting(question="Barges too?", patience=3600.0))
    [listed] = inbox_of("bo")
    assert (listed["kind"], listed["question"]) == ("question", "Barges too?")
    assert (listed["group"], listed["subtask"]) == ("Crew", str(item.id))
    assert listed["due_at"] is not None
    assert listed["answer"].endswith(f"/api/v1/runs/{item.run_id}/subtasks/{item.id}/answer/")
    assert [each["subtask"] for each in inbox_of("ada")] == [str(item.id)]
    assert inbox_of("vi") == []
    page = browser("bo").get("/inbox/").content.decode()
    assert "Barges too?" in page and f"/runs/{item.run_id}/" in page
    assert "Nothing waits for you." in browser("vi").get("/inbox/").content.decode()


def test_nobody_has_to_sign_in(site: None) -> None:
    assert Client().get("/inbox/").status_code == 302
    assert Client().get("/api/v1/inbox/").status_code == 401


def test_work_of_a_named_colleague_is_in_his_inbox_only(site: None, crew: Group) -> None:
    item = asked(crew, Waiting(question="Count them."), "bob")
    assert [each["kind"] for each in inbox_of("bo")] == ["work"]
    assert inbox_of("ada") == []
    change("bob", user="ada")
    assert inbox_of("bo") == []
    refused = api(user("bo")).post(
        f"/api/v1/runs/{item.run_id}/subtasks/{item.id}/answer/",
        {"text": "7"},
        content_type="application/json",
    )
    assert refused.status_code == 403
    assert "Only ada" in refused.json()["detail"]


def test_many_that_wait_for_others_or_without_a_date_hide_nothing(
    site: None, crew: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MOST", 2)
    run, now = start(crew, "Count the ships"), timezone.now()
    given = {"run": run, "kind": "work", "status": "waiting", "started_at": now}
    # First those that are bo's and have a date, then those that are anybody's and have none.
    rows = [("bob", now + timedelta(hours=n)) for n in range(5)] + [("wim", None)] * 5
    many = Subtask.objects.bulk_create(
        Subtask(**given, key=f"{n}", title="A", assignee=who, agent_id=who, due_at=due)
        for n, (who, due) in enumerate(rows)
    )
    last = Subtask.objects.create(
        **given, key="z", title="Z", assignee="wim", agent_id="wim", due_at=now + timedelta(days=9)
    )
    assert [item.subtask for item in inbox.items_for(user("ada"))] == [last, many[5]]
    assert [item.subtask for item in inbox.items_for(user("bo"))] == many[:2]
    assert inbox.item_of(user("ada"), many[9]) is not None
    assert inbox.item_of(user("ada"), many[0]) is None


def test_what_waits_for_a_program_is_in_no_inbox(site: None, crew: Group) -> None:
    asked(crew, Waiting(question="callback", waits_for=WaitsFor.REMOTE))
    assert inbox_of("ada") == []


def test_an_answer_that_is_none_of_the_options_is_refused(site: None, crew: Group) -> None:
    approval = Waiting(question="Send it?", waits_for=WaitsFor.APPROVAL, options=("yes", "no"))
    item = asked(crew, approval)
    [listed] = inbox_of("bo")
    assert (listed["kind"], listed["options"]) == ("approval", ["yes", "no"])
    client, address = api(user("bo")), f"/api/v1/runs/{item.run_id}/subtasks/{item.id}/answer/"
    refused = client.post(address, {"text": "maybe"}, content_type="application/json")
    assert refused.status_code == 400
    assert refused.json()["reason"] == "not_an_option"
    page = browser("bo").get("/inbox/").content.decode()
    assert re.search(r'<button[^>]+name="text" value="yes">yes</button>', page)
    taken = client.post(address, {"text": "yes"}, content_type="application/json")
    assert taken.status_code == 200
    assert inbox_of("bo") == []


def test_a_call_of_a_tool_is_approved_in_the_language_of_the_page(site: None, crew: Group) -> None:
    options = ("approve", "deny")
    asked(crew, Waiting(question="?", waits_for=WaitsFor.APPROVAL, options=options))
    client = browser("bo")
    for language, words in (("en", ("Approve", "Deny")), ("zh-CN", ("批准", "拒绝"))):
        page = client.get("/inbox/", headers={"Accept-Language": language}).content.decode()
        for option, word in zip(options, words, strict=True):
            assert re.search(rf'<button[^>]+value="{option}">{word}</button>', page)


def test_answering_on_the_page(site: None, crew: Group) -> None:
    item = asked(crew, Waiting(question="Barges too?"))
    client, address = browser("bo"), f"/inbox/{item.run_id}/{item.id}/"
    refused = client.post(address, {"text": "  "}, headers=HTMX)
    assert refused.status_code == 400
    assert "This may not be empty." in refused.content.decode()
    # What is wrong stays when the list is brought up to date.
    assert "data-refused" in refused.content.decode()
    assert "data-refused" not in client.get("/fragments/inbox/").content.decode()
    answered = client.post(address, {"text": "Yes,\r\nall"}, headers=HTMX)
    assert answered.status_code == 200
    assert "Nothing waits for you." in answered.content.decode()
    item.refresh_from_db()
    assert (item.answers, item.status) == (["Yes,\nall"], "ready")
    assert client.post(address, {"text": "again"}, headers=HTMX).status_code == 409
    assert browser("vi").post(address, {"text": "x"}).status_code == 403


def test_without_scripts_the_page_works_too(site: None, crew: Group) -> None:
    item = asked(crew, Waiting(question="Barges too?"))
    answer = browser("bo").post(f"/inbox/{item.run_id}/{item.id}/", {"text": "Yes"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox/")


def test_a_plan_in_words_is_checked_beside_its_field(site: None, crew: Group) -> None:
    from tests.inbox.conftest import lead

    lead(crew, "bob")
    run = start(crew, "Count the ships")
    [item] = claim(run)
    with opened(run.id) as machine:
        machine.wait(item.id, item.lease_token, Waiting(question="Plan this."))
    address = f"/inbox/{run.id}/{item.pk}/"
    refused = browser("bo").post(address, {"text": "- @nobody: count"}, headers=HTMX)
    assert refused.status_code == 400
    assert "neither a member of this group" in refused.content.decode()
    assert "@nobody: count" in refused.content.decode()
    assert browser("bo").post(address, {"text": "- @wim: count"}, headers=HTMX).status_code == 200


def test_plans_wait_for_approval(site: None, crew: Group) -> None:
    run = propose(start(crew, "Ask me first", approve_plan=True), PLAN)
    [listed] = inbox_of("bo")
    assert (listed["kind"], listed["subtask"]) == ("approve_plan", None)
    client = browser("bo")
    assert client.get("/inbox/count/").content.decode().count("1") == 1
    done = client.post(f"/inbox/{run.id}/approve/", headers=HTMX)
    assert done.status_code == 200
    assert Run.objects.get(id=run.id).status == "running"
    assert inbox_of("bo") == []


def test_an_owner_may_answer_for_a_colleague_who_is_away(site: None, crew: Group) -> None:
    item = asked(crew, Waiting(question="Count them."), "bob")
    runs.answer(actor=user("ada"), run=item.run, subtask=item, text="Nine.")
    item.refresh_from_db()
    assert item.answers == ["Nine."]


def test_credentials_on_the_api_and_the_page(site: None, crew: Group) -> None:
    from tests.factories import make_agent

    make_agent(agent_id="dora", kind="connected", created_by=user("ada"))
    client, address = api(user("ada")), "/api/v1/agents/dora/credentials/"
    made = client.post(address, {}, content_type="application/json")
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    text = made.json()["credential"]
    [listed] = client.get(address).json()["results"]
    assert text not in str(listed) and text.startswith(listed["prefix"])
    assert client.delete(f"{address}{listed['id']}/").status_code == 204
    assert client.delete(f"{address}nothing/").status_code == 404
    assert client.get(address).json()["results"][0]["revoked_at"] is not None
    assert api(user("bo")).get(address).status_code == 403
    page = browser("ada").post("/agents/dora/credentials/", headers=HTMX)
    shown = re.search(r"<code>(stars-[\w-]{40,})</code>", page.content.decode())
    assert shown
    again = browser("ada").get("/agents/dora/credentials/").content.decode()
    assert shown[1] not in again and "ws://testserver/ws/v1/agents/dora/" in again
    assert "/agents/dora/credentials/" in browser("ada").get("/agents/dora/").content.decode()
    assert browser("bo").post("/agents/dora/credentials/").status_code == 403


def test_the_admin_lists_and_revokes_credentials(site: None, crew: Group) -> None:
    from groups.models import AgentCredential
    from groups.services import credentials
    from tests.factories import make_agent, make_user

    row, text = credentials.make(actor=None, agent=make_agent(agent_id="dora", kind="connected"))
    make_user(username="root", is_staff=True, is_superuser=True)
    client, address = browser("root"), "/admin/groups/agentcredential/"
    page = client.get(address).content.decode()
    assert row.prefix in page and text not in page
    assert row.digest not in client.get(f"{address}{row.pk}/change/").content.decode()
    client.post(address, {"action": "revoke", "_selected_action": [str(row.pk)]})
    assert AgentCredential.objects.get(pk=row.pk).revoked_at is not None
    assert client.get("/admin/groups/dialin/").status_code == 200
