"""W0 over HTTP: five agents hammer one state, and every increment is there, with the name of its writer."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections

from groups.models import Group
from tests.factories import make_group
from tests.state_api.conftest import Client, client_for, fine

AGENTS = ("lena", "wim", "wes", "willa", "wanda")
EACH = 20


@pytest.fixture
def stored(request: Any) -> dict[str, Any]:
    """Where the test says: in memory, or in the database, to which every thread has a connection of its own."""
    return {"type": request.param, "retention": {}, "min_entries": 0}


@pytest.fixture
def lab(transactional_db: None, ada: User) -> Group:
    """A group of five."""
    return make_group(group_id="lab", owner=ada, leader=AGENTS[0], workers=AGENTS[1:])


def hammer(ada: User, increment: Callable[[Client, str], bool]) -> int:
    """Every agent in a thread of its own until it has done its share; how many tries were refused."""
    lost: list[int] = []
    broken: list[BaseException] = []

    def work(agent: str) -> None:
        client, done, refused = client_for(ada), 0, 0
        try:
            while done < EACH:
                if increment(client, agent):
                    done += 1
                else:
                    refused += 1
            lost.append(refused)
        except BaseException as error:
            broken.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(agent,)) for agent in AGENTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(50)
    assert broken == [] and len(lost) == len(AGENTS)
    return sum(lost)


def check(owner: Client) -> None:
    """Every increment is there once, and says whose it was."""
    state = fine(owner.ask("get", "states/count/"))
    assert state["data"] == {"n": EACH * len(AGENTS)}
    assert state["version"] == 1 + EACH * len(AGENTS)
    entries = fine(owner.ask("get", "states/count/history/?limit=200"))["results"]
    assert [each["version"] for each in entries] == list(range(state["version"], 0, -1))
    assert [each["revision"] for each in entries] == list(range(state["version"], 0, -1))
    writers = Counter(each["agent"] for each in entries[:-1])
    assert writers == {f"agent:{agent}": EACH for agent in AGENTS}


@pytest.mark.parametrize("stored", ["database"], indirect=True)
def test_by_cas(owner: Client, ada: User) -> None:
    fine(owner.ask("post", "states/", {"id": "count", "data": {"n": 0}}), 201)

    def increment(client: Client, agent: str) -> bool:
        seen = fine(client.ask("get", "states/count/?path=n", Stars_Agent=agent))["value"]
        op = {"op": "cas", "path": "/n", "value": seen + 1, "expect": seen}
        answer = client.ask("post", "states/count/ops/", {"ops": [op]}, Stars_Agent=agent)
        if answer.status_code == 409:
            assert answer.json()["causes"][0]["kind"] == "cas_value"
            return False
        return bool(fine(answer)["changed"])

    hammer(ada, increment)
    check(owner)


@pytest.mark.parametrize("stored", ["memory"], indirect=True)
def test_by_merging_counters(owner: Client, ada: User) -> None:
    schema = {"properties": {"n": {"type": "integer", "x-stars-merge": "counter"}}}
    fine(owner.ask("post", "states/", {"id": "count", "schema": schema, "data": {"n": 0}}), 201)

    def increment(client: Client, agent: str) -> bool:
        state = fine(client.ask("get", "states/count/", Stars_Agent=agent))
        body = {"updates": {"n": state["data"]["n"] + 1}, "base_version": state["version"]}
        answer = client.ask("post", "states/count/ops/", body, Stars_Agent=agent)
        return bool(fine(answer)["changed"])

    assert hammer(ada, increment) == 0  # nobody ever has to try again
    check(owner)
