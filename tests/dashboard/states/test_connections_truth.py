"""What the page of connections says of pushes that did not arrive, of who is away, and of webhooks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from groups.models import Group
from state import conf
from state.manager import StateManager
from state.models import Connection
from state.values import ConnectionType
from tests.dashboard.conftest import Browser
from tests.dashboard.states.conftest import near, words
from tests.dashboard.states.test_connections import NEWS, PAGE, connect, make

GIVEN = {"state": "crew", "priority": "1"}


def leave(session: str) -> None:
    conf.sync_manager().sessions.leave(session, 1)


def push(owner: Browser, kind: str, *agents: str) -> str:
    """Make it, and carry it out; what the toast says."""
    owner.post(f"{PAGE}push/", GIVEN | {"type": kind, "agents": [f"agent:{n}" for n in agents]})
    said = words(owner.get(PAGE))
    conf.sync_manager().work()
    return said


def test_a_push_says_who_has_it_and_who_waits(
    harbour: Group, manager: StateManager, ada: User, owner: Browser
) -> None:
    make(manager, "crew")
    leave(connect(ada, "wes"))
    connect(ada, "wim", states=("notes/*",), acked=9)
    connect(ada, "quay", mode=ConnectionType.PULL)
    said = push(owner, "multicast", "wes", "wim", "quay")
    assert "No agent of the push is here to take it" in said
    page = words(owner.get(PAGE))
    assert (
        "0 of 3 have it ; 2 wait for their agents ; 1 does not follow this state"
        in page.replace("it;", "it ;").replace("agents;", "agents ;")
    )
    assert "Waits for its agents" in page and "Completed" not in page
    assert "wes Waits for its agent" in page and "wim Does not follow this state" in page
    assert "quay Waits until it asks" in page
    connect(ada, "wes", acked=9)
    conf.sync_manager().work()
    page = words(owner.get(PAGE))
    assert "1 of 3 have it" in page and "Done for all who are here" in page
    assert "wes Completed" in page


def test_a_push_that_reaches_nobody_says_so(
    harbour: Group, manager: StateManager, ada: User, owner: Browser
) -> None:
    make(manager, "crew")
    assert "Nobody follows this state now" in push(owner, "broadcast")
    assert "Nobody followed it" in words(owner.get(PAGE))
    connect(ada, "wim", acked=0)
    assert "The push is on its way." in push(owner, "broadcast")
    leave(connect(ada, "wes"))
    assert "on its way to 1 of 2 agents" in push(owner, "multicast", "wim", "wes")


def test_who_is_here_stands_first_and_the_others_are_folded(
    harbour: Group, manager: StateManager, ada: User, owner: Browser
) -> None:
    make(manager, "crew")
    gone = [connect(ada, "wes") for _ in range(3)]
    for each in gone:
        leave(each)
    ghost = connect(ada, "wim")
    leave(ghost)
    here = [connect(ada, "wim", acked=1) for _ in range(2)]
    answer = owner.get(PAGE)
    page = answer.content.decode()
    fold = page.index('id="gone"')
    assert all(page.index(f'id="{each}"') < fold for each in here)
    assert all(page.index(f'id="{each}"') > fold for each in (*gone, ghost))
    assert "4 away or gone" in words(answer)
    rows = re.findall(r'<tr data-key="([^"]*)"', page)
    assert set(rows[:2]) == set(here) and len(rows) == 3 and rows[2] in gone
    for each in here:
        assert f">{each[2:7]}</code>" in near(answer, f'id="{each}"', 2000)
    assert page.index('id="tasks"') < page.index('id="matrix"')


@pytest.mark.parametrize("agent", ["wim", ""])
def test_adding_a_webhook_shows_its_secret_once(
    harbour: Group, manager: StateManager, owner: Browser, guarded: Callable[..., None], agent: str
) -> None:
    guarded("post", f"{PAGE}webhook/")
    make(manager, "crew")
    assert 'id="webhook"' in owner.get(f"{PAGE}?webhook=").content.decode()
    given = {"agent": agent, "name": "crm", "address": "https://example.com/x", "states": "crew, *"}
    answer = owner.post(f"{PAGE}webhook/", given)
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    row = Connection.objects.get()
    assert (row.agent, row.name) == (f"agent:{agent}" if agent else "human:ada", "crm")
    secret = re.search(r"whsec_[^<\s]+", answer.content.decode())
    assert secret is not None
    for address in (PAGE, NEWS):
        assert secret[0] not in owner.get(address).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [{"address": "ftp://example.com"}, {"states": " , "}, {"agent": "moon"}, {"address": ""}],
)
def test_a_wrong_webhook_is_refused_beside_the_form(
    harbour: Group, manager: StateManager, owner: Browser, viewer: Browser, wrong: dict[str, Any]
) -> None:
    given = {"agent": "wim", "name": "", "address": "https://example.com/x", "states": "*"}
    answer = owner.post(f"{PAGE}webhook/", given | wrong)
    assert answer.status_code == 400 and 'id="webhook"' in answer.content.decode()
    assert viewer.post(f"{PAGE}webhook/", given).status_code == 403
    assert not Connection.objects.exists()


def test_a_push_chooses_among_the_states_of_the_space(
    harbour: Group, manager: StateManager, owner: Browser
) -> None:
    make(manager, "crew", "notes/1")
    form = near(owner.get(f"{PAGE}?push=notes/1"), 'id="push"', 3000)
    assert re.search(r'<option value="notes/1" selected>', form) and 'value="crew"' in form
    assert "To all who follow it" in form and ">broadcast</small>" in form
