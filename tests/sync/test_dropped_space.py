"""When a space goes, those who follow it are told at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from state.manager import StateManager
from tests.sync.rules import LENA, create, end_of, in_other_thread
from tests.sync.speaker import speaking

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_subscriber_of_a_space_that_is_dropped_is_sent_away_at_once(
    manager: StateManager, ada: User, settings: Any
) -> None:
    settings.STARS_STATE_SYNC = {"sync_interval": 60}  # no sweep helps
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.sub("*")
        await in_other_thread(manager.drop_space)(LENA)
        end = await end_of(speaker, timeout=1)
        assert (end.code, end.bye["reason"]) == (4403, "space_not_found")
