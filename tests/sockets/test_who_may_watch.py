"""The live socket's door: who gets in, what of, and what happens when that changes."""

from __future__ import annotations

import asyncio
import threading
import uuid

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from knox.models import AuthToken

from groups import access, live, selectors
from groups.models import Group, GroupAccess, Level
from groups.viewing import watcher
from tests.factories import make_group, make_run, make_token
from tests.sockets.viewer import ORIGIN, Viewer, append_events, poke, session_cookie, watching

pytestmark = pytest.mark.django_db(transaction=True)


async def test_strangers_are_closed_with_4401() -> None:
    viewer = Viewer(ORIGIN)
    assert await viewer.socket.connect() == (True, None)
    assert await viewer.closed() == 4401


@pytest.mark.parametrize(
    "header", [b"Token wrong", b"Token", b"Token \xff", b"Basic YWRhOnNlY3JldA=="]
)
async def test_a_wrong_token_is_closed_with_4401_whatever_the_session(
    ada: User, header: bytes
) -> None:
    cookie = await database_sync_to_async(session_cookie)(ada)
    viewer = Viewer(cookie, (b"authorization", header))
    assert await viewer.socket.connect() == (True, None)
    assert await viewer.closed() == 4401


async def test_a_token_needs_no_origin(ada: User, harbour: Group) -> None:
    token = await database_sync_to_async(make_token)(user=ada)
    viewer = Viewer((b"authorization", f"Token {token}".encode()))
    assert await viewer.socket.connect() == (True, None)
    assert (await viewer.subscribe(f"group:{harbour.id}"))["type"] == "hello"
    await viewer.socket.disconnect()


async def test_foreign_pages_are_refused(ada: User) -> None:
    cookie = await database_sync_to_async(session_cookie)(ada)
    viewer = Viewer((b"origin", b"https://elsewhere.example"), cookie)
    accepted, _ = await viewer.socket.connect()
    assert not accepted


async def test_what_one_may_not_see_and_what_is_not_there_look_the_same(
    cy: User, harbour: Group
) -> None:
    run = await database_sync_to_async(make_run)(group=harbour, events=3)
    async with watching(cy) as viewer:
        for foreign, missing in [
            (f"run:{run.id}", f"run:{uuid.UUID(int=7)}"),
            (f"group:{harbour.id}", "group:nowhere"),
        ]:
            answers = [await viewer.subscribe(topic) for topic in (foreign, missing)]
            assert [answer.pop("topic") for answer in answers] == [foreign, missing]
            assert answers[0] == answers[1]
            assert answers[0]["type"] == "error"
            assert answers[0]["code"] == 404
        await append_events(run=run)
        assert await viewer.silent()


@pytest.mark.parametrize("level", ["vi", "bo", "ada"])
async def test_every_level_may_watch(
    level: str, harbour: Group, request: pytest.FixtureRequest
) -> None:
    run = await database_sync_to_async(make_run)(group=harbour, events=2)
    async with watching(request.getfixturevalue(level)) as viewer:
        assert (await viewer.subscribe(f"run:{run.id}"))["type"] == "hello"
        assert await viewer.hear_up_to(2) == [1, 2]


async def test_removed_access_hears_nothing_more(ada: User, vi: User, harbour: Group) -> None:
    run = await database_sync_to_async(make_run)(group=harbour, events=1)

    def revoke() -> None:
        GroupAccess.objects.filter(user=vi).delete()
        live.announce(pokes=[(live.group_topic(harbour.id), "group", {})])

    async with watching(vi) as removed, watching(ada) as stays:
        for viewer in (removed, stays):
            await viewer.subscribe(f"run:{run.id}")
            assert await viewer.hear_up_to(1) == [1]
        assert (await removed.subscribe(f"group:{harbour.id}"))["type"] == "hello"
        await database_sync_to_async(revoke)()
        refused = [await removed.hear(), await removed.hear()]
        assert {(frame["type"], frame["code"]) for frame in refused} == {("error", 404)}
        assert {frame["topic"] for frame in refused} == {f"run:{run.id}", f"group:{harbour.id}"}
        await append_events(run=run, n=3)
        assert await stays.hear_up_to(4) == [2, 3, 4]
        assert await removed.silent()


async def test_access_that_stays_loses_nothing_when_it_is_read_again(
    vi: User, harbour: Group
) -> None:
    run = await database_sync_to_async(make_run)(group=harbour)
    async with watching(vi) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        for _ in range(10):
            await append_events(run=run, n=2)
            await poke(live.group_topic(harbour.id), "group")
            await append_events(run=run, n=2)
        assert await viewer.hear_up_to(40) == list(range(1, 41))
        assert await viewer.silent()


async def test_access_that_is_lost_while_it_is_read_again_is_lost(
    ada: User, vi: User, harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await database_sync_to_async(make_run)(group=harbour)
    reading, revoked, real = threading.Event(), threading.Event(), access.level_in

    def slow(actor: access.Actor, group_id: str) -> Level | None:
        level = real(actor, group_id)
        reading.set()
        assert revoked.wait(5)
        return level

    async with watching(vi) as viewer, watching(ada) as stays:
        await viewer.subscribe(f"run:{run.id}")
        monkeypatch.setattr(access, "level_in", slow)
        await poke(live.group_topic(harbour.id), "group")
        assert await asyncio.to_thread(reading.wait, 5)
        await database_sync_to_async(GroupAccess.objects.filter(user=vi).delete)()
        await poke(live.group_topic(harbour.id), "access")
        assert await viewer.silent()  # so the poke was heard
        revoked.set()
        assert (await viewer.hear())["reason"] == "run_not_found"
        await stays.subscribe(f"run:{run.id}")
        await append_events(run=run, n=2)
        assert await stays.hear_up_to(2) == [1, 2]
        assert await viewer.silent()


async def test_an_older_look_at_the_visible_groups_never_takes_a_newer_one_s_place(
    cy: User, harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database_sync_to_async(GroupAccess.objects.create)(user=cy, group=harbour, level=1)
    looked, revoked, real = threading.Event(), threading.Event(), selectors.visible_group_ids

    def first_slow(actor: access.Actor) -> frozenset[str]:
        found = real(actor)
        if not looked.is_set():
            looked.set()
            assert revoked.wait(5)
        return found

    async with watching(cy) as viewer:
        await viewer.subscribe("dashboard")
        monkeypatch.setattr(selectors, "visible_group_ids", first_slow)
        await poke(live.DASHBOARD, "group", group=harbour.id)
        assert await asyncio.to_thread(looked.wait, 5)
        await database_sync_to_async(GroupAccess.objects.filter(user=cy).delete)()
        await poke(live.DASHBOARD, "access", group=harbour.id)
        # Whatever a second look would find, it has found by now.
        assert await viewer.silent()
        revoked.set()
        # That a group was changed or left is told once more; what happens in it is not.
        assert {(await viewer.hear())["what"] for _ in range(2)} == {"group", "access"}
        await poke(live.DASHBOARD, "runs", group=harbour.id)
        assert await viewer.silent()


async def test_pokes_are_not_lost_when_access_is_read_again(vi: User, harbour: Group) -> None:
    topic = live.group_topic(harbour.id)
    async with watching(vi) as viewer:
        await viewer.subscribe(topic)
        await poke(topic, "group")
        await poke(topic, "members")
        assert {(await viewer.hear())["what"] for _ in range(2)} == {"group", "members"}
        assert await viewer.silent()


async def test_a_session_that_ends_closes_the_socket(
    ada: User, harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "RENEW", 0.1)
    async with watching(ada) as viewer:
        await viewer.subscribe("dashboard")
        await database_sync_to_async(Session.objects.all().delete)()
        assert await viewer.closed() == 4401


async def test_a_token_that_is_withdrawn_closes_the_socket(
    ada: User, harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "RENEW", 0.1)
    token = await database_sync_to_async(make_token)(user=ada)
    viewer = Viewer((b"authorization", f"Token {token}".encode()))
    await viewer.socket.connect()
    await database_sync_to_async(AuthToken.objects.all().delete)()
    assert await viewer.closed() == 4401


async def test_a_deactivated_user_is_closed_with_4403(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "RENEW", 0.1)
    async with watching(ada) as viewer:
        await database_sync_to_async(User.objects.filter(pk=ada.pk).update)(is_active=False)
        assert await viewer.closed() == 4403


async def test_access_is_read_again_by_the_clock_when_nobody_pokes(
    vi: User, harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "RENEW", 0.1)
    run = await database_sync_to_async(make_run)(group=harbour)
    async with watching(vi) as viewer:
        await viewer.subscribe(f"run:{run.id}")
        await database_sync_to_async(GroupAccess.objects.filter(user=vi).delete)()
        assert (await viewer.hear())["reason"] == "run_not_found"
        await append_events(run=run)
        assert await viewer.silent()


async def test_the_dashboard_tells_of_visible_groups_only(cy: User, harbour: Group) -> None:
    mine = await database_sync_to_async(make_group)(group_id="Mine", owner=cy)
    async with watching(cy) as viewer:
        assert (await viewer.subscribe("dashboard"))["seq"] == 0
        await poke(live.DASHBOARD, "runs", group=harbour.id)
        await poke(live.DASHBOARD, "group", group=harbour.id)
        await poke(live.DASHBOARD, "runs", group=mine.id, run="7")
        heard = await viewer.hear()
        assert (heard["type"], heard["what"], heard["group"], heard["run"]) == (
            "poke",
            "runs",
            "Mine",
            "7",
        )
        assert await viewer.silent()
        # A group that the user was let into since.
        await database_sync_to_async(GroupAccess.objects.create)(user=cy, group=harbour, level=1)
        await poke(live.DASHBOARD, "group", group=harbour.id)
        assert (await viewer.hear())["group"] == harbour.id
        await poke(live.DASHBOARD, "members", group=harbour.id)
        assert (await viewer.hear())["what"] == "members"
