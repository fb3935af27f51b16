"""Every list and every object's page: shown, searched, with a number of queries that does not grow, to staff only."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group as PermissionGroup
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from knox.models import AuthToken

from groups.models import (
    Agent,
    Attachment,
    Budget,
    Delivery,
    Group,
    GroupAccess,
    Member,
    Message,
    Run,
    RunEvent,
    RunTemplate,
    Spending,
    Subtask,
)
from tests.admin.conftest import fill
from tests.factories import make_user

OURS = [
    Agent,
    Attachment,
    Delivery,
    Group,
    GroupAccess,
    Member,
    Message,
    Run,
    RunEvent,
    RunTemplate,
    Subtask,
    Budget,
    Spending,
]
ALL: list[Any] = [*OURS, User, PermissionGroup, AuthToken]
READ_ONLY = [Attachment, Delivery, RunEvent, Spending, Subtask]


def address(model: type[Model], what: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=args)


def queries(browser: Client, url: str) -> int:
    """How many queries the page takes, which must be shown; looked at before, for Django's own caches."""
    browser.get(url)
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert browser.get(url).status_code == 200
    return len(captured)


def test_every_model_is_there() -> None:
    assert set(ALL) <= set(admin.site._registry)


@pytest.mark.parametrize("model", ALL)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(
    browser: Client, filled: Group, model: Any
) -> None:
    few = queries(browser, address(model, "changelist"))
    fill(4, each=3)
    assert queries(browser, address(model, "changelist")) == few


@pytest.mark.parametrize("model", ALL)
@pytest.mark.parametrize("words", ["ahoy", "x'); --", "0192", "群"])
def test_every_list_can_be_searched(browser: Client, filled: Group, model: Any, words: str) -> None:
    assert browser.get(address(model, "changelist"), {"q": words}).status_code == 200


@pytest.mark.parametrize("model", [*OURS, User, AuthToken])
def test_every_object_has_a_page(browser: Client, filled: Group, model: Any) -> None:
    row = model._default_manager.order_by("-pk").first()
    assert browser.get(address(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", [Group, Message, Run])
def test_a_page_takes_as_many_queries_for_many_inner_rows_as_for_few(
    browser: Client, root: User, model: Any
) -> None:
    fill(each=1)
    small = model._default_manager.latest("pk").pk
    fill(each=5)
    large = model._default_manager.exclude(pk=small).first().pk
    few = queries(browser, address(model, "change", small))
    assert queries(browser, address(model, "change", large)) == few


@pytest.mark.parametrize("model", [m for m in ALL if m not in READ_ONLY])
def test_every_form_for_a_new_one_is_shown(browser: Client, filled: Group, model: Any) -> None:
    assert browser.get(address(model, "add")).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY)
def test_logs_and_what_the_engine_writes_are_read_only(
    browser: Client, filled: Group, model: Any
) -> None:
    row = model.objects.order_by("pk").first()
    before = list(model.objects.order_by("pk").values())
    assert browser.get(address(model, "add")).status_code == 403
    assert browser.post(address(model, "change", row.pk), {"text": "x"}).status_code == 403
    assert browser.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    browser.post(address(model, "changelist"), action)
    page = browser.get(address(model, "change", row.pk)).content.decode()
    assert 'name="_save"' not in page
    assert list(model.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("model", [Message, Run])
def test_what_was_said_or_started_is_neither_edited_nor_removed(
    browser: Client, filled: Group, model: Any
) -> None:
    row = model.objects.first()
    assert browser.post(address(model, "change", row.pk), {"text": "x"}).status_code == 403
    assert browser.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_a_run_leads_to_its_page(browser: Client, run: Run) -> None:
    page = browser.get(address(Run, "changelist")).content.decode()
    assert reverse("groups:run", args=[run.id]) in page


def test_an_event_leads_to_its_run(browser: Client, run: Run) -> None:
    page = browser.get(address(RunEvent, "changelist")).content.decode()
    assert reverse("groups:run", args=[run.id]) in page


@pytest.mark.parametrize("model", ALL)
def test_only_staff_comes_in(filled: Group, model: Any, client: Client) -> None:
    client.force_login(make_user(username="plain"))
    for url in (address(model, "changelist"), address(model, "add")):
        answer = client.get(url)
        assert answer.status_code == 302
        assert re.search("login", answer["Location"])


def test_staff_sees_only_the_groups_it_may_see(filled: Group, client: Client) -> None:
    hand = make_user(username="hand", is_staff=True)
    from django.contrib.auth.models import Permission

    hand.user_permissions.set(Permission.objects.filter(content_type__app_label="groups"))
    client.force_login(hand)
    scoped = [model for model in OURS if model is not Agent]
    for model in scoped:
        page = client.get(address(model, "changelist"))
        assert page.context["cl"].result_count == 0, model
        row = model._default_manager.first()
        assert row is not None
        assert client.get(address(model, "change", row.pk)).status_code == 302
    GroupAccess.objects.create(group=filled, user=hand, level=1)
    for model in scoped:
        assert client.get(address(model, "changelist")).context["cl"].result_count > 0, model
