"""Pokes about shared states: who hears of a space, and who may hear the names of its states."""

from __future__ import annotations

from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User

from groups import live
from groups.models import Group, GroupAccess, Level
from groups.services import tokens
from groups.viewing import watcher
from state import conf
from state.policy import system
from tests.factories import make_group
from tests.sockets.viewer import Viewer, poke, watching

pytestmark = pytest.mark.django_db(transaction=True)

TOPIC = "space:Harbour"


@database_sync_to_async
def write(space: str, state_id: str) -> int:
    """Somebody makes a state; gives the revision."""
    return conf.manager().create_state(system(space), state_id, data={"n": 7}).revision


async def hello(viewer: Any, topic: str = TOPIC) -> None:
    assert (await viewer.subscribe(topic))["type"] == "hello"


async def test_whoever_may_read_all_states_hears_which_ones_changed(
    ada: User, harbour: Group
) -> None:
    async with watching(ada) as viewer:
        await hello(viewer)
        revision = await write("Harbour", "plans/spring")
        heard = await viewer.hear()
        assert (heard["type"], heard["what"]) == ("poke", "states")
        assert (heard["topic"], heard["revision"]) == (TOPIC, revision)
        assert heard["states"] == ["plans/spring"]


@pytest.mark.parametrize("level", ["vi", "bo"])
async def test_others_hear_that_something_changed_and_no_ids(
    level: str, harbour: Group, request: pytest.FixtureRequest
) -> None:
    async with watching(request.getfixturevalue(level)) as viewer:
        await hello(viewer)
        await write("Harbour", "secret/plan")
        heard = await viewer.hear()
        assert heard["what"] == "states"
        assert "secret" not in str(heard)


async def test_a_space_that_one_may_not_see_and_one_that_is_not_there_look_the_same(
    cy: User, harbour: Group
) -> None:
    async with watching(cy) as viewer:
        answers = [
            await viewer.subscribe(topic) for topic in (TOPIC, "space:nowhere", "space:\x00")
        ]
        assert len({answer.pop("topic") for answer in answers}) == 3
        assert answers[0] == answers[1] == answers[2]
        assert (answers[0]["code"], answers[0]["reason"]) == (404, "not_found")
        await write("Harbour", "plan")
        assert await viewer.silent()


async def test_a_space_is_heard_alone(ada: User, harbour: Group) -> None:
    await database_sync_to_async(make_group)(group_id="Mine", owner=ada)
    async with watching(ada) as viewer:
        await hello(viewer)
        await write("Mine", "plan")
        assert await viewer.silent()


async def test_the_space_of_the_installation_is_open_to_everybody(
    cy: User, ada: User, db: None
) -> None:
    await database_sync_to_async(User.objects.filter(pk=ada.pk).update)(is_superuser=True)
    async with watching(cy) as viewer, watching(ada) as administrator:
        for each in (viewer, administrator):
            await hello(each, "space:_global")
        await database_sync_to_async(
            lambda: conf.manager().create_state(system("_global"), "rates")
        )()
        assert "rates" not in str(await viewer.hear())
        assert (await administrator.hear())["states"] == ["rates"]


async def test_removed_access_hears_nothing_more_of_the_space(
    ada: User, vi: User, harbour: Group
) -> None:
    def revoke() -> None:
        GroupAccess.objects.filter(user=vi).delete()
        live.announce(pokes=[(live.group_topic(harbour.id), "group", {})])

    async with watching(vi) as removed, watching(ada) as stays:
        for viewer in (removed, stays):
            await hello(viewer)
        await database_sync_to_async(revoke)()
        refused = await removed.hear()
        assert (refused["type"], refused["code"], refused["topic"]) == ("error", 404, TOPIC)
        await write("Harbour", "plan")
        assert (await stays.hear())["what"] == "states"
        assert await removed.silent()


async def test_whoever_is_no_longer_owner_hears_no_more_ids(bo: User, harbour: Group) -> None:
    levels = GroupAccess.objects.filter(user=bo)
    await database_sync_to_async(levels.update)(level=Level.OWNER)
    async with watching(bo) as viewer:
        await hello(viewer)
        await write("Harbour", "first")
        assert (await viewer.hear())["states"] == ["first"]
        await database_sync_to_async(levels.update)(level=Level.OPERATOR)
        await poke(live.group_topic(harbour.id), "access")
        assert await viewer.silent()
        await write("Harbour", "second")
        heard = await viewer.hear()
        assert heard["what"] == "states" and "second" not in str(heard)


async def test_an_owner_s_token_that_may_only_read_hears_no_ids_ever(
    ada: User, harbour: Group
) -> None:
    _, text = await database_sync_to_async(tokens.make)(actor=ada, name="t", scopes=["read"])
    viewer = Viewer((b"authorization", b"Bearer " + text.encode()))
    assert (await viewer.socket.connect())[0]
    await hello(viewer)
    await poke(live.group_topic(harbour.id), "access")
    assert await viewer.silent()
    await write("Harbour", "secret/plan")
    heard = await viewer.hear()
    assert heard["what"] == "states" and "secret" not in str(heard)
    await viewer.socket.disconnect()


async def test_an_administrator_of_the_installation_who_is_one_no_more_hears_no_ids(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "RENEW", 0.1)
    users = User.objects.filter(pk=ada.pk)
    await database_sync_to_async(users.update)(is_superuser=True)
    async with watching(ada) as viewer:
        await hello(viewer, "space:_global")
        await database_sync_to_async(users.update)(is_superuser=False)
        for n in range(40):
            await database_sync_to_async(
                lambda n=n: conf.manager().create_state(system("_global"), f"rates/{n}")
            )()
            heard = await viewer.hear()
            if "states" not in heard:
                break
        assert "rates" not in str(heard)
