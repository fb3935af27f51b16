"""Changes by long poll, and snapshots: everything that is new, once, and nothing that may not be seen."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import SyncToAsync, sync_to_async
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from knox.models import AuthToken

from groups import live
from groups.models import Group, GroupAccess
from groups.services import membership
from state.manager import StateManager
from state.manager.compacting import compact
from state.sync import changes as syncing
from state.sync import standing, tokens
from state.values import AccessPolicy
from tests.state_api.asker import Asker, application, configure, create, write
from tests.sync.speaker import token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(syncing, "LINGER", 0.0)
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result(5)


def seen(page: dict[str, Any]) -> list[tuple[str, int]]:
    return [(each["id"], each["v"]) for each in page["entries"]]


async def test_a_snapshot_and_then_every_change_once(
    lab: Group, manager: StateManager, ada: User
) -> None:
    await create(manager, "plan", {"n": 0})
    await create(manager, "notes/1")
    await create(manager, "elsewhere")
    who, states = Asker(ada), "plan,notes/*"
    first = await who.fine("snapshot", states=states)
    assert first["snapshot"] and not first["more"]
    assert [(each["id"], each["v"], each["data"]) for each in first["states"]] == [
        ("notes/1", 1, {}),
        ("plan", 1, {"n": 0}),
    ]
    for n in range(1, 4):
        await write(manager, "plan", n=n)
        await write(manager, "elsewhere", n=n)
    await create(manager, "notes/2")
    found, token, rounds = [], first["token"], 0
    while True:
        page = await who.fine("changes", since=token, states=states, limit=2, wait=0)
        found += seen(page)
        token, rounds = page["token"], rounds + 1
        if not page["more"]:
            break
    assert found == [("plan", 2), ("plan", 3), ("plan", 4), ("notes/2", 1)]
    assert rounds == 2
    entry = page["entries"][0]
    assert entry["ops"] == [{"op": "set", "path": "/n", "value": 3}]
    assert (entry["pv"], entry["by"]) == (3, "agent:lena")


async def test_without_a_token_it_begins_with_the_snapshot_and_from_now_with_nothing(
    lab: Group, manager: StateManager, ada: User
) -> None:
    await create(manager, "plan")
    who = Asker(ada)
    whole = await who.fine("changes", states="plan")
    assert whole["snapshot"] and [each["id"] for each in whole["states"]] == ["plan"]
    now = await who.fine("changes", states="plan", since="now")
    assert (now["snapshot"], now["states"], now["entries"]) == (False, [], [])
    await write(manager, "plan", n=1)
    for token in (whole["token"], now["token"]):
        assert seen(await who.fine("changes", states="plan", since=token, wait=0)) == [("plan", 2)]


async def test_when_nothing_came_there_is_a_newer_token(
    lab: Group, manager: StateManager, ada: User
) -> None:
    await create(manager, "plan")
    await create(manager, "elsewhere")
    who = Asker(ada)
    token = (await who.fine("snapshot", states="plan"))["token"]
    await write(manager, "elsewhere", n=1)
    began = time.monotonic()
    answer = await who.get("changes", since=token, states="plan", wait=1)
    assert 0.9 < time.monotonic() - began < 3
    assert (answer.status_code, answer.content) == (204, b"")
    bookmark = answer["Stars-Token"]
    assert tokens.decode(bookmark).revision == 3 > tokens.decode(token).revision
    await write(manager, "plan", n=1)
    assert seen(await who.fine("changes", since=bookmark, states="plan")) == [("plan", 2)]


async def test_a_poll_ends_as_soon_as_something_it_may_see_comes(
    lab: Group, manager: StateManager, ada: User
) -> None:
    await create(manager, "plan")
    await create(manager, "elsewhere")
    who = Asker(ada)
    token = (await who.fine("snapshot", states="plan"))["token"]
    poll = asyncio.create_task(who.fine("changes", since=token, states="plan", wait=25))
    await asyncio.sleep(0.2)
    await write(manager, "elsewhere", n=1)
    await asyncio.sleep(0.2)
    assert not poll.done()
    began = time.monotonic()
    await write(manager, "plan", n=1)
    assert seen(await poll) == [("plan", 2)]
    assert time.monotonic() - began < 1


async def test_everything_committed_before_it_was_asked_is_seen_though_no_poke_came(
    lab: Group, manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "LINGER", 30.0)
    await create(manager, "plan")
    who = Asker(ada)
    token = (await who.fine("snapshot"))["token"]  # the space is followed from here on
    monkeypatch.setattr("state.fanout.hub", lambda: None)
    monkeypatch.setattr(manager, "_poke", lambda *args: None, raising=False)
    for version in range(2, 12):
        await write(manager, "plan", n=version)
        page = await who.fine("changes", since=token, wait=0)
        assert seen(page) == [("plan", version)]
        token = page["token"]


async def test_latest_comes_once_for_each_state_however_small_the_limit(
    lab: Group, manager: StateManager, ada: User
) -> None:
    for name in "abc":
        await create(manager, name, {"n": 0})
    who = Asker(ada)
    token = (await who.fine("snapshot", mode="latest"))["token"]
    for n, name in enumerate("abcba", start=1):
        await write(manager, name, n=n)
    page = await who.fine("changes", since=token, mode="latest", limit=1, wait=0)
    assert seen(page) == [("a", 3), ("b", 3), ("c", 2)]
    assert all(each["coalesced"] for each in page["entries"])
    assert not page["more"]
    assert (await who.get("changes", since=page["token"], mode="latest", wait=0)).status_code == 204


async def test_tokens_that_cannot_be_continued_lead_to_the_snapshot(
    lab: Group, manager: StateManager, ada: User, bo: User
) -> None:
    await create(manager, "plan")
    who = Asker(ada, Stars_Agent="wim")
    token = (await who.fine("snapshot", states="plan"))["token"]
    place = tokens.decode(token)

    async def lost(reason: str, since: str, asker: Asker = who, states: str = "plan") -> str:
        told = await asker.refused(410, reason, "changes", since=since, states=states, wait=0)
        return str(told["snapshot"])

    link = await lost("epoch", tokens.encode(tokens.Token("another", 1, place.filter_hash)))
    assert link == "http://testserver/api/v1/spaces/lab/snapshot?states=plan&mode=all&agent=wim"
    assert (await who.get(link, root="")).json()["states"][0]["id"] == "plan"
    await lost("future", tokens.encode(tokens.Token(place.epoch, 999, place.filter_hash)))
    await lost("filter", token, states="plan,notes/*")
    await lost("filter", token, asker=Asker(ada))  # another reader
    await lost("filter", token, asker=Asker(bo, Stars_Agent="wes"))
    await write(manager, "plan", n=1)
    await write(manager, "plan", n=2)
    await sync_to_async(compact, thread_sensitive=False)(manager.store, "lab", floor=3)
    await lost("compacted", token)


@pytest.mark.parametrize(
    ("query", "reason", "field"),
    [
        ({"since": "x"}, "bad_token", ""),
        ({"since": "!!!.1"}, "bad_token", ""),
        ({"since": ""}, "invalid", "since"),
        ({"limit": "0"}, "invalid", "limit"),
        ({"limit": "-1"}, "invalid", "limit"),
        ({"limit": "x"}, "invalid", "limit"),
        ({"wait": "-1"}, "invalid", "wait"),
        ({"wait": "1.5"}, "invalid", "wait"),
        ({"states": ""}, "bad_pattern", ""),
        ({"states": "a*b"}, "bad_pattern", ""),
        ({"states": "plan,"}, "bad_pattern", ""),
        ({"states": ",".join(map(str, range(1001)))}, "invalid", "states"),
        ({"mode": "some"}, "invalid", "mode"),
        ({"sates": "plan"}, "invalid", "sates"),
        ({"states": ["a", "b"]}, "invalid", "states"),
        ({"agent": ""}, "invalid", "Stars-Agent"),
    ],
)
async def test_bad_questions_are_told_what_is_wrong(
    lab: Group, ada: User, query: dict[str, Any], reason: str, field: str
) -> None:
    await Asker(ada).refused(400, reason, "changes", field=field, **query)


async def test_who_may_not_see_the_space_is_refused(
    lab: Group, ada: User, vi: User, cy: User
) -> None:
    nobody = await Asker(None).get("changes")
    assert (nobody.status_code, nobody.json()["reason"]) == (401, "not_authenticated")
    assert nobody["WWW-Authenticate"] == "Token"
    await Asker(None, Authorization="Token wrong").refused(401, "not_authenticated", "snapshot")
    await Asker(cy).refused(404, "not_found", "changes")
    await Asker(vi, Stars_Agent="wim").refused(403, "level_too_low", "snapshot")
    await Asker(ada, Stars_Agent="ghost").refused(400, "not_a_member", "changes")
    await Asker(ada).refused(400, "not_a_member", "changes", agent="ghost")
    assert (await Asker(ada).get("changes", method="POST")).status_code in (403, 405)


async def test_states_that_are_not_there_for_you_are_named_and_the_others_served(
    lab: Group, manager: StateManager, ada: User, bo: User
) -> None:
    await create(manager, "plan")
    await create(manager, "secret", access_policy=AccessPolicy())
    who = Asker(bo)
    first = await who.fine("snapshot", states="plan,secret,ghost")
    assert [each["id"] for each in first["states"]] == ["plan"]
    assert first["missing"] == ["ghost", "secret"]
    await create(manager, "ghost")
    page = await who.fine("changes", states="plan,secret,ghost", since=first["token"], wait=0)
    assert (seen(page), page["missing"]) == ([("ghost", 1)], ["secret"])
    assert (await Asker(ada).fine("snapshot", states="secret"))["missing"] == []


async def test_what_was_granted_comes_whole_even_when_the_page_is_full(
    lab: Group, manager: StateManager, bo: User
) -> None:
    await create(manager, "plan")
    await create(manager, "secret", {"n": 1}, access_policy=AccessPolicy())
    who = Asker(bo)
    token = (await who.fine("snapshot"))["token"]
    await configure(manager, "secret", access_policy=AccessPolicy(public=True))
    for n in range(3):
        await write(manager, "plan", n=n)
    await write(manager, "secret", n=2)
    known: dict[str, tuple[int, int]] = {"plan": (1, 0)}
    more = True
    while more:
        page = await who.fine("changes", since=token, limit=1, wait=0)
        known |= {each["id"]: (each["v"], each["data"]["n"]) for each in page["states"]}
        for each in page["entries"]:
            version, n = known.get(each["id"], (1 << 60, 0))
            if each["v"] > version:
                assert each["pv"] == version
                [op] = each["ops"]
                known[each["id"]] = (each["v"], op["value"])
        token, more = page["token"], page["more"]
    assert known == {"plan": (4, 2), "secret": (3, 2)}


async def test_a_poll_ends_with_what_was_revoked_when_its_reader_changes(
    lab: Group, manager: StateManager, ada: User
) -> None:
    await create(manager, "lead", access_policy=AccessPolicy(read_allow=("tag:blue",)))
    await create(manager, "crew", access_policy=AccessPolicy(read_allow=("tag:red",)))
    retag = database_sync_to_async(membership.change)
    who = Asker(ada, Stars_Agent="wim")
    await retag(actor=ada, group=lab, agent_id="wim", tags=["blue"])
    first = await who.fine("snapshot")
    assert [each["id"] for each in first["states"]] == ["lead"]
    poll = asyncio.create_task(who.fine("changes", since=first["token"], wait=25))
    await asyncio.sleep(0.3)
    await retag(actor=ada, group=lab, agent_id="wim", tags=["red"])
    page = await asyncio.wait_for(poll, 5)
    assert page["revoked"] == ["lead"]
    assert [each["id"] for each in page["states"]] == ["crew"]
    # Its token belongs to the new reader.
    assert (await who.get("changes", since=page["token"], wait=0)).status_code == 204
    await who.refused(410, "filter", "changes", since=first["token"], wait=0)


def _poke(lab: Group) -> None:
    live.announce(pokes=[(live.group_topic(lab.id), "access", {})])


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda user: GroupAccess.objects.filter(user=user).delete(), 404),
        (lambda user: AuthToken.objects.filter(user=user).delete(), 401),
        (lambda user: User.objects.filter(pk=user.pk).update(is_active=False), 401),
    ],
    ids=["access removed", "token revoked", "user deactivated"],
)
@pytest.mark.parametrize("poked", [True, False], ids=["poked", "by the clock"])
async def test_a_poll_ends_when_its_reader_may_no_more(
    end: Callable[[User], object],
    status: int,
    poked: bool,
    lab: Group,
    manager: StateManager,
    vi: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not poked:
        monkeypatch.setattr(standing, "RENEW", 0.2)
    await create(manager, "plan")
    who = Asker(vi)
    token = (await who.fine("snapshot"))["token"]
    poll = asyncio.create_task(who.get("changes", since=token, wait=25))
    await asyncio.sleep(0.3)
    assert not poll.done()
    await database_sync_to_async(end)(vi)
    if poked:
        await database_sync_to_async(_poke)(lab)
    assert (await asyncio.wait_for(poll, 5)).status_code == status


async def test_a_poll_ends_with_its_token(lab: Group, manager: StateManager, vi: User) -> None:
    await create(manager, "plan")
    text = await database_sync_to_async(token_of)(vi)
    who = Asker(vi, Authorization=f"Token {text}")
    token = (await who.fine("snapshot"))["token"]
    expiry = datetime.now(UTC) + timedelta(seconds=1)
    await database_sync_to_async(AuthToken.objects.filter(user=vi).update)(expiry=expiry)
    answer = await asyncio.wait_for(who.get("changes", since=token, wait=25), 5)
    assert answer.status_code == 401


async def test_forty_polls_hold_no_thread(lab: Group, manager: StateManager, ada: User) -> None:
    await create(manager, "plan")
    who = Asker(ada)
    token = (await who.fine("snapshot"))["token"]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/spaces/lab/changes",
        "query_string": f"since={token}&wait=25".encode(),
        "headers": [
            (b"host", b"testserver"),
            (b"authorization", who.headers["Authorization"].encode()),
        ],
    }
    statuses: list[int] = []

    async def poll() -> None:
        said = iter([{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Any:
            return next(said, None) or await asyncio.Event().wait()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        await application(dict(scope), receive, send)

    before = threading.active_count()
    polls = [asyncio.create_task(poll()) for _ in range(40)]
    await asyncio.sleep(1.5)
    waiting = threading.active_count()
    await write(manager, "plan", n=1)
    async with asyncio.timeout(5):
        await asyncio.gather(*polls)
    assert statuses == [200] * 40
    assert waiting - before < 20, (before, waiting)


async def test_a_poll_reads_as_much_of_many_states_as_of_one(
    lab: Group, manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncing, "LINGER", 30.0)
    reads: list[str] = []
    for name in ("open_space", "read_log", "list_states", "load_states", "load_state"):
        real = getattr(manager.store, name)

        def count(*args: Any, _name: str = name, _real: Any = real, **kwargs: Any) -> Any:
            reads.append(_name)
            return _real(*args, **kwargs)

        monkeypatch.setattr(manager.store, name, count)
    who = Asker(ada)
    counted = []
    for number in (1, 10):
        for each in range(number):
            await create(manager, f"{number}/{each}")
        token = (await who.fine("changes", since="now"))["token"]
        for each in range(number):
            await write(manager, f"{number}/{each}", n=1)
        await asyncio.sleep(0.2)  # what the writes have the feed read
        reads.clear()
        assert len(seen(await who.fine("changes", since=token, wait=0))) == number
        counted.append(list(reads))
    assert counted == [["open_space"], ["open_space"]]
