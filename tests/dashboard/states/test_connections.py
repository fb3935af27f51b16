"""Connections and sync: who sees which connections, what a cell says, and pushes with their buttons."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from groups.models import Group
from groups.views.states import board
from state import conf
from state.manager import Base, StateManager
from state.models import Connection, SyncTarget
from state.models import SyncTask as TaskRow
from state.policy import Caller
from state.sync.sessions import Note, SubNote
from state.values import AccessPolicy, ConnectionType, MergeFallback
from tests.dashboard.conftest import Browser
from tests.dashboard.states.conftest import agent, put, words

PAGE = "/groups/Harbour/sync/"
NEWS = f"{PAGE}news/"
PUBLIC = AccessPolicy(public=True)


def connect(
    user: User,
    name: str,
    *,
    states: tuple[str, ...] = ("*",),
    acked: int = 0,
    parked: bool = False,
    mode: ConnectionType = ConnectionType.BIDIRECTIONAL,
    label: str = "",
    caller: Caller | None = None,
) -> str:
    """A session as a socket opens it, with one subscription acknowledged so far; its id."""
    sessions = conf.sync_manager().sessions
    who = caller or agent(name)
    opened = sessions.open(who, user_id=user.pk, name=label, mode=mode, process="here")
    sub = SubNote(1, states, acked=acked)
    sessions.note(
        [
            Note(
                session=opened.id,
                generation=opened.generation,
                heartbeat=datetime.now(UTC),
                subscriptions=(sub,),
                parked=parked,
            )
        ]
    )
    return opened.id


def make(manager: StateManager, *ids: str) -> None:
    for each in ids:
        manager.create_state(agent("wim"), each, data={"n": 0}, access_policy=PUBLIC)


def cells(answer: Any, session: str) -> dict[str, tuple[str, str]]:
    """State -> kind of its cell and what it says, in the row of the session."""
    page = answer.content.decode()
    row = page[page.index(f'<tr data-key="{session}"') :].split("</tr>")[0]
    found = re.findall(
        r'<td title="([^:]*): [^"]*"><span class="sync-cell" data-cell="(\w+)".*?'
        r'<span class="visually-hidden">([^<]*)',
        row,
    )
    return {state: (kind, says) for state, kind, says in found}


def test_who_is_connected_and_how_far_each_has_come(
    harbour: Group,
    manager: StateManager,
    ada: User,
    owner: Browser,
    guarded: Callable[..., None],
) -> None:
    guarded("get", PAGE)
    guarded("get", NEWS)
    make(manager, "crew", "notes/1")
    manager.create_state(agent("wim"), "diary", data={}, access_policy=AccessPolicy())
    for n in range(3):
        manager.update_state(agent("wim"), "crew", [put("/n", n + 1)])
    head = manager.space(agent("wim")).revision
    near = connect(ada, "wim", acked=head, label="laptop")
    late = connect(ada, "wes", acked=head - 2)
    slow = connect(ada, "quay", states=("crew",), acked=head - 3, parked=True)
    asks = connect(ada, "steady", states=("notes/*",), acked=0, mode=ConnectionType.PULL)
    page = owner.get(PAGE)
    assert cells(page, near) == dict.fromkeys(("crew", "diary", "notes/1"), ("synced", "in step"))
    assert cells(page, late) == {
        "crew": ("syncing", "2 versions behind, on its way"),
        "diary": ("hidden", "may not read it"),
        "notes/1": ("synced", "in step"),
    }
    assert cells(page, slow)["crew"] == ("parked", "parked, 3 versions behind")
    assert cells(page, slow)["notes/1"] == ("none", "not subscribed")
    assert cells(page, asks)["notes/1"][0] == "behind"
    text = words(page)
    assert "4 connected" in text and "1 parked" in text
    assert f"confirmed revision {head - 2} of {head} crew −2" in text
    assert "wim laptop both ways" in text and "steady pull" in text


def test_a_write_that_waits_shows_as_conflict(
    harbour: Group, manager: StateManager, ada: User, owner: Browser
) -> None:
    manager.create_state(
        agent("wim"),
        "crew",
        data={"n": 0},
        access_policy=PUBLIC,
        merge_fallback=MergeFallback.PARK,
    )
    manager.update_state(agent("wim"), "crew", [put("/n", 1)])
    manager.update_state(agent("wes"), "crew", [put("/n", 2)], base=Base(version=1))
    session = connect(ada, "wes", acked=9)
    assert cells(owner.get(PAGE), session)["crew"][0] == "conflict"


def test_who_fell_silent_is_away_before_any_sweep(
    harbour: Group, manager: StateManager, ada: User, owner: Browser
) -> None:
    make(manager, "crew")
    session = connect(ada, "wim", acked=0)
    ago = datetime.now(UTC) - timedelta(seconds=70)
    Connection.objects.filter(pk=session).update(last_heartbeat=ago)
    page = owner.get(PAGE)
    assert "0 connected" in words(page) and "1 away for a moment" in words(page)
    assert cells(page, session)["crew"][0] == "behind"


def test_failures_say_why_in_the_language_of_the_page(
    harbour: Group, manager: StateManager, ada: User, owner: Browser
) -> None:
    session = connect(ada, "wim")
    conf.sync_manager().sessions.leave(session, 1, error="not_authenticated")
    page = words(owner.get(PAGE))
    assert "Error" in page and "It is no longer signed in." in page and "1 failing" in page
    owner.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-CN"
    assert "它的登录已失效。" in words(owner.get(PAGE))


def test_one_sees_ones_own_and_owners_see_all(
    harbour: Group, manager: StateManager, ada: User, bo: User, operator: Browser, owner: Browser
) -> None:
    make(manager, "crew")
    theirs = connect(ada, "wim")
    own = connect(bo, "", caller=Caller(space="Harbour", name="human:bo"), label="script")
    page = operator.get(PAGE)
    assert own in page.content.decode() and theirs not in page.content.decode()
    assert "You see your own connections" in words(page)
    assert own in owner.get(PAGE).content.decode() and theirs in owner.get(PAGE).content.decode()
    refused = operator.post(f"{PAGE}connections/{theirs}/disconnect/")
    assert refused.status_code == 404
    assert Connection.objects.get(pk=theirs).status == "connected"
    assert operator.post(f"{PAGE}connections/{own}/disconnect/").status_code == 303
    assert Connection.objects.get(pk=own).status == "disconnected"


def test_dashboard_pages_and_ended_ones_show_when_asked_for(
    harbour: Group, manager: StateManager, ada: User, owner: Browser
) -> None:
    make(manager, "crew")
    human = Caller(space="Harbour", name="human:ada", admin=True)
    looking = connect(ada, "", caller=human, label=board.DASHBOARD)
    gone = connect(ada, "wes")
    owner.post(f"{PAGE}connections/{gone}/disconnect/")
    page = owner.get(PAGE).content.decode()
    assert looking not in page and gone not in page
    assert "1 open dashboard page is not shown" in page and "Nobody is connected" in page
    assert looking in owner.get(f"{PAGE}?pages=on").content.decode()
    ended = owner.get(f"{PAGE}?ended=on")
    assert gone in ended.content.decode() and "Disconnected" in words(ended)
    assert "No connection is like that" in words(owner.get(f"{PAGE}?agent=moon"))


def test_large_tables_are_shown_in_pages(
    harbour: Group, manager: StateManager, ada: User, owner: Browser, monkeypatch: Any
) -> None:
    monkeypatch.setattr(board, "PAGE", 2)
    make(manager, "a", "b", "c")
    ids = [connect(ada, name) for name in ("nan", "ned", "nil")]
    first = owner.get(f"{PAGE}?agent=n")
    assert set(cells(first, ids[0])) == {"a", "b"} and ids[2] not in first.content.decode()
    page = first.content.decode()
    assert f'href="{PAGE}?agent=n&amp;page=1"' in page and f"{PAGE}?agent=n&amp;after=" in page
    after = re.search(r"after=([^\"]+)\"", page)
    assert after is not None
    assert set(cells(owner.get(f"{PAGE}?after={after[1]}"), ids[0])) == {"c"}
    assert ids[2] in owner.get(f"{PAGE}?page=1").content.decode()
    assert set(cells(owner.get(f"{PAGE}?state=b"), ids[0])) == {"b"}
    for odd in ("?page=x", "?page=99", "?after=%00", "?agent=" + "x" * 300):
        assert owner.get(PAGE + odd).status_code == 200


def test_nothing_is_sent_while_nothing_changes(
    harbour: Group, manager: StateManager, ada: User, owner: Browser
) -> None:
    make(manager, "crew")
    connect(ada, "wim", acked=1)
    first = owner.get(NEWS)
    assert "<html" not in first.content.decode() and "csrfmiddlewaretoken" not in str(first.content)
    again = {"If-None-Match": first["ETag"]}
    assert owner.client.get(NEWS, headers=again).status_code == 304
    manager.update_state(agent("wim"), "crew", [put("/n", 1)])
    changed = owner.client.get(NEWS, headers=again)
    assert changed.status_code == 200 and changed["ETag"] != first["ETag"]


def test_pushing_a_state(
    harbour: Group,
    manager: StateManager,
    ada: User,
    owner: Browser,
    viewer: Browser,
    guarded: Callable[..., None],
) -> None:
    guarded("post", f"{PAGE}push/")
    make(manager, "crew")
    connect(ada, "wim")
    form = owner.get(f"{PAGE}?push=crew").content.decode()
    assert 'value="crew"' in form and 'value="agent:wim"' in form
    assert "Push a state" not in words(viewer.get(f"{PAGE}?push=crew"))
    given = {"state": "crew", "type": "unicast", "agents": ["agent:wim"], "priority": "7"}
    answer = owner.post(f"{PAGE}push/", given)
    assert (answer.status_code, answer["Location"]) == (303, f"{PAGE}#tasks")
    task = TaskRow.objects.get()
    assert (task.key, task.type, task.priority, task.created_by) == (
        "crew",
        "unicast",
        7,
        "human:ada",
    )
    assert "crew unicast" in words(owner.get(PAGE)) and "priority 7" in words(owner.get(PAGE))
    for wrong, says in (
        ({"agents": []}, "A unicast goes to exactly one agent."),
        ({"state": "moon"}, "There is no such state"),
        ({"priority": "12"}, "Select a valid choice"),
        ({"type": "shout"}, "Select a valid choice"),
    ):
        refused = owner.post(f"{PAGE}push/", given | wrong)
        assert refused.status_code in {400, 404} and says in words(refused), wrong
        assert 'id="push"' in refused.content.decode()
    assert viewer.post(f"{PAGE}push/", given).status_code in {403, 404}
    assert TaskRow.objects.count() == 1


def test_cancelling_and_pushing_again(
    harbour: Group, manager: StateManager, ada: User, owner: Browser, operator: Browser
) -> None:
    make(manager, "crew")
    for name in ("wim", "wes"):
        connect(ada, name)
    given = {"state": "crew", "type": "multicast", "agents": ["agent:wim", "agent:wes"]}
    owner.post(f"{PAGE}push/", given | {"priority": "3"})
    task = TaskRow.objects.get()
    assert operator.post(f"{PAGE}tasks/{task.pk}/cancel/").status_code == 404
    assert owner.post(f"{PAGE}tasks/{task.pk}/cancel/").status_code == 303
    task.refresh_from_db()
    assert task.status == "cancelled"
    error = "1 of 2 agents were not served."
    TaskRow.objects.filter(pk=task.pk).update(status="failed", error=error)
    SyncTarget.objects.filter(agent="agent:wim").update(status="completed")
    SyncTarget.objects.filter(agent="agent:wes").update(
        status="failed", error="It did not acknowledge within 30 seconds."
    )
    page = words(owner.get(PAGE))
    assert "1 of 2" in page and error in page and "wes Failed" in page and "Retry" in page
    assert "It did not acknowledge within 30 seconds." in page
    assert owner.post(f"{PAGE}tasks/{task.pk}/retry/").status_code == 303
    again = TaskRow.objects.exclude(pk=task.pk).get()
    assert (again.type, again.priority, again.metadata) == (
        "multicast",
        3,
        {"retries": str(task.pk)},
    )
    assert list(again.targets.values_list("agent", flat=True)) == ["agent:wes"]
    assert owner.post(f"{PAGE}tasks/no-such/retry/").status_code == 404


def test_the_page_leads_from_and_to_the_states(
    harbour: Group, manager: StateManager, owner: Browser
) -> None:
    make(manager, "crew")
    assert f'href="{PAGE}"' in owner.get("/groups/Harbour/states/").content.decode()
    page = owner.get("/groups/Harbour/states/of/crew/").content.decode()
    assert f'href="{PAGE}?push=crew#push"' in page
    assert 'href="/sync/"' in owner.get("/states/").content.decode()
    assert owner.get("/sync/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_page_costs_the_same_for_3_connections_and_for_30(
    harbour: Group, settings: Any, ada: User, owner: Browser
) -> None:
    settings.STARS_STATES = {"type": "database"}
    conf.close_manager()

    def fill(numbers: range) -> None:
        for n in numbers:
            make(conf.manager(), f"day/{n}")
            connect(ada, f"w{n}", acked=n)
            given = {"state": f"day/{n}", "type": "broadcast", "priority": "1"}
            owner.post(f"{PAGE}push/", given)

    def queries() -> list[int]:
        found = []
        for address in (PAGE, NEWS):
            owner.get(address)
            with CaptureQueriesContext(database) as asked:
                assert owner.get(address).status_code == 200
            found.append(len(asked))
        return found

    fill(range(3))
    few = queries()
    fill(range(3, 30))
    assert queries() == few
    assert all(number <= 24 for number in few), few


def test_a_cell_that_is_behind_leads_to_a_push_of_just_that(
    harbour: Group, manager: StateManager, ada: User, owner: Browser, viewer: Browser
) -> None:
    make(manager, "crew", "diary")
    connect(ada, "wim", acked=2)
    connect(ada, "wes", acked=0, parked=True)
    page = owner.get(PAGE).content.decode()
    [link] = re.findall(r'<a href="([^"]*push=crew[^"]*)"', page)
    assert "to=agent%3Awes" in link
    answer = owner.get(link.split("#")[0].replace("&amp;", "&"))
    form = answer.context["push_form"]
    assert form["state"].value() == "crew" and form["agents"].value() == ["agent:wes"]
    assert form["type"].value() == "unicast"
    assert "push=crew" not in viewer.get(PAGE).content.decode()
