"""A person's own settings: profile, password, language, time zone, access; the pages and REST."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from groups import people
from groups.models import Group, Preferences
from groups.services import profile, tokens
from tests.dashboard.conftest import JSON, Browser
from tests.factories import make_group, make_run, make_user


@pytest.fixture(autouse=True)
def _no_guesses() -> Iterator[None]:
    """Wrong passwords of other tests do not count here, nor these there."""
    cache.clear()
    yield
    cache.clear()


PAGES = ("/settings/", "/settings/password/", "/settings/display/", "/settings/access/", "/tokens/")


def patch(client: Client, **fields: Any) -> Any:
    body = json.dumps(fields)
    return client.patch("/api/v1/me/", body, content_type="application/json", headers=JSON)


def put_password(client: Client, old: str, new: str) -> Any:
    body = {"old": old, "new": new}
    path = "/api/v1/me/password/"
    return client.post(path, body, content_type="application/json", headers=JSON)


@pytest.mark.parametrize("path", PAGES)
def test_all_parts_have_the_same_navigation(path: str, viewer: Browser, nobody: Browser) -> None:
    assert nobody.get(path).status_code == 302
    page = viewer.get(path).content.decode()
    assert f'<a href="{path}" aria-current="page"' in page
    for other in PAGES:
        assert f'href="{other}"' in page


def test_name_and_address(vi: User, viewer: Browser) -> None:
    answer = viewer.post("/settings/", {"name": "Vi <b>", "email": "vi@example.org"})
    assert answer["Location"] == "/settings/"
    vi.refresh_from_db()
    assert (vi.first_name, vi.email) == ("Vi <b>", "vi@example.org")
    page = viewer.get("/settings/").content.decode()
    assert 'value="Vi &lt;b&gt;"' in page
    refused = viewer.post("/settings/", {"name": "Kept", "email": "no address"})
    assert refused.status_code == 400
    text = refused.content.decode()
    assert 'id="id_email_error"' in text
    assert 'value="Kept"' in text


def test_the_password_is_changed_by_the_one_that_is_known(vi: User, viewer: Browser) -> None:
    new = "harbour-lantern-7"
    given = {"old_password": "secret-vi", "new_password1": new, "new_password2": new}
    for wrong, beside in (
        ({"old_password": "guess"}, "old_password"),
        ({"new_password2": "other"}, "new_password2"),
        ({"new_password1": "12", "new_password2": "12"}, "new_password2"),
    ):
        answer = viewer.post("/settings/password/", given | wrong)
        assert answer.status_code == 400
        assert f'id="id_{beside}_error"' in answer.content.decode()
    assert viewer.post("/settings/password/", given)["Location"] == "/settings/password/"
    vi.refresh_from_db()
    assert vi.check_password(new)
    assert viewer.get("/settings/password/").status_code == 200, "whoever changed it stays"


def test_passwords_cannot_be_guessed(viewer: Browser) -> None:
    bad = {"old_password": "guess", "new_password1": "x", "new_password2": "x"}
    codes = [viewer.post("/settings/password/", bad).status_code for _ in range(12)]
    assert (codes[0], codes[-1]) == (400, 429)
    assert put_password(viewer.client, "secret-vi", "harbour-lantern-7").status_code == 429


def test_language_and_time_zone_come_with_the_person(
    vi: User, viewer: Browser, harbour: Group
) -> None:
    given = {"language": "zh-hans", "time_zone": "Asia/Shanghai"}
    answer = viewer.post("/settings/display/", given)
    assert answer.cookies["django_language"].value == "zh-hans"
    elsewhere = Client()
    signed_in = elsewhere.post("/login/", {"username": "vi", "password": "secret-vi"})
    assert signed_in.cookies["django_language"].value == "zh-hans"
    make_run(group=harbour, task="Late")
    page = elsewhere.get("/settings/display/").content.decode()
    assert 'lang="zh-hans"' in page
    assert '<option value="Asia/Shanghai" selected>' in page
    for field, value in (("language", "xx"), ("time_zone", "Moon/Base")):
        refused = viewer.post("/settings/display/", given | {field: value})
        assert refused.status_code == 400
        assert f'id="id_{field}_error"' in refused.content.decode()


def test_the_language_of_the_menu_is_remembered(vi: User, viewer: Browser) -> None:
    viewer.client.post(reverse("set_language"), {"language": "zh-hans"})
    assert profile.of(vi).language == "zh-hans"
    Client().post(reverse("set_language"), {"language": "zh-hans"})
    assert Preferences.objects.count() == 1


def test_times_are_written_in_the_zone_of_the_person(
    viewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    original = people.groups_of

    def note(user: User) -> Any:
        seen.append(timezone.get_current_timezone_name())
        return original(user)

    monkeypatch.setattr(people, "groups_of", note)
    viewer.get("/settings/access/")
    viewer.post("/settings/display/", {"language": "", "time_zone": "Asia/Shanghai"})
    viewer.get("/settings/access/")
    viewer.post("/settings/display/", {"language": "", "time_zone": ""})
    viewer.get("/settings/access/")
    assert seen == ["UTC", "Asia/Shanghai", "UTC"]


def test_a_time_zone_that_the_machine_does_not_know_any_more_stops_no_page(viewer: Browser) -> None:
    session = viewer.client.session
    session["time_zone"] = "Moon/Base"
    session.save()
    assert viewer.get("/settings/access/").status_code == 200


def test_no_request_reads_all_time_zones_of_the_machine(
    viewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def walk(*_args: object, **_options: object) -> None:
        raise AssertionError("which takes 12 ms")

    viewer.post("/settings/display/", {"language": "", "time_zone": "Asia/Shanghai"})
    monkeypatch.setattr(os, "walk", walk)
    assert viewer.get("/settings/access/").status_code == 200


def test_access_says_what_one_may_and_why(
    harbour: Group, ada: User, operator: Browser, owner: Browser, outsider: Browser
) -> None:
    Group.objects.filter(pk="Harbour").update(created_by=ada)
    make_group(group_id="Secret", name="Secret cove")
    page = operator.get("/settings/access/").content.decode()
    assert "Harbour" in page
    assert "given by an owner" in page
    assert 'href="/groups/Harbour/settings/"' not in page
    assert "Secret cove" not in page
    assert "Everybody" not in page
    page = owner.get("/settings/access/").content.decode()
    assert "made this group" in page
    assert 'href="/groups/Harbour/settings/"' in page
    assert "No group yet" in outsider.get("/settings/access/?person=ada").content.decode()


def test_administrators_see_everybody(
    harbour: Group, admin_user: User, django_assert_max_num_queries: Any
) -> None:
    admin = Browser(admin_user)
    for n in range(60):
        make_user(username=f"sailor{n:02}")
    with django_assert_max_num_queries(9):
        page = admin.get("/settings/access/").content.decode()
    assert "as administrator" in page
    assert 'href="?person=ada"' in page
    assert 'rel="next" href="?q=&amp;page=2"' in page
    assert "sailor59" in admin.get("/settings/access/?page=2").content.decode()
    found = admin.get("/settings/access/?q=SAILOR1").content.decode()
    assert "sailor10" in found
    assert 'href="?person=ada"' not in found
    page = admin.get("/settings/access/?person=bo").content.decode()
    assert "What bo may see" in page
    assert "given by an owner" in page
    assert admin.get("/settings/access/?person=nobody&page=x").status_code == 200


def test_rest_does_the_same(vi: User, viewer: Browser) -> None:
    client = viewer.client
    assert client.get("/api/v1/me/", headers=JSON).json() == {
        "username": "vi",
        "name": "",
        "email": "",
        "language": "",
        "time_zone": "",
    }
    changed = patch(client, name="Vi", language="zh-hans", time_zone="UTC").json()
    assert (changed["name"], changed["language"], changed["time_zone"]) == ("Vi", "zh-hans", "UTC")
    assert patch(client, email="vi@example.org").json()["language"] == "zh-hans"
    wrong = {"email": "no", "language": "xx", "time_zone": "Moon/Base"}
    assert set(patch(client, **wrong).json()["errors"]) == set(wrong)
    assert patch(client, username="eve").status_code == 400
    refused = put_password(client, "guess", "1")
    assert set(refused.json()["errors"]) == {"old", "new"}
    assert put_password(client, "secret-vi", "harbour-lantern-7").status_code == 204
    vi.refresh_from_db()
    assert vi.check_password("harbour-lantern-7")
    assert client.get("/api/v1/me/", headers=JSON).status_code == 200


def test_a_token_of_certain_groups_changes_nothing_here(harbour: Group, ada: User) -> None:
    _row, text = tokens.make(actor=ada, name="few", scopes=["read", "manage"], groups=["Harbour"])
    client = Client(headers={"Authorization": f"Bearer {text}"})
    assert patch(client, name="Eve").json()["reason"] == "groups_restricted"
    assert put_password(client, "secret-ada", "harbour-lantern-7").status_code == 403
