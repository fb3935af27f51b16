"""Writing in the admin: it calls the services, and what they refuse is an error of the form, never a success."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken

from groups.models import Agent, Group, GroupAccess, Member, Message, Run, RunEvent, RunTemplate
from tests.factories import end_run, make_agent, make_group, make_run, make_user


def add(browser: Client, model: str, **data: Any) -> HttpResponse:
    return browser.post(reverse(f"admin:groups_{model}_add"), data)  # type: ignore[return-value]


def change(browser: Client, model: str, pk: Any, **data: Any) -> HttpResponse:
    return browser.post(reverse(f"admin:groups_{model}_change", args=[pk]), data)  # type: ignore[return-value]


def act(browser: Client, model: str, action: str, *pks: Any) -> str:
    """Carry out an action on the selected rows; the messages that the list then shows."""
    data = {"action": action, "_selected_action": pks, "post": "yes"}
    page = browser.post(reverse(f"admin:groups_{model}_changelist"), data, follow=True)
    assert page.status_code == 200
    return " ".join(str(message) for message in page.context["messages"])


def refused(answer: Any, field: str | None, words: str) -> None:
    """The form is shown again with that error at that field, and nothing was reported as done."""
    assert answer.status_code == 200
    errors = answer.context["adminform"].form.errors
    found = errors.get(field or "__all__", [])
    assert any(words in str(error) for error in found), errors
    assert not LogEntry.objects.exists()
    assert not list(answer.context["messages"])


def forget(browser: Client) -> None:
    """Read the messages of what succeeded so far, and clear the admin's own log."""
    browser.get(reverse("admin:index"))
    LogEntry.objects.all().delete()


INLINES = {
    f"{prefix}-{name}": "0"
    for prefix in ("members", "access")
    for name in ("TOTAL_FORMS", "INITIAL_FORMS")
}
AGENT = {
    "name": "Nia",
    "description": "",
    "kind": "builtin",
    "config": "{}",
    "max_concurrency": "2",
}


def test_registers_and_changes_an_agent(browser: Client, root: User) -> None:
    answer = add(browser, "agent", agent_id="nia", **AGENT)
    assert answer.status_code == 302
    agent = Agent.objects.get()
    assert (agent.agent_id, agent.max_concurrency, agent.created_by) == ("nia", 2, root)
    assert LogEntry.objects.get().object_id == str(agent.pk)
    change(browser, "agent", agent.pk, **{**AGENT, "name": "Nina", "config": '{"pace": 1}'})
    agent.refresh_from_db()
    assert (agent.name, agent.config) == ("Nina", {"pace": 1})


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"agent_id": "taken"}, "agent_id", "registered already"),
        ({"agent_id": "system"}, "agent_id", "speaks for the group"),
        ({"agent_id": "no spaces"}, "agent_id", "letters"),
        ({"agent_id": "a", "kind": "robot"}, "kind", "no such kind"),
        ({"agent_id": "a", "config": '{"pace": "slow"}'}, "config", "config.pace: Expected"),
        ({"agent_id": "a", "config": "[1]"}, "config", "JSON object"),
        ({"agent_id": "a", "config": '{"a": "\\u0000"}'}, "config", "NUL"),
    ],
)
def test_an_agent_that_is_refused(
    browser: Client, given: dict[str, str], field: str, words: str
) -> None:
    make_agent(agent_id="taken")
    answer = add(browser, "agent", **{**AGENT, **given})
    refused(answer, field, words)
    assert given["agent_id"] in answer.content.decode()
    assert Agent.objects.count() == 1


def test_makes_and_changes_a_group(browser: Client, root: User) -> None:
    assert add(browser, "group", id="dock", name="Dock", **INLINES).status_code == 302
    group = Group.objects.get()
    assert GroupAccess.objects.get(group=group).user == root
    answer = change(browser, "group", "dock", name="Quay", description="d", **INLINES)
    assert answer.status_code == 302
    assert Group.objects.get().name == "Quay"
    forget(browser)
    refused(add(browser, "group", id="dock", name="Again", **INLINES), "id", "exists already")


def test_a_busy_group_is_not_removed(browser: Client, harbour: Group) -> None:
    run = make_run(group=harbour)
    url = reverse("admin:groups_group_delete", args=[harbour.pk])
    assert browser.get(url).status_code == 200
    page = browser.post(url, {"post": "yes"}, follow=True)
    assert "under way" in " ".join(str(m) for m in page.context["messages"])
    assert not LogEntry.objects.exists()
    end_run(run)
    browser.post(url, {"post": "yes"})
    assert not Group.objects.exists()


def test_several_are_removed_together_or_not_at_all(browser: Client, harbour: Group) -> None:
    free = make_group(group_id="Free")
    run = make_run(group=harbour)
    said = act(browser, "group", "delete_selected", free.pk, harbour.pk)
    assert "Nothing was removed" in said
    assert "uccessfully" not in said
    assert Group.objects.count() == 2
    assert not LogEntry.objects.exists()
    end_run(run)
    assert "uccessfully" in act(browser, "group", "delete_selected", free.pk, harbour.pk)
    assert not Group.objects.exists()


def test_a_member_is_not_removed_from_the_register(browser: Client, harbour: Group) -> None:
    agent = Agent.objects.get(agent_id="lena")
    url = reverse("admin:groups_agent_delete", args=[agent.pk])
    page = browser.post(url, {"post": "yes"}, follow=True)
    assert "member of a group" in " ".join(str(m) for m in page.context["messages"])
    assert Agent.objects.filter(pk=agent.pk).exists()


def test_lets_agents_join_change_and_leave(browser: Client, harbour: Group) -> None:
    agent = make_agent(agent_id="new")
    data = {"group": harbour.pk, "agent": agent.pk, "role": "worker"}
    assert add(browser, "member", tags="rope, 绳索，rope", **data).status_code == 302
    member = Member.objects.get(agent=agent)
    assert member.tags == ["rope", "绳索"]
    page = browser.get(reverse("admin:groups_member_change", args=[member.pk]))
    assert 'value="rope, 绳索"' in page.content.decode()
    assert change(browser, "member", member.pk, role="worker", tags="").status_code == 302
    member.refresh_from_db()
    assert member.tags == []
    forget(browser)
    refused(add(browser, "member", tags="", **data), "agent", "member of this group already")
    refused(change(browser, "member", member.pk, role="leader", tags=""), "role", "has a leader")
    answer = change(browser, "member", member.pk, role="worker", tags="x" * 65)
    refused(answer, "tags", "at most 64")
    assert "x" * 65 in answer.content.decode()
    browser.post(reverse("admin:groups_member_delete", args=[member.pk]), {"post": "yes"})
    assert not Member.objects.filter(agent=agent).exists()


def test_a_busy_leader_stays(browser: Client, harbour: Group) -> None:
    make_run(group=harbour)
    leader = Member.objects.get(role="leader")
    refused(change(browser, "member", leader.pk, role="worker", tags=""), None, "under way")
    assert "Nothing was removed" in act(browser, "member", "delete_selected", leader.pk)
    assert Member.objects.filter(role="leader").exists()


def test_grants_and_revokes_access(browser: Client, harbour: Group, cy: User) -> None:
    data = {"group": harbour.pk, "user": cy.pk}
    assert add(browser, "groupaccess", level=1, **data).status_code == 302
    row = GroupAccess.objects.get(user=cy)
    assert change(browser, "groupaccess", row.pk, level=2).status_code == 302
    row.refresh_from_db()
    assert row.level == 2
    browser.post(reverse("admin:groups_groupaccess_delete", args=[row.pk]), {"post": "yes"})
    assert not GroupAccess.objects.filter(user=cy).exists()
    forget(browser)
    owner = GroupAccess.objects.get(group=harbour, level=3)
    refused(change(browser, "groupaccess", owner.pk, level=1), None, "last owner")


def test_sends_and_broadcasts(browser: Client, harbour: Group) -> None:
    data = {"group": harbour.pk, "text": "ahoy"}
    assert add(browser, "message", sender="lena", recipient="wim", **data).status_code == 302
    assert add(browser, "message", sender="system", recipient="", **data).status_code == 302
    sent, spoken = Message.objects.order_by("id")
    assert (sent.recipient, sent.deliveries.count()) == ("wim", 1)
    assert (spoken.sender, spoken.deliveries.count()) == ("system", 3)
    forget(browser)
    answer = add(browser, "message", sender="cora", recipient="wim", **data)
    refused(answer, "sender", "not a member")
    answer = add(browser, "message", sender="lena", recipient="cora", **data)
    refused(answer, "recipient", "not a member")


RUN = {
    "task": "Count the ships",
    "mode": "leader_worker",
    "failure_policy": "stop",
    "time_limit": "60",
    "subtask_time_limit": "30",
    "max_attempts": "2",
    "max_parallel": "4",
}


def test_starts_a_run(browser: Client, harbour: Group, root: User) -> None:
    assert add(browser, "run", group=harbour.pk, **RUN).status_code == 302
    run = Run.objects.get()
    assert (run.task, run.failure_policy, run.max_parallel) == ("Count the ships", "stop", 4)
    assert run.created_by == root
    assert RunEvent.objects.filter(run=run, seq=1, type="run.queued").exists()


def test_a_run_that_is_refused(browser: Client, harbour: Group) -> None:
    answer = add(browser, "run", group=harbour.pk, **{**RUN, "mode": "democracy"})
    assert answer.status_code == 200
    empty = make_group(group_id="Empty")
    refused(add(browser, "run", group=empty.pk, **RUN), None, "no leader")
    assert not Run.objects.exists()


def test_actions_steer_runs_and_tell_what_was_refused(browser: Client, harbour: Group) -> None:
    add(browser, "run", group=harbour.pk, **RUN)
    run = Run.objects.get()
    ended = make_run(group=harbour, status="completed")  # type: ignore[arg-type]
    said = act(browser, "run", "pause", run.pk, ended.pk)
    assert "Paused: 1." in said
    assert f"{ended.pk}: This run has already ended." in said
    run.refresh_from_db()
    assert run.status == "paused"
    assert "Resumed: 1." in act(browser, "run", "resume", run.pk)
    assert "does not await" in act(browser, "run", "approve", run.pk)
    assert "Retried" not in act(browser, "run", "retry", run.pk)
    assert "Cancelled: 1." in act(browser, "run", "cancel", run.pk)
    run.refresh_from_db()
    assert run.status == "cancelled"
    assert run.events.latest("seq").data["by"] == "root"


def test_staff_needs_the_permission_and_the_level(harbour: Group, client: Client) -> None:
    hand = make_user(username="hand", is_staff=True)
    client.force_login(hand)
    run = make_run(group=harbour)
    GroupAccess.objects.create(group=harbour, user=hand, level=1)
    hand.user_permissions.set(Permission.objects.filter(codename="view_run"))
    act(client, "run", "cancel", run.pk)
    hand.user_permissions.set(Permission.objects.filter(content_type__app_label="groups"))
    assert "does not allow" in act(client, "run", "cancel", run.pk)
    run.refresh_from_db()
    assert run.status == "running"
    refused(add(client, "message", group=harbour.pk, sender="system", text="x"), None, "not allow")
    other = make_group(group_id="Foreign")
    refused(add(client, "message", group=other.pk, sender="system", text="x"), None, "no group")
    assert not Message.objects.exists()


def test_a_token_is_shown_once(browser: Client, cy: User) -> None:
    data = {"user": cy.pk, "expiry_0": "2030-01-01", "expiry_1": "00:00:00"}
    page = browser.post(reverse("admin:knox_authtoken_add"), data, follow=True)
    (said,) = [str(m) for m in page.context["messages"] if "token now" in str(m)]
    token = said.rsplit(" ", 1)[1]
    row = AuthToken.objects.get(user=cy)
    assert token.startswith(row.token_key)
    page = browser.get(reverse("admin:knox_authtoken_changelist"))
    assert token not in page.content.decode()


def test_a_user_is_made_and_its_password_is_hashed(browser: Client) -> None:
    data = {"username": "dora", "password1": "Xk29-lmnop", "password2": "Xk29-lmnop"}
    assert (
        browser.post(reverse("admin:auth_user_add"), data | {"usable_password": "true"}).status_code
        == 302
    )
    assert User.objects.get(username="dora").check_password("Xk29-lmnop")


TEMPLATE = {"name": "Tide", "task": "Measure", "mode": "leader_worker", "failure_policy": "stop"}


def test_keeps_changes_and_removes_a_template(browser: Client, root: User, harbour: Group) -> None:
    assert add(browser, "runtemplate", group="Harbour", **TEMPLATE).status_code == 302
    kept = RunTemplate.objects.get()
    assert (kept.task, kept.options, kept.created_by) == ("Measure", {}, root)
    given = {**TEMPLATE, "task": "Weigh", "max_tokens": "9"}
    assert change(browser, "runtemplate", kept.pk, **given).status_code == 302
    kept.refresh_from_db()
    assert (kept.task, kept.max_tokens) == ("Weigh", 9)
    forget(browser)
    refused(add(browser, "runtemplate", group="Harbour", **TEMPLATE), "name", "already")
    given = {**TEMPLATE, "mode": "chaos"}
    refused(change(browser, "runtemplate", kept.pk, **given), "mode", "Unknown mode")
    act(browser, "runtemplate", "delete_selected", kept.pk)
    assert not RunTemplate.objects.exists()
