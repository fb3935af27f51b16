"""Members: the fragment, joining, changing, leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from groups.models import Group, Member
from groups.views.members import offered
from tests.dashboard.conftest import Browser
from tests.factories import make_agent, make_run

PATH = "/groups/Harbour/members/"


def test_the_list(harbour: Group, viewer: Browser, guarded: Callable[..., None]) -> None:
    guarded("get", PATH)
    page = viewer.get(PATH, htmx=True).content.decode()
    assert 'id="member-lena"' in page
    assert "<html" not in page
    assert "member-change" not in page


def test_the_list_costs_the_same_for_any_number(
    harbour: Group, owner: Browser, django_assert_max_num_queries: Any
) -> None:
    for n in range(10):
        Member.objects.create(group=harbour, agent=make_agent(agent_id=f"m{n}"), role="worker")
    with django_assert_max_num_queries(7):
        owner.get(PATH, htmx=True)


def test_the_list_brings_the_run_box_up_to_date(
    harbour: Group, owner: Browser, operator: Browser, viewer: Browser
) -> None:
    """Only the button and the notice come along, out of band: the box keeps task and files."""

    def tag(browser: Browser, of: str) -> str:
        page: str = browser.get(PATH, htmx=True).content.decode()
        assert 'id="run-box"' not in page
        _, found, rest = page.partition(f'id="{of}"')
        return found + rest[: rest.find(">")]

    harbour.members.filter(role="leader").update(role="worker")
    assert "disabled" in tag(operator, "run-button")
    assert "hidden" not in tag(operator, "run-blocked")
    assert owner.post(f"{PATH}lena/", {"role": "leader", "tags": ""}, htmx=True).status_code == 200
    for of in ("run-button", "run-blocked"):
        assert 'hx-swap-oob="true"' in tag(operator, of)
        assert f'id="{of}"' not in viewer.get(PATH, htmx=True).content.decode()
    assert "disabled" not in tag(operator, "run-button")
    assert "hidden" in tag(operator, "run-blocked")
    assert "hx-swap-oob" not in operator.get("/groups/Harbour/").content.decode()


def test_joining(harbour: Group, owner: Browser, operator: Browser) -> None:
    make_agent(agent_id="nia")
    given = {"agent_id": "nia", "role": "worker", "tags": "night, deck 夜"}
    assert operator.post(PATH, given, htmx=True).status_code == 403
    answer = owner.post(PATH, given, htmx=True)
    assert answer.status_code == 200
    assert 'id="join"' in answer.content.decode()
    assert harbour.members.get(agent__agent_id="nia").tags == ["night", "deck", "夜"]
    assert owner.post(PATH, given)["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("given", "beside", "status"),
    [
        ({"agent_id": "", "role": "worker"}, "id_agent_id_error", 400),
        ({"agent_id": "ghost", "role": "worker"}, "id_agent_id_error", 404),
        ({"agent_id": "wim", "role": "worker"}, "id_agent_id_error", 409),
        ({"agent_id": "nia", "role": "leader"}, "id_role_error", 409),
        ({"agent_id": "nia", "role": "king"}, "id_role_error", 400),
        ({"agent_id": "nia", "role": "worker", "tags": "x" * 65}, "id_tags_error", 400),
    ],
)
def test_bad_input_stands_beside_the_field(
    given: dict[str, str], beside: str, status: int, harbour: Group, owner: Browser
) -> None:
    make_agent(agent_id="nia")
    answer = owner.post(PATH, given, htmx=True)
    assert answer.status_code == status
    assert f'id="{beside}"' in answer.content.decode()
    assert harbour.members.count() == 3


def test_changing(
    harbour: Group, owner: Browser, operator: Browser, guarded: Callable[..., None]
) -> None:
    guarded("get", f"{PATH}wim/")
    assert operator.get(f"{PATH}wim/").status_code == 403
    assert 'value="steady"' in owner.get(f"{PATH}wim/", htmx=True).content.decode()
    answer = owner.post(f"{PATH}wim/", {"role": "worker", "tags": "calm"}, htmx=True)
    assert 'id="members"' in answer.content.decode()
    assert harbour.members.get(agent__agent_id="wim").tags == ["calm"]
    refused = owner.post(f"{PATH}wim/", {"role": "leader", "tags": ""}, htmx=True)
    assert refused.status_code == 409
    assert 'id="id_role_error"' in refused.content.decode()
    assert owner.get(f"{PATH}ghost/").status_code in {400, 404}


def test_leaving(
    harbour: Group, owner: Browser, operator: Browser, guarded: Callable[..., None]
) -> None:
    guarded("post", f"{PATH}wim/leave/")
    assert operator.post(f"{PATH}wim/leave/").status_code == 403
    assert owner.post(f"{PATH}wim/leave/", htmx=True).status_code == 200
    assert not harbour.members.filter(agent__agent_id="wim").exists()
    make_run(group=harbour)
    busy = owner.post(f"{PATH}lena/leave/", htmx=True)
    assert busy.status_code == 409
    # A notice, not the list, is what comes back.
    assert (busy["HX-Retarget"], busy["HX-Reswap"]) == ("#notices", "beforeend")
    assert harbour.members.filter(agent__agent_id="lena").exists()


def test_several_join_at_once(harbour: Group, owner: Browser) -> None:
    for name in ("nia", "nox"):
        make_agent(agent_id=name)
    given = {"agent_id": ["nox", "ghost"], "role": "worker", "tags": ""}
    refused = owner.post(PATH, given, htmx=True)
    assert refused.status_code == 404
    # What was chosen is still chosen.
    assert 'value="nox" checked' in refused.content.decode()
    assert owner.post(PATH, {**given, "agent_id": ["nox", "nia"]}, htmx=True).status_code == 200
    names = [m.agent.agent_id for m in harbour.members.select_related("agent").order_by("id")]
    assert names[-2:] == ["nox", "nia"]


def test_who_could_join_is_searched(
    harbour: Group, owner: Browser, operator: Browser, django_assert_max_num_queries: Any
) -> None:
    path = "/groups/Harbour/candidates/"
    for n in range(40):
        make_agent(agent_id=f"night-{n:02}", description="Keeps watch")
    make_agent(agent_id="day", name="Dayan")
    assert operator.get(path).status_code == 403
    with django_assert_max_num_queries(6):
        page = owner.get(f"{path}?q=NIGHT&agent_id=day", htmx=True).content.decode()
    # Who is chosen already stays in sight, first.
    assert page.index('value="day" checked') < page.index('value="night-00"')
    assert "There are more" in page and "night-39" not in page
    assert 'value="day"' in owner.get(f"{path}?q=dayan", htmx=True).content.decode()
    page = owner.get(f"{path}?q=wim", htmx=True).content.decode()
    assert 'value="wim" disabled' in page and "already a member" in page
    assert "No agent is called that." in owner.get(f"{path}?q=nobody", htmx=True).content.decode()


def test_what_can_be_no_id_is_not_asked_for(harbour: Group, owner: Browser) -> None:
    make_agent(agent_id="day")
    chosen = {"agent_id": ["day", "a\x00b"]}
    page = owner.get("/groups/Harbour/candidates/?agent_id=day&agent_id=a%00b", htmx=True)
    assert 'value="day" checked' in page.content.decode()
    assert offered(harbour, chosen=chosen["agent_id"])["chosen"] == ["day"]
    assert owner.post(PATH, {**chosen, "role": "worker"}, htmx=True).status_code == 404


def test_leading_and_order(harbour: Group, owner: Browser, operator: Browser) -> None:
    assert operator.post(f"{PATH}wes/lead/", htmx=True).status_code == 403
    assert operator.post(f"{PATH}wes/place/", {"place": "0"}, htmx=True).status_code == 403
    page = owner.post(f"{PATH}wes/place/", {"place": "0"}, htmx=True).content.decode()
    order = [page.index(f'id="member-{name}"') for name in ("lena", "wes", "wim")]
    assert order == sorted(order)
    for wrong in ("", "-1", "x", "9" * 30):
        assert owner.post(f"{PATH}wes/place/", {"place": wrong}).status_code == 400
    assert owner.post(f"{PATH}wes/lead/", htmx=True).status_code == 200
    roles = dict(harbour.members.values_list("agent__agent_id", "role"))
    assert roles == {"lena": "worker", "wes": "leader", "wim": "worker"}
    make_run(group=harbour)
    assert owner.post(f"{PATH}wim/lead/", htmx=True).status_code == 409
    form = owner.get(f"{PATH}wim/", htmx=True).content.decode()
    assert "A run is under way; another one leads when it has ended." in form
