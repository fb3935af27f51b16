"""States of the group Harbour, kept in memory, and the words of pages about them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from groups.models import Group
from state import conf
from state.manager import Base, StateManager
from state.policy import Caller
from state.values import AccessPolicy, ConflictRecord, MergeFallback, Operation, OperationType

PLAN = "/groups/Harbour/states/{}/plan/spring/"
DATA = {"title": "Spring", "budget": {"sails": 70, "paint": 12.5}, "crew": ["wim", "wes"]}


@pytest.fixture(autouse=True)
def manager(db: None, settings: Any) -> Iterator[StateManager]:
    """This test's StateManager."""
    settings.STARS_STATES = {"type": "memory", "retention": {}, "min_entries": 0}
    conf.close_manager()
    yield conf.manager()
    conf.close_manager()


def agent(name: str) -> Caller:
    """A worker of the group Harbour."""
    return Caller(space="Harbour", name=f"agent:{name}", principals=frozenset({"role:worker"}))


def put(path: str, value: Any) -> Operation:
    """Set the value at the path."""
    return Operation(OperationType.SET, path, value)


@pytest.fixture
def plan(harbour: Group, manager: StateManager) -> str:
    """The address of the state `plan/spring`, which wim made and everybody may write; at version 1."""
    public = AccessPolicy(public=True)
    manager.create_state(
        agent("wim"),
        "plan/spring",
        "The spring plan",
        data=DATA,
        tags=("dock",),
        access_policy=public,
    )
    return PLAN.format("of")


@pytest.fixture
def parked(plan: str, manager: StateManager, ada: User) -> ConflictRecord:
    """A write of wes that collided with one of wim at /title and /budget/sails; the state is at version 3."""
    manager.configure(
        Caller(space="Harbour", name="human:ada", admin=True),
        "plan/spring",
        {"merge_fallback": MergeFallback.PARK},
    )
    manager.update_state(
        agent("wim"), "plan/spring", [put("/title", "Early spring"), put("/budget/sails", 71)]
    )
    manager.update_state(
        agent("wes"),
        "plan/spring",
        [put("/title", "Late spring"), put("/budget/sails", 69), put("/budget/paint", 13)],
        base=Base(version=2),
    )
    [record] = manager.conflicts(agent("wim"))
    return record


def words(answer: Any) -> str:
    """What a page says, without its tags."""
    text = re.sub(r"<(script|svg|head)\b.*?</\1>", " ", answer.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())


def near(answer: Any, mark: str, size: int = 900) -> str:
    """The page's source from that mark on."""
    page: str = answer.content.decode()
    at = page.find(mark)
    assert at >= 0, mark
    return html.unescape(page[at : at + size])
