"""The inbox tells of everything that home tells of below "Needs me", and its number stands beside its name."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from groups.execution.statuses import RunStatus
from groups.models import Delivery, Group, Message, Run
from groups.overview.needs import needs_of
from groups.spaces import GroupDirectory
from state import conf
from state.errors import StarsError
from state.manager import Base
from state.values import ConflictRecord, Operation, OperationType
from tests.dashboard.conftest import Browser
from tests.factories import make_agent, make_run


def collide(user: User, space: str, state: str) -> None:
    """Two writes of that state collide, and one is set aside."""
    manager, caller = conf.manager(), GroupDirectory().caller(user, space)
    manager.create_state(caller, state, data={"n": 1}, resolution="custom", resolver="park")
    for value in (2, 3):
        ops = [Operation(OperationType.SET, "/n", value)]
        with suppress(StarsError):  # which says that the second write waits
            manager.update_state(caller, state, ops, base=Base(version=1))


def address(group: Group) -> Message:
    """Somebody asks whoever bob is."""
    message = Message.objects.create(group=group, sender="lena", text="@bob?", addressed=["bob"])
    Delivery.objects.create(message=message, recipient="bob", status="delivered")
    return message


def fail(group: Group) -> Run:
    finished = timezone.now() - timedelta(hours=1)
    return make_run(group=group, status=RunStatus.FAILED, error="Torn", finished_at=finished)


def number(browser: Browser) -> int:
    """What stands beside the inbox's name."""
    found = re.search(r">(\d+)<", browser.get("/inbox/count/", htmx=True).content.decode())
    return int(found[1]) if found else 0


def test_what_needs_me_at_home_is_in_the_inbox(
    harbour: Group, ada: User, owner: Browser, outsider: Browser
) -> None:
    make_agent(agent_id="bob", kind="human", config={"user": "ada"})
    collide(ada, harbour.id, "plan")
    run, message = fail(harbour), address(harbour)
    for path in ("/inbox/", "/"):
        page = owner.get(path).content.decode()
        places = [
            page.index(words)
            for words in (
                "Conflict in plan",
                f'id="need-run-{run.id}"',
                f'id="need-message-{message.id}"',
            )
        ]
        assert places == sorted(places)
        assert "Nothing waits for you" not in page
    kinds = [type(kind[0]) for kind in needs_of(ada, None) if kind]
    assert kinds == [ConflictRecord, Run, Delivery], "in the order in which they are shown"
    assert number(owner) == 3
    assert "3 things need you" in owner.get("/").content.decode()
    empty = outsider.get("/inbox/").content.decode()
    assert "Nothing waits for you" in empty and "appear here by themselves" in empty
    assert number(outsider) == 0


def test_failures_are_put_aside_in_the_inbox(harbour: Group, owner: Browser) -> None:
    run = fail(harbour)
    assert f"need-run-{run.id}" in owner.get("/inbox/").content.decode()
    answer = owner.post("/home/seen/", {"what": "failures", "at": "inbox"})
    assert (answer.status_code, answer["Location"]) == (303, "/inbox/")
    assert f"need-run-{run.id}" not in owner.get("/inbox/").content.decode()
    assert number(owner) == 0


def test_home_shows_three_of_a_kind_and_says_where_the_rest_is(
    harbour: Group, owner: Browser
) -> None:
    failed = [fail(harbour) for _ in range(5)]
    page = owner.get("/").content.decode()
    assert sum(f"need-run-{run.id}" in page for run in failed) == 3
    assert "2 more in the inbox" in page
    page = owner.get("/inbox/").content.decode()
    assert all(f"need-run-{run.id}" in page for run in failed)


def test_more_that_needs_me_costs_no_more_queries(
    harbour: Group, ada: User, owner: Browser
) -> None:
    make_agent(agent_id="bob", kind="human", config={"user": "ada"})

    def asked(path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert owner.get(path, htmx=True).status_code == 200
        return len(queries)

    for n in range(2):
        collide(ada, harbour.id, f"plan{n}")
        fail(harbour), address(harbour)
    asked("/inbox/")
    pages = ("/inbox/", "/fragments/inbox/", "/inbox/count/")
    before = [asked(path) for path in pages]
    for n in range(2, 9):
        collide(ada, harbour.id, f"plan{n}")
        fail(harbour), address(harbour)
    assert [asked(path) for path in pages] == before
