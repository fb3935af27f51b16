"""Without the hub, or with one that loses what it is told, changes come later and none is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User

from state import fanout
from state.fanout import Outgoing
from state.fanout.hub import Hub
from state.manager import StateManager
from state.sync import feed
from tests.servers import RedisServer
from tests.sync.rules import create, write
from tests.sync.speaker import Speaker, speaking

pytestmark = pytest.mark.django_db(transaction=True)


class Deaf(Hub):
    """Confirms nothing and passes nothing on."""

    def publish(self, messages: Sequence[Outgoing]) -> None:
        pass

    def _wanted(self, subscription: Any) -> None:
        pass


async def hears(speaker: Speaker, prev: int, *versions: int) -> int:
    """Exactly these versions of plan come, in a chain; the last revision."""
    seen: list[int] = []
    while len(seen) < len(versions):
        delta = await speaker.hear("delta")
        assert delta["prev"] == prev
        prev = delta["rev"]
        seen += [each["v"] for each in delta["entries"]]
    assert seen == list(versions)
    await speaker.say("ack", sub=1, rev=prev)
    return prev


async def test_a_hub_that_loses_everything_costs_time_only(
    manager: StateManager, ada: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STARS_STATE_SYNC = {"sync_interval": 0.1}
    monkeypatch.setattr(feed, "CONFIRM", 0.05)
    deaf = Deaf()
    monkeypatch.setattr(fanout, "hub", lambda: deaf)
    monkeypatch.setattr(feed, "hub", lambda: deaf)
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        prev = (await speaker.sub("plan"))[""]["rev"]
        for n in range(1, 4):
            await write(manager, "plan", n=n)
            prev = await hears(speaker, prev, n + 1)


async def test_synced_covers_what_was_committed_before_though_no_poke_told_of_it(
    manager: StateManager, ada: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = Deaf()
    monkeypatch.setattr(fanout, "hub", lambda: deaf)
    monkeypatch.setattr(feed, "hub", lambda: deaf)
    settings.STARS_STATE_SYNC = {"sync_interval": 60}
    await create(manager, "plan")
    async with speaking(ada) as speaker:
        await speaker.hello()
        token = (await speaker.sub("plan"))[""]["token"]
        await speaker.say("unsub", sub=1)
        await write(manager, "plan", n=1)
        await speaker.say("sub", sub=2, states=["plan"], **{"from": token})
        delta = await speaker.hear("delta")
        assert [each["v"] for each in delta["entries"]] == [2] and delta["synced"]
        await speaker.say("unsub", sub=2)
        await write(manager, "plan", n=2)
        assert (await speaker.sub("plan", number=3))["plan"]["v"] == 3


@pytest.mark.grown
async def test_redis_may_be_away_when_they_connect_and_go_and_come_back_in_mid_stream(
    manager: StateManager,
    ada: User,
    settings: Any,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "CONFIRM", 0.2)
    settings.STARS_STATE_SYNC = {"sync_interval": 0.2}
    fanout.close_hub()
    settings.REDIS_URL = redis_server.url
    redis_server.stop()
    await create(manager, "plan")
    async with speaking(ada) as early:
        await early.hello()
        prev = (await early.sub("plan"))[""]["rev"]
        await write(manager, "plan", n=1)
        prev = await hears(early, prev, 2)
        redis_server.start()
        for n in range(2, 12):
            await write(manager, "plan", n=n)
            prev = await hears(early, prev, n + 1)
        redis_server.stop()
        await write(manager, "plan", n=12)
        async with speaking(ada) as late:
            session = (await late.hello())["session"]
            assert session and (await late.sub("plan"))["plan"]["v"] == 13
        await hears(early, prev, 13)
