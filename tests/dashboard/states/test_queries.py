"""What the pages ask of the database does not grow with the states and versions there are."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from groups.models import Group
from state import conf
from state.manager import Base
from state.values import AccessPolicy, MergeFallback
from tests.dashboard.conftest import Browser
from tests.dashboard.states.conftest import PLAN, agent, put

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def manager(settings: Any) -> None:
    """States in the database this time."""
    settings.STARS_STATES = {"type": "database"}


def make(states: range) -> None:
    """That many states, each with a conflict that waits."""
    for n in states:
        conf.manager().create_state(
            agent("wim"),
            f"day/{n}",
            data={"n": 0},
            merge_fallback=MergeFallback.PARK,
            access_policy=AccessPolicy(public=True),
        )
        conf.manager().update_state(agent("wim"), f"day/{n}", [put("/n", 1)])
        base = Base(version=1)
        conf.manager().update_state(agent("wes"), f"day/{n}", [put("/n", 2)], base=base)


def queries(browser: Browser, address: str) -> int:
    browser.get(address)  # what a process asks once is asked by now
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(address).status_code == 200
    # PostgreSQL is told of the beginning and the end of a moment, too.
    moment = ("BEGIN", "COMMIT", "SET TRANSACTION")
    return sum(not query["sql"].startswith(moment) for query in asked.captured_queries)


def test_the_lists_cost_the_same_for_3_states_and_for_30(harbour: Group, operator: Browser) -> None:
    lists = (
        "/groups/Harbour/states/",
        "/groups/Harbour/states/?text=day+wim&owner=wim&status=conflict",
        "/groups/Harbour/states/entry/",
        "/groups/Harbour/conflicts/",
        "/states/metrics/figures/",
    )
    make(range(3))
    few = [queries(operator, address) for address in lists]
    make(range(3, 30))
    assert [queries(operator, address) for address in lists] == few
    assert all(number <= 16 for number in few), few


def test_the_pages_of_a_state_cost_the_same_for_3_versions_and_for_30(
    harbour: Group, operator: Browser
) -> None:
    manager, public = conf.manager(), AccessPolicy(public=True)
    manager.create_state(agent("wim"), "plan/spring", data={}, access_policy=public)

    def write(versions: range) -> None:
        for n in versions:
            manager.update_state(agent("wim"), "plan/spring", [put(f"/day-{n}", n)])

    pages = [PLAN.format(at) for at in ("of", "head", "data", "history", "news", "policy", "film")]
    pages.append(f"{PLAN.format('diff')}?old=1&new=2")
    write(range(2, 4))
    few = [queries(operator, address) for address in pages]
    write(range(4, 31))
    assert [queries(operator, address) for address in pages] == few
    assert all(number <= 20 for number in few), few
