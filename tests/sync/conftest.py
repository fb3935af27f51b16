"""A space of states in memory: the group `lab`, owned by ada, steered by bo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.contrib.auth.models import User
from django.db import connections

from groups.models import Group
from state import conf
from state.manager import StateManager
from tests.factories import make_group


@pytest.fixture
def stored() -> dict[str, Any]:
    """Where this module's states are kept."""
    return {"type": "memory", "retention": {}, "min_entries": 0}


@pytest.fixture
def manager(lab: Group, settings: Any, stored: dict[str, Any]) -> Iterator[StateManager]:
    """This test's StateManager."""
    settings.STARS_STATES = stored
    conf.close_manager()
    yield conf.manager()
    conf.close_manager()
    SyncToAsync.single_thread_executor.submit(connections.close_all).result(5)


@pytest.fixture
def lab(ada: User, bo: User) -> Group:
    """A leader and two workers."""
    return make_group(group_id="lab", owner=ada, operator=bo, leader="lena", workers=("wim", "wes"))
