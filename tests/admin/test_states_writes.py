"""What people do to states in the admin goes through the StateManager, in their own name; refusals are shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from groups.models import Group, GroupAccess, Level
from state import conf
from state.models import Conflict, DeadLetter, State
from state.policy import system
from state.values import ConflictStatus, ConsistencyLevel, StateEvent
from tests.admin import states
from tests.admin.states import act, make_state, newest, park, read, said, send
from tests.factories import make_user

SETTINGS = {
    "name": "",
    "owners": "role:leader",
    "readers": "",
    "public": "on",
    "read_allow": "",
    "write_allow": "",
    "delete_allow": "",
    "admin_allow": "",
    "tags": "",
    "consistency": "weak",
    "resolution": "merge",
    "merge_fallback": "reject",
    "version": "2",
}


@pytest.fixture
def row(db: None) -> State:
    return make_state()


def changed(browser: Client, row: State, **given: Any) -> Any:
    owners = "\n".join(read().owners)
    return send(browser, "state", "change_settings", row, **{**SETTINGS, "owners": owners, **given})


# -- freezing, deleting ------------------------------------------------------------------------------------------------


def test_states_are_frozen_and_unfrozen_in_the_name_of_the_person(
    browser: Client, row: State
) -> None:
    assert "Frozen: 1." in act(browser, "state", "freeze", row.pk)
    assert read().frozen and newest().agent == "human:root"
    assert "Unfrozen: 1." in act(browser, "state", "unfreeze", row.pk)
    assert not read().frozen


def test_deleting_asks_first_and_leaves_a_tombstone(browser: Client, row: State) -> None:
    other = make_state("strict", consistency=ConsistencyLevel.STRONG)
    data = {"action": "tombstone", "_selected_action": [row.pk, other.pk]}
    asked = browser.post(reverse("admin:state_state_changelist"), data)
    text = asked.content.decode()
    assert "Delete these states?" in text and str(row.pk) in text and "strict" in text
    assert not State.objects.filter(deleted=True).exists()
    assert "Deleted: 2." in act(browser, "state", "tombstone", row.pk, other.pk)
    assert State.objects.filter(deleted=True).count() == 2
    assert newest().agent == "human:root"


def test_what_is_refused_is_told_by_name_and_the_others_are_done(
    browser: Client, row: State
) -> None:
    other = make_state("other")
    act(browser, "state", "freeze", row.pk)
    text = act(browser, "state", "tombstone", row.pk, other.pk)
    assert "Harbour/plan: This state is frozen" in text
    assert "Deleted: 1." in text
    assert not read().deleted


# -- settings ----------------------------------------------------------------------------------------------------------


def test_the_form_shows_the_settings_as_they_are(browser: Client, row: State) -> None:
    url = reverse("admin:state_state_change_settings", args=[row.pk])
    assert url in browser.get(reverse("admin:state_state_change", args=[row.pk])).content.decode()
    answer = browser.get(url)
    form = answer.context["form"]
    assert form["owners"].value() == "\n".join(read().owners)
    assert form["public"].value() is True
    assert form["consistency"].value() == "weak"
    assert 'name="version" value="2"' in answer.content.decode()


def test_settings_are_changed_by_the_manager_and_only_those_that_differ(
    browser: Client, row: State
) -> None:
    given = {
        "readers": "agent:wim\n\n human:ada ",
        "write_allow": "tag:crew",
        "public": "",
        "tags": "north\nsouth, east",
        "consistency": "strong",
        "resolution": "reject",
    }
    assert "settings were changed" in said(changed(browser, row, **given))
    state = read()
    assert state.readers == ("agent:wim", "human:ada")
    assert state.access_policy.write_allow == ("tag:crew",) and not state.access_policy.public
    assert state.tags == ("north", "south, east")
    assert (state.consistency, state.resolution, state.version) == ("strong", "reject", 3)
    entry = newest()
    assert (entry.agent, entry.kind) == ("human:root", "config")
    assert "owners" not in entry.config and "name" not in entry.config


def test_settings_that_are_the_same_make_no_version(browser: Client, row: State) -> None:
    assert "Nothing was changed" in said(changed(browser, row))
    assert read().version == 2


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"owners": ""}, "owners", "needs an owner"),
        ({"owners": "agent:a b"}, "owners", "not a principal"),
        ({"write_allow": "dog:x"}, "write_allow", "not a principal"),
        ({"tags": "x" * 65}, "tags", "64 characters"),
        ({"consistency": "loose"}, "consistency", "valid choice"),
        ({"name": "x" * 201}, "name", "200"),
        ({"version": ""}, "version", "required"),
    ],
)
def test_settings_that_are_refused_stand_at_their_fields(
    browser: Client, row: State, given: dict[str, str], field: str, words: str
) -> None:
    answer = changed(browser, row, **given)
    assert answer.status_code == 200
    assert any(words in error for error in answer.context["form"].errors[field])
    assert not said(answer)
    assert read().version == 2


def test_whoever_changed_the_state_meanwhile_is_not_overruled(browser: Client, row: State) -> None:
    conf.manager().configure(system("Harbour"), "plan", {"tags": ["theirs"]})
    answer = changed(browser, row, tags="mine")
    assert answer.context["form"].non_field_errors()
    assert read().tags == ("theirs",)


def test_a_state_that_is_gone_has_no_settings_form(browser: Client, row: State) -> None:
    conf.manager().delete_state(system("Harbour"), "plan")
    answer = changed_raw(browser, row)
    assert "There is no such state" in said(answer)


def changed_raw(browser: Client, row: State) -> Any:
    return send(browser, "state", "change_settings", row, **SETTINGS)


def test_forms_need_the_token_against_forgery(row: State, root: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(root)
    assert changed_raw(strict, row).status_code == 403
    assert read().version == 2


# -- conflicts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "data", "status"),
    [
        ("take_mine", {"a": 3, "b": 3, "c": 2, "d": 3}, ConflictStatus.RESOLVED),
        ("keep_theirs", {"a": 2, "b": 2, "c": 2, "d": 3}, ConflictStatus.RESOLVED),
        ("dismiss", {"a": 2, "b": 2, "c": 2}, ConflictStatus.REJECTED),
    ],
)
def test_conflicts_are_settled_from_the_list(
    browser: Client, db: None, action: str, data: dict[str, int], status: ConflictStatus
) -> None:
    found = park()
    row = Conflict.objects.get()
    assert "refused" not in act(browser, "conflict", action, row.pk)
    assert read().data == data
    after = conf.manager().conflict(system("Harbour"), found.conflict_id)
    assert (after.status, after.resolved_by) == (status, "human:root")
    assert "has been settled already" in act(browser, "conflict", action, row.pk)


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        ("mine", {"a": 3, "b": 3, "c": 2, "d": 3}),
        ("theirs", {"a": 2, "b": 2, "c": 2, "d": 3}),
        ("dismiss", {"a": 2, "b": 2, "c": 2}),
    ],
)
def test_conflicts_are_settled_with_both_sides_in_view(
    browser: Client, db: None, answer: str, data: dict[str, int]
) -> None:
    park()
    row = Conflict.objects.get()
    url = reverse("admin:state_conflict_settle", args=[row.pk])
    text = browser.get(url).content.decode()
    assert "both_changed" in text and 'name="head" value="3"' in text
    sent = send(browser, "conflict", "settle", row, head="3", answer=answer)
    assert "The conflict was settled." in said(sent)
    assert read().data == data


def test_a_decision_counts_for_the_version_it_was_made_for(browser: Client, db: None) -> None:
    park()
    row = Conflict.objects.get()
    conf.manager().update_state(system("Harbour"), "plan", {"c": 9})
    answer = send(browser, "conflict", "settle", row, head="3", answer="mine")
    assert answer.context["form"].non_field_errors()  # type: ignore[attr-defined]
    row.refresh_from_db()
    assert (row.status, read().data["a"]) == ("open", 2)
    again = send(browser, "conflict", "settle", row, head="4", answer="mine")
    assert "was settled" in said(again)
    assert read().data["c"] == 9


@pytest.mark.parametrize("given", [{}, {"answer": "mine"}, {"answer": "ours", "head": "3"}])
def test_a_decision_that_decides_nothing(browser: Client, db: None, given: dict[str, str]) -> None:
    park()
    row = Conflict.objects.get()
    answer = send(browser, "conflict", "settle", row, **given)
    assert answer.context["form"].errors  # type: ignore[attr-defined]
    row.refresh_from_db()
    assert row.status == "open"


def test_a_conflict_on_a_state_that_is_gone_can_be_dismissed(browser: Client, db: None) -> None:
    park()
    conf.manager().delete_state(system("Harbour"), "plan")
    row = Conflict.objects.get()
    url = reverse("admin:state_conflict_settle", args=[row.pk])
    assert "There is no such state here." in browser.get(url).content.decode()
    act(browser, "conflict", "dismiss", row.pk)
    row.refresh_from_db()
    assert row.status == "rejected"


# -- dead letters ------------------------------------------------------------------------------------------------------


def test_dead_letters_are_dropped(browser: Client, db: None) -> None:
    first, second = states.bury(1), states.bury(2)
    assert "Dropped: 1." in act(browser, "deadletter", "drop", first)
    assert [str(row.pk) for row in DeadLetter.objects.all()] == [second]


def test_dead_letters_are_delivered_again(browser: Client, db: None) -> None:
    letter = states.bury(1)
    assert "No durable handler" in act(browser, "deadletter", "redeliver", letter)
    heard: list[StateEvent] = []
    broken = True

    def handler(event: StateEvent) -> None:
        if broken:
            raise ValueError("still no")
        heard.append(event)

    bus = conf.manager().bus
    handle = bus.subscribe("*", handler, durable_name="mail")
    try:
        assert "ValueError: still no" in act(browser, "deadletter", "redeliver", letter)
        assert DeadLetter.objects.get().attempts == 7
        broken = False
        assert "Delivered: 1." in act(browser, "deadletter", "redeliver", letter)
    finally:
        bus.unsubscribe(handle)
    assert [event.metadata["secret"] for event in heard] == ["seagull"]
    assert not DeadLetter.objects.exists()


# -- who may -----------------------------------------------------------------------------------------------------------


def staff(client: Client, group: Group, level: Level, *permissions: str) -> None:
    hand = make_user(username="hand", is_staff=True)
    hand.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    GroupAccess.objects.create(group=group, user=hand, level=level)
    client.force_login(hand)


def test_looking_is_not_steering(client: Client, harbour: Group, row: State) -> None:
    park("other")
    conflict = Conflict.objects.get()
    staff(client, harbour, Level.OWNER, "view_state", "view_conflict")
    act(client, "state", "freeze", row.pk)
    act(client, "conflict", "dismiss", conflict.pk)
    assert changed_raw(client, row).status_code == 403
    assert send(client, "conflict", "settle", conflict, head="3", answer="mine").status_code == 403
    conflict.refresh_from_db()
    assert (read().version, conflict.status) == (2, "open")


def test_staff_steers_the_spaces_of_groups_it_owns(
    client: Client, harbour: Group, row: State
) -> None:
    foreign = make_state("plan", "Elsewhere")
    staff(client, harbour, Level.OWNER, "view_state", "change_state")
    assert "Frozen: 1." in act(client, "state", "freeze", row.pk, foreign.pk)
    assert newest().agent == "human:hand"
    assert not read("plan", "Elsewhere").frozen
    url = reverse("admin:state_state_change_settings", args=[foreign.pk])
    assert client.get(url).status_code == 404
