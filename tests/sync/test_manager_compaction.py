"""Compaction keeps what live sessions still need, up to ten times the history that is kept anyway."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from state.bus import InMemoryEventBus
from state.manager import StateManager
from state.models import Connection
from state.persistence.codec import Codec
from state.persistence.keyring import Keyring
from state.persistence.memory import MemoryPersistence
from state.sync import sessions
from state.values import PersistenceConfig, StateManagerConfig
from tests.sync.desk import LENA, SPACE, WIM, Desk, desk

__all__ = ["desk"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> Any:
    """It keeps the last 3 revisions, and nothing for long."""
    kept = PersistenceConfig(retention={"*": timedelta()}, min_entries=3)
    store = MemoryPersistence(kept, Codec(True, False, Keyring()))
    found = StateManager(StateManagerConfig(), InMemoryEventBus(), store, held=sessions.floor)
    found.create_state(LENA, "plan", data={"n": 1})
    for number in range(2, 21):
        found.update_state(LENA, "plan", {"n": number})
    yield found
    found.close()


def test_what_live_sessions_have_not_acknowledged_stays(manager: StateManager, desk: Desk) -> None:
    opened = desk.socket(WIM, acked=8)
    manager.sweep()
    assert manager.space(LENA).compact_revision == 8
    desk.note(opened, "*", acked=19)
    manager.sweep()
    assert manager.space(LENA).compact_revision == 17


def test_a_session_that_is_away_is_waited_for_until_its_time_is_over(
    manager: StateManager, desk: Desk
) -> None:
    desk.away(desk.socket(WIM, acked=8))
    manager.sweep()
    assert manager.space(LENA).compact_revision == 8
    Connection.objects.update(expires_at=desk.now - timedelta(seconds=1))
    manager.sweep()
    assert manager.space(LENA).compact_revision == 17


def test_nobody_keeps_more_than_ten_times_the_least_history(
    manager: StateManager, desk: Desk
) -> None:
    desk.socket(WIM, acked=2)
    manager.sweep()
    assert manager.space(LENA).compact_revision == 2
    for number in range(21, 34):
        manager.update_state(LENA, "plan", {"n": number})
    manager.sweep()
    assert manager.space(LENA).compact_revision == 30


def test_sessions_of_other_spaces_hold_nothing_up(manager: StateManager, desk: Desk) -> None:
    desk.socket(WIM, acked=2)
    Connection.objects.update(space="Pier")
    manager.sweep()
    assert manager.space(LENA).compact_revision == 17
    assert LENA.space == SPACE
