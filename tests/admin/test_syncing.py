"""Connections, sync tasks and the configuration in the admin."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from groups.models import Group, Level
from state import conf, queue
from state.admin import configuration
from state.models import Connection, SyncTarget, SyncTask
from state.policy import system
from state.sync import secrets
from state.values import SyncTaskType
from tests.admin import states
from tests.admin.states import SPACE, WIM, act, page
from tests.admin.test_states_writes import staff


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "ring", lambda: None)


def hook(space: str = SPACE, name: str = "crm") -> Connection:
    """A webhook of wim's."""
    made = conf.sync_manager().connect_agent(
        type(WIM)(space=space, name=WIM.name),
        name=name,
        address="https://example.com/hook",
        states=["plan", "ghost"],
    )
    return Connection.objects.get(pk=made.connection.id)


def task(space: str = SPACE, kind: SyncTaskType = SyncTaskType.MULTICAST) -> SyncTask:
    """A task for wim and wes, or for all."""
    agents = () if kind is SyncTaskType.BROADCAST else ("wim", "wes")
    made = conf.sync_manager().create_sync_task(
        system(space), kind, "plan", agents, priority=7, metadata={"why": "seagulls"}
    )
    return SyncTask.objects.get(pk=made.id)


@pytest.fixture
def plan(db: None) -> None:
    states.make_state()


def test_a_connection_is_shown_with_its_states_and_never_with_its_secret(
    browser: Client, plan: None
) -> None:
    row = hook()
    assert row.secret is not None
    secret = secrets.reveal(bytes(row.secret), row.pk)
    text = page(browser, "connection", row)
    listed = browser.get(reverse("admin:state_connection_changelist")).content.decode()
    assert "agent:wim" in text and "https://example.com/hook" in text
    assert "ghost" in text  # as it named them
    assert re.search(r"<td[^>]*>plan</td><td[^>]*>pending</td>", text)
    for shown in (text, listed):
        assert secret not in shown
        assert secret.removeprefix("whsec_") not in shown
        assert bytes(row.secret).hex() not in shown
        assert "whsec_" not in shown


def test_connections_are_ended_by_the_manager(browser: Client, plan: None) -> None:
    row, other = hook(), hook(name="other")
    assert "1" in act(browser, "connection", "disconnect", row.pk)
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.status, row.subscriptions, row.ended_at is None) == ("disconnected", [], False)
    assert other.status == "connecting"


def test_tasks_are_cancelled_by_the_manager(browser: Client, plan: None) -> None:
    row, other = task(), task()
    SyncTarget.objects.filter(task=row, agent="agent:wim").update(status="completed")
    act(browser, "synctask", "cancel", row.pk)
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.status, other.status) == ("cancelled", "pending")
    targets = row.targets.order_by("agent").values_list("status", flat=True)
    assert list(targets) == ["cancelled", "completed"]
    text = page(browser, "synctask", row)
    assert "agent:wes" in text and "seagulls" in text


@pytest.mark.parametrize("kind", [SyncTaskType.MULTICAST, SyncTaskType.FULL_SYNC])
def test_what_failed_is_tried_again_as_a_new_task(
    browser: Client, plan: None, kind: SyncTaskType
) -> None:
    row = task(kind=kind)
    SyncTarget.objects.filter(task=row, agent="agent:wes").update(status="failed")
    SyncTask.objects.update(status="failed", completed_at=datetime.now(UTC))
    act(browser, "synctask", "retry", row.pk)
    again = SyncTask.objects.exclude(pk=row.pk).get()
    assert (again.type, again.key, again.priority, again.status) == (kind, "plan", 7, "pending")
    assert [each.agent for each in again.targets.all()] == ["agent:wes"]
    assert again.metadata == {"why": "seagulls", "retry_of": str(row.pk)}
    assert again.created_by == "human:root"


def test_a_failed_broadcast_is_tried_again_for_those_who_missed_it(
    browser: Client, plan: None
) -> None:
    row = task(kind=SyncTaskType.BROADCAST)
    SyncTarget.objects.create(task=row, agent="agent:wes", status="failed")
    act(browser, "synctask", "retry", row.pk)
    again = SyncTask.objects.exclude(pk=row.pk).get()
    assert again.type == "multicast"
    assert [each.agent for each in again.targets.all()] == ["agent:wes"]


def test_nothing_is_tried_again_where_nothing_failed(browser: Client, plan: None) -> None:
    row = task()
    told = act(browser, "synctask", "retry", row.pk)
    assert "has failed" in told
    assert SyncTask.objects.count() == 1


def test_staff_sees_and_steers_the_spaces_of_groups_it_owns(
    client: Client, harbour: Group, plan: None
) -> None:
    rights = [f"{do}_{what}" for do in ("view", "change") for what in ("connection", "synctask")]
    mine, row = hook(), task()
    foreign = Connection.objects.create(
        **{
            each.name: getattr(mine, each.attname if each.is_relation else each.name)
            for each in Connection._meta.concrete_fields
            if each.name not in ("id", "space", "user")
        },
        id="s_foreign",
        space="elsewhere",
    )
    staff(client, harbour, Level.OWNER, *rights)
    listed = client.get(reverse("admin:state_connection_changelist"))
    assert [each.pk for each in listed.context["cl"].result_list] == [mine.pk]
    act(client, "connection", "disconnect", mine.pk, foreign.pk)
    act(client, "synctask", "cancel", row.pk)
    for each in (mine, foreign, row):
        each.refresh_from_db()
    assert (mine.status, foreign.status, row.status) == ("disconnected", "connecting", "cancelled")
    assert client.get(reverse("admin:state_configuration")).status_code == 403


def test_looking_is_not_steering(client: Client, harbour: Group, plan: None) -> None:
    mine, row = hook(), task()
    staff(client, harbour, Level.OWNER, "view_connection", "view_synctask")
    act(client, "connection", "disconnect", mine.pk)
    act(client, "synctask", "cancel", row.pk)
    mine.refresh_from_db()
    row.refresh_from_db()
    assert (mine.status, row.status) == ("connecting", "pending")
    for name in ("add", "delete"):
        args = [] if name == "add" else [mine.pk]
        assert client.get(reverse(f"admin:state_connection_{name}", args=args)).status_code == 403


@pytest.mark.parametrize("model", ["connection", "synctask"])
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(
    browser: Client, plan: None, model: str
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(reverse(f"admin:state_{model}_changelist")).status_code == 200
        return len(captured)

    make: Any = {"connection": hook, "synctask": task}[model]
    make()
    queries()
    few = queries()
    for _ in range(4):
        make()
    assert queries() == few


def shown(browser: Client) -> dict[str, dict[str, tuple[str, str]]]:
    """What the page says: by setting and field, the value and where it comes from."""
    answer = browser.get(reverse("admin:state_configuration"))
    assert answer.status_code == 200
    return {
        part.setting: {value.name: (value.shown, value.origin) for value in part.values}
        for part in answer.context["parts"]
    }


def test_the_configuration_is_shown_with_where_it_comes_from(
    browser: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STARS_SYNC_TIMEOUT", "12")
    settings.STARS_STATE_SYNC = {"timeout": 12.0, "batch_size": 17, "max_retries": 3}
    settings.STARS_STATES = {
        **settings.STARS_STATES,
        "connection_string": "redis://ada:sesame@db.example:6379/0",
    }
    found = shown(browser)
    sync = found["STARS_STATE_SYNC"]
    assert sync["timeout"] == ("12 s", "STARS_SYNC_TIMEOUT")
    assert sync["batch_size"] == ("17", "STARS_STATE_SYNC")
    assert sync["max_retries"] == ("3", "default")
    place, origin = found["STARS_STATES"]["connection_string"]
    assert (place, origin) == ("redis://…@db.example:6379/0", "STARS_STATES")
    assert found["STARS_STATE_MANAGER"]["conflict_resolution"] == ("merge", "default")
    text = browser.get(reverse("admin:state_configuration")).content.decode()
    assert "sesame" not in text
    assert "batch_size" in text


def test_a_setting_that_is_not_valid_is_told_in_its_place(browser: Client, settings: Any) -> None:
    settings.STARS_STATE_SYNC = {"batch_size": 0}
    text = browser.get(reverse("admin:state_configuration")).content.decode()
    assert "batch_size" in text and 'role="alert"' in text
    assert "retry_delay" in text  # of the others


def test_every_variable_that_the_page_names_is_read_by_the_settings() -> None:
    source = (Path(__file__).parents[2] / "stars_site" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', source))
    named = {name for each in configuration.VARIABLES.values() for name in each.values()}
    assert named <= read
    assert {each for each in read if each.startswith("STARS_SYNC_")} <= named
