"""Sockets over a real Redis that goes away and comes back."""

from __future__ import annotations

from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User

from groups import live
from groups.execution.statuses import RunStatus
from groups.models import Group
from groups.viewing import rooms
from state import fanout
from state.fanout.redis import RedisHub
from tests.factories import make_run
from tests.servers import RedisServer
from tests.sockets.viewer import append_events, poke, watching

pytestmark = [pytest.mark.grown, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _over_redis(redis_server: RedisServer, settings: Any) -> None:
    fanout.close_hub()
    settings.REDIS_URL = redis_server.url


async def test_a_restart_of_redis_costs_time_only(
    ada: User, harbour: Group, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "LOOK", 3600.0)  # not by the clock
    run = await database_sync_to_async(make_run)(group=harbour, events=1)
    async with watching(ada) as viewer, watching(ada) as lobby:
        await viewer.subscribe(f"run:{run.id}")
        await lobby.subscribe(f"group:{harbour.id}")
        await append_events(run=run)
        assert await viewer.hear_up_to(2) == [1, 2]
        redis_server.stop()
        await append_events(run=run, n=3, type="run.completed", status=RunStatus.COMPLETED)
        assert await viewer.silent()
        redis_server.start()
        assert await viewer.hear_up_to(5) == [3, 4, 5]
        pokes = {(await lobby.hear())["what"] for _ in range(5)}
        assert pokes == {"group", "members", "messages", "runs", "agents"}
        assert await lobby.silent()


async def test_without_redis_the_log_is_still_shown(
    ada: User, harbour: Group, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "LOOK", 0.1)
    monkeypatch.setattr(rooms, "CONFIRM", 0.1)
    redis_server.stop()
    run = await database_sync_to_async(make_run)(group=harbour, events=2)
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        assert await viewer.hear_up_to(2) == [1, 2]
        await append_events(run=run, n=2)
        assert await viewer.hear_up_to(4) == [3, 4]


async def test_other_processes_are_heard(
    ada: User, harbour: Group, redis_server: RedisServer
) -> None:
    run = await database_sync_to_async(make_run)(group=harbour)
    async with watching(ada) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        await viewer.subscribe(f"group:{harbour.id}")
        mine = fanout.hub()
        other = RedisHub(redis_server.url)
        fanout._hub = other
        try:
            await append_events(run=run, n=2)
            assert await viewer.hear_up_to(2) == [1, 2]
            await poke(live.group_topic(harbour.id), "members")
            assert (await viewer.hear())["what"] == "members"
        finally:
            fanout._hub = mine
            other.close()
