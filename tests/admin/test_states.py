"""Shared states in the admin: lists and pages over the tables, what they hold decoded by the store."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from groups.models import Group, GroupAccess, Level
from state import conf
from state.manager import StateManager
from state.models import Audit, Conflict, DeadLetter, Entry, Op, Space, State
from state.policy import system
from tests.admin import states
from tests.admin.states import page
from tests.factories import make_user

ALL: list[Any] = [Audit, Conflict, DeadLetter, Entry, Op, Space, State]


def name_of(model: Any) -> str:
    return str(model._meta.model_name)


def listing(model: Any) -> str:
    return reverse(f"admin:state_{name_of(model)}_changelist")


@pytest.fixture
def filled(db: None) -> None:
    """One row of every kind, at least."""
    states.fill()


def test_every_model_that_people_look_at_is_there() -> None:
    assert set(ALL) <= set(admin.site._registry)


@pytest.mark.parametrize("model", ALL)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(
    browser: Client, filled: None, model: Any
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(listing(model)).status_code == 200
        return len(captured)

    browser.get(listing(model))
    few = queries()
    states.fill(4, first=1)
    assert browser.get(listing(model)).context["cl"].result_count > 4
    assert queries() == few


@pytest.mark.parametrize("model", ALL)
def test_every_list_can_be_searched(browser: Client, filled: None, model: Any) -> None:
    for words, count in (("pace-0" if model is Space else "", True), ("x'); --群", False)):
        found = browser.get(listing(model), {"q": words})
        assert (found.context["cl"].result_count > 0) is count


@pytest.mark.parametrize("model", ALL)
def test_rows_are_neither_added_nor_edited_nor_removed_by_form(
    browser: Client, filled: None, model: Any
) -> None:
    row = model.objects.first()
    before = list(model.objects.order_by("pk").values())
    kind = f"admin:state_{name_of(model)}"
    assert browser.get(reverse(f"{kind}_add")).status_code == 403
    change = reverse(f"{kind}_change", args=[row.pk])
    assert browser.post(change, {"version": 9, "revision": 9}).status_code == 403
    assert (
        browser.post(reverse(f"{kind}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    )
    states.act(browser, name_of(model), "delete_selected", row.pk)
    assert 'name="_save"' not in page(browser, name_of(model), row)
    assert list(model.objects.order_by("pk").values()) == before


def test_a_state_shows_its_document_its_settings_and_its_latest_entries(
    browser: Client, db: None
) -> None:
    row = states.make_state()
    text = page(browser, "state", row)
    assert "&quot;c&quot;: 2" in text
    assert "role:leader" in text
    assert "seagulls" in text
    assert f"state__id__exact={row.pk}" in text
    entries = browser.get(listing(Entry), {"state__id__exact": str(row.pk)})
    assert entries.context["cl"].result_count == 2


def test_what_others_wrote_is_shown_as_text(browser: Client, db: None) -> None:
    row = states.make_state()
    conf.manager().update_state(system("Harbour"), "plan", {"a": "<script>alert(1)</script>"})
    text = page(browser, "state", states.row_of("plan"))
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in page(browser, "state", row)


def test_a_tombstone_shows_its_entries(browser: Client, db: None) -> None:
    row = states.make_state()
    conf.manager().delete_state(system("Harbour"), "plan")
    text = page(browser, "state", row)
    assert "There is no such state here." in text
    assert "seagulls" in text


def test_an_entry_shows_what_it_did(browser: Client, db: None) -> None:
    states.make_state()
    text = page(browser, "entry", Entry.objects.get(version=2))
    assert "&quot;/c&quot;" in text and "seagulls" in text
    first = page(browser, "entry", Entry.objects.get(version=1))
    assert "seagulls" not in first


def test_an_entry_that_was_compacted_meanwhile_says_so(
    browser: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    states.make_state()
    monkeypatch.setattr(StateManager, "history", lambda *_, **__: [])
    assert "The state has no such version." in page(browser, "entry", Entry.objects.first())


def test_a_conflict_shows_all_sides(browser: Client, db: None) -> None:
    states.park()
    text = page(browser, "conflict", Conflict.objects.get())
    assert "both_changed" in text
    assert "&quot;d&quot;: 3" in text


def test_operations_show_request_and_outcome(browser: Client, filled: None) -> None:
    op = Op.objects.get(op_id="op-0")
    assert "slow" in page(browser, "op", op)
    conf.manager().tick()
    assert "applied" in page(browser, "op", op)


def test_the_audit_trail_and_dead_letters_show_their_events(browser: Client, filled: None) -> None:
    assert "conflict_detected" in page(browser, "audit", Audit.objects.get())
    assert "seagull" in page(browser, "deadletter", DeadLetter.objects.get())


@pytest.mark.parametrize(
    ("model", "column"),
    [
        (State, "data"),
        (State, "settings"),
        (Entry, "body"),
        (Conflict, "body"),
        (Op, "body"),
        (Audit, "body"),
        (DeadLetter, "body"),
    ],
)
def test_a_row_that_cannot_be_read_says_why_instead_of_failing(
    browser: Client, filled: None, model: Any, column: str
) -> None:
    row = model.objects.order_by("pk").first()
    for junk in (b"", b"zjunk", b"p[1]"):
        model.objects.filter(pk=row.pk).update(**{column: junk})
        assert 'role="alert"' in page(browser, name_of(model), row)
    assert browser.get(listing(model)).status_code == 200


def test_a_store_that_cannot_be_opened_says_why(
    browser: Client, filled: None, settings: Any
) -> None:
    conf.close_manager()
    settings.STARS_STATES = {**settings.STARS_STATES, "encryption": True}
    for model in ALL:
        row = model.objects.first()
        assert browser.get(listing(model)).status_code == 200
        text = page(browser, name_of(model), row)
        if model is not Space:
            assert "the keyring is empty" in text, model


@pytest.mark.parametrize("model", [State, Entry, Conflict, Op, Audit, Space])
def test_lists_say_when_states_are_kept_elsewhere(
    browser: Client, db: None, settings: Any, model: Any
) -> None:
    assert not states.said(browser.get(listing(model)))
    settings.STARS_STATES = {"type": "memory"}
    text = states.said(browser.get(listing(model)))
    assert "store &quot;memory&quot;" in text or 'store "memory"' in text
    assert 'href="/"' in text


def test_dead_letters_are_in_the_database_whatever_the_store(
    browser: Client, db: None, settings: Any
) -> None:
    settings.STARS_STATES = {"type": "memory"}
    assert not states.said(browser.get(listing(DeadLetter)))


@pytest.mark.parametrize("model", ALL)
def test_staff_sees_the_spaces_of_groups_it_owns(
    client: Client, harbour: Group, root: Any, model: Any
) -> None:
    states.fill()
    states.park("plan", "Harbour")
    conf.manager().update_state(system("Harbour"), "plan", {"x": 1}, op_id="one")
    states.bury(99)
    hand = make_user(username="hand", is_staff=True)
    hand.user_permissions.set(Permission.objects.filter(content_type__app_label="state"))
    client.force_login(hand)
    row = model.objects.filter(**{_space_of(model): "Harbour"}).first()
    page_of_it = reverse(f"admin:state_{name_of(model)}_change", args=[row.pk])
    access = GroupAccess.objects.create(group=harbour, user=hand, level=Level.OPERATOR)
    assert client.get(listing(model)).context["cl"].result_count == 0
    assert client.get(page_of_it).status_code == 302
    access.level = Level.OWNER
    access.save()
    shown = client.get(listing(model)).context["cl"].queryset
    assert {getattr(each, _space_of(model)) for each in shown} == {"Harbour"}
    assert client.get(page_of_it).status_code == 200


def _space_of(model: Any) -> str:
    return {Space: "id", DeadLetter: "space"}.get(model, "space_id")


@pytest.mark.parametrize("model", ALL)
def test_only_staff_comes_in(client: Client, db: None, model: Any) -> None:
    client.force_login(make_user(username="plain"))
    assert "login" in client.get(listing(model))["Location"]
