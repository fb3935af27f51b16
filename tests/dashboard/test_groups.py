"""Making a group, its page, its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from groups.models import Group, GroupAccess, Level
from tests.dashboard.conftest import Browser
from tests.factories import make_group, make_run


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/", '<a href="/" aria-current="page">'),
        ("/groups/Harbour/settings/", '<a href="/" aria-current="true">'),
        ("/runs/", '<a href="/runs/" aria-current="page">'),
        ("/new/agent/", '<a href="/agents/" aria-current="true">'),
        ("/tool-servers/", '<a href="/agents/" aria-current="true">'),
        ("/tokens/", None),
    ],
)
def test_the_navigation_shows_where_one_is(
    harbour: Group, owner: Browser, path: str, entry: str | None
) -> None:
    page = owner.get(path).content.decode()
    nav = page[page.index("<nav") : page.index("</nav>")]
    assert nav.count("aria-current") == (1 if entry else 0)
    assert entry is None or entry in nav


def test_making_one(cy: User, outsider: Browser, nobody: Browser) -> None:
    assert nobody.get("/new/group/").status_code == 302
    assert outsider.get("/new/group/").status_code == 200
    answer = outsider.post("/new/group/", {"name": "Night watch", "description": "Looks out."})
    assert (answer.status_code, answer["Location"]) == (303, "/groups/night-watch/")
    group = Group.objects.get(id="night-watch")
    assert (group.name, group.description) == ("Night watch", "Looks out.")
    assert GroupAccess.objects.get(group=group).level == Level.OWNER


@pytest.mark.parametrize(
    ("given", "beside", "status"),
    [
        ({"name": ""}, "id_name_error", 400),
        ({"name": "X", "group_id": "a b"}, "id_group_id_error", 400),
        ({"name": "X", "group_id": "Harbour"}, "id_group_id_error", 409),
    ],
)
def test_bad_input_stands_beside_the_field(
    given: dict[str, str], beside: str, status: int, harbour: Group, owner: Browser
) -> None:
    answer = owner.post("/new/group/", given)
    assert answer.status_code == status
    assert f'id="{beside}"' in answer.content.decode()
    assert Group.objects.count() == 1


def test_the_page_by_level(
    harbour: Group, owner: Browser, operator: Browser, viewer: Browser, guarded: Callable[..., None]
) -> None:
    guarded("get", "/groups/Harbour/")
    pages = {
        who: browser.get("/groups/Harbour/").content.decode()
        for who, browser in (("owner", owner), ("operator", operator), ("viewer", viewer))
    }
    for page in pages.values():
        assert 'id="member-lena"' in page
        assert 'data-topics="group:Harbour space:Harbour"' in page
    assert [w for w, page in pages.items() if 'id="run-box"' in page] == ["owner", "operator"]
    assert [w for w, page in pages.items() if 'id="compose"' in page] == ["owner", "operator"]
    assert [w for w, page in pages.items() if 'id="join"' in page] == ["owner"]


def test_the_page_costs_the_same_for_any_number(
    harbour: Group, operator: Browser, django_assert_max_num_queries: Any
) -> None:
    for n in range(15):
        make_run(group=harbour, task=f"Task {n}")
        operator.post("/groups/Harbour/messages/", {"sender": "lena", "to": "", "text": f"Hi {n}"})
    with django_assert_max_num_queries(12):
        page = operator.get("/groups/Harbour/").content.decode()
    assert "Task 14" in page
    assert "Hi 14" in page


def test_a_group_without_a_leader_says_so(ada: User, owner: Browser) -> None:
    make_group(group_id="Crewless", owner=ada)
    page = owner.get("/groups/Crewless/").content.decode()
    assert "has no leader yet" in page
    answer = owner.post("/groups/Crewless/runs/", {"task": "Sail", **OPTIONS})
    assert answer.status_code == 409
    assert "This group has no leader" in answer.content.decode()


OPTIONS = {"mode": "leader_worker", "failure_policy": "continue"}


def test_again_fills_in_the_task(harbour: Group, operator: Browser) -> None:
    run = make_run(group=harbour, task="Paint <the> hull", approve_plan=True)
    page = operator.get(f"/groups/Harbour/?again={run.id}").content.decode()
    assert "Paint &lt;the&gt; hull</textarea>" in page
    assert operator.get("/groups/Harbour/?again=nothing").status_code == 404


def test_settings_are_for_owners(
    harbour: Group, owner: Browser, operator: Browser, guarded: Callable[..., None]
) -> None:
    guarded("get", "/groups/Harbour/settings/")
    assert operator.get("/groups/Harbour/settings/").status_code == 403
    assert "bo" in owner.get("/groups/Harbour/settings/").content.decode()
    answer = owner.post("/groups/Harbour/settings/", {"name": "Port", "description": "Wet."})
    assert answer.status_code == 303
    harbour.refresh_from_db()
    assert (harbour.name, harbour.description) == ("Port", "Wet.")
    refused = owner.post("/groups/Harbour/settings/", {"name": "", "description": ""})
    assert refused.status_code == 400
    assert 'id="id_name_error"' in refused.content.decode()


def test_access(harbour: Group, cy: User, owner: Browser, operator: Browser) -> None:
    path = "/groups/Harbour/access/"
    assert operator.post(path, {"username": "cy", "level": 3}).status_code == 403
    assert owner.post(path, {"username": "cy", "level": 2}).status_code == 303
    assert harbour.access.get(user=cy).level == Level.OPERATOR
    assert owner.post(path, {"username": "cy", "level": 0}).status_code == 303
    assert not harbour.access.filter(user=cy).exists()
    unknown = owner.post(path, {"username": "zed", "level": 1})
    assert 'id="id_username_error"' in unknown.content.decode()
    last = owner.post(path, {"username": "ada", "level": 1})
    assert last.status_code == 409
    assert "last owner" in last.content.decode()


def test_removing(harbour: Group, owner: Browser, operator: Browser) -> None:
    path = "/groups/Harbour/remove/"
    assert operator.post(path).status_code == 403
    run = make_run(group=harbour)
    busy = owner.post(path)
    assert busy.status_code == 409
    assert "under way" in busy.content.decode()
    run.delete()
    assert owner.get(path)["Location"] == "/groups/Harbour/"
    assert owner.post(path)["Location"] == "/"
    assert not Group.objects.exists()


def test_pages_that_do_not_exist(owner: Browser) -> None:
    for path in ("/groups/nowhere/", "/runs/nowhere/", "/agents/nowhere/", "/no/such/page/"):
        answer = owner.get(path)
        assert answer.status_code == 404
        assert "An empty piece of sky" in answer.content.decode()
