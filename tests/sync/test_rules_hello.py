"""Hello: who may speak on a sync socket, and how everybody else is sent away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from knox.models import AuthToken

from groups import live as group_live
from groups.models import Group, GroupAccess, Level
from state.manager import StateManager
from state.sync import protocol, rights
from tests.factories import make_group
from tests.sync.rules import create, end_of, shorten
from tests.sync.speaker import Speaker, speaking, token_of

pytestmark = pytest.mark.django_db(transaction=True)


NO_HELLO = [
    ('{"t":"hello","proto":2}', "wrong_version"),
    ('{"t":"hello"}', "invalid_frame"),
    ('{"t":"hello","proto":1,"mode":"shout"}', "invalid_frame"),
    ('{"t":"hello","proto":1,"compress":"brotli"}', "invalid_frame"),
    ('{"t":"sub","sub":1,"states":["*"]}', "hello_first"),
    ('{"t":"write","op_id":"a","state":"plan","ops":[{"op":"set","path":"/n"}]}', "hello_first"),
    ('{"t":"hb","n":0}', "hello_first"),
    ("hello", "malformed"),
]


async def test_whatever_is_not_hello_of_this_version_ends_the_socket(
    manager: StateManager, ada: User
) -> None:
    for frame, reason in NO_HELLO:
        async with speaking(ada) as speaker:
            await speaker.raw(frame)
            end = await end_of(speaker)
            assert [(each["t"], each["reason"]) for each in end.before] == [("error", reason)]
            assert (end.code, end.bye["reason"]) == (4400, reason)


async def test_a_second_hello_is_refused_and_the_first_one_stands(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan", {"n": 1})
    async with speaking(ada) as speaker:
        await speaker.hello()
        await speaker.say("hello", proto=1, agent="lena")
        assert (await speaker.hear("error"))["reason"] == "hello_first"
        assert (await speaker.sub("plan"))["plan"]["data"] == {"n": 1}


async def test_whoever_says_nothing_is_sent_away(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch)
    monkeypatch.setattr(protocol, "HELLO_S", 0.1)
    async with speaking(ada) as speaker:
        end = await end_of(speaker)
        assert (end.code, end.bye["reason"], end.before) == (4400, "hello_first", [])


async def test_a_token_in_hello_is_as_good_as_one_in_a_header(
    manager: StateManager, ada: User
) -> None:
    token = await sync_to_async(token_of)(ada)
    async with speaking(None) as speaker:
        assert (await speaker.hello(token_auth=token))["agent"] == "human:ada"


async def _none(user: User) -> str:
    return ""


async def _wrong(user: User) -> str:
    return "0" * 64


async def _odd(user: User) -> str:
    return "é \n\t群"


async def _expired(user: User) -> str:
    return await sync_to_async(token_of)(user, expiry=timedelta(seconds=-1))


async def _ended(user: User) -> str:
    token = await sync_to_async(token_of)(user)
    await sync_to_async(AuthToken.objects.filter(user=user).delete)()
    return token


async def _inactive(user: User) -> str:
    token = await sync_to_async(token_of)(user)
    await sync_to_async(User.objects.filter(pk=user.pk).update)(is_active=False)
    return token


async def test_without_a_valid_token_it_ends_with_4401(manager: StateManager, ada: User) -> None:
    for given in (_none, _wrong, _odd, _expired, _ended, _inactive):
        token = await given(ada)
        async with speaking(None) as speaker:
            await speaker.say("hello", proto=1, token_auth=token)
            end = await end_of(speaker)
            assert (end.code, end.bye["reason"]) == (4401, "not_authenticated"), given


async def test_a_wrong_token_in_the_header_is_told_by_the_same_code(
    manager: StateManager, lab: Group
) -> None:
    speaker = Speaker((b"authorization", b"Token nobody's"))
    await speaker.socket.connect(timeout=5)
    await speaker.say("hello", proto=1)
    assert (await end_of(speaker)).code == 4401
    await speaker.socket.disconnect(timeout=5)


async def test_who_is_no_member_or_asks_for_a_foreign_agent_ends_with_4403(
    manager: StateManager, lab: Group, ada: User, vi: User, cy: User
) -> None:
    await sync_to_async(make_group)(group_id="other", owner=cy, leader="stranger")
    await sync_to_async(GroupAccess.objects.create)(group=lab, user=vi, level=Level.VIEWER)
    for user, space, agent in (
        (cy, "lab", ""),
        (cy, "lab", "lena"),
        (ada, "nowhere", ""),
        (ada, "%00", ""),
        (ada, "lab", "nobody"),
        (ada, "lab", "stranger"),
        (vi, "lab", "wim"),
        (cy, "_global", "lena"),
    ):
        async with speaking(user, space=space) as speaker:
            await speaker.say("hello", proto=1, agent=agent)
            end = await end_of(speaker)
            assert end.code == 4403, (user, space, agent)
            assert [each["t"] for each in end.before] == ["error"]
            assert end.before[0]["code"] in (400, 403, 404)


async def test_an_outsider_cannot_tell_a_space_from_none(manager: StateManager, cy: User) -> None:
    told = []
    for space in ("lab", "nowhere"):
        async with speaking(cy, space=space) as speaker:
            await speaker.say("hello", proto=1)
            told.append(await end_of(speaker))
    assert told[0] == told[1]


async def test_a_token_that_expires_ends_the_socket_in_mid_stream(
    manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorten(monkeypatch)
    await create(manager, "plan")
    token = await sync_to_async(token_of)(ada, expiry=timedelta(seconds=0.4))
    async with speaking(None) as speaker:
        await speaker.hello(token_auth=token)
        found = await speaker.sub("*")
        await speaker.say("ack", sub=1, rev=found[""]["rev"])
        end = await end_of(speaker)
        assert (end.code, end.bye["reason"]) == (4401, "not_authenticated")
        assert end.bye["tokens"] == {"1": found[""]["token"]}
    async with speaking(ada) as again:
        await again.hello()
        await again.say("sub", sub=1, states=["*"], **{"from": end.bye["tokens"]["1"]})
        assert (await again.hear())["t"] == "mark"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda user: User.objects.filter(pk=user.pk).update(is_active=False), 4401),
        (lambda user: AuthToken.objects.filter(user=user).delete(), 4401),
        (lambda user: GroupAccess.objects.filter(user=user).delete(), 4403),
    ],
    ids=["deactivated", "token ended", "access removed"],
)
async def test_what_nobody_tells_is_noticed_when_it_is_looked_up_again(
    manager: StateManager, bo: User, monkeypatch: pytest.MonkeyPatch, change: Any, code: int
) -> None:
    shorten(monkeypatch)
    monkeypatch.setattr(rights, "RENEW", 0.1)
    async with speaking(bo) as speaker:
        await speaker.hello()
        await speaker.sub("*")
        await sync_to_async(change)(bo)
        assert (await end_of(speaker)).code == code


async def test_leaving_the_group_ends_the_socket_at_once(
    manager: StateManager, lab: Group, ada: User, bo: User
) -> None:
    def remove() -> None:
        GroupAccess.objects.filter(user=bo).delete()
        group_live.announce(pokes=[(group_live.group_topic("lab"), "access", {})])

    await create(manager, "plan")
    async with speaking(bo) as removed, speaking(ada) as stays:
        for speaker in (removed, stays):
            await speaker.hello()
            await speaker.sub("*")
        await sync_to_async(remove)()
        end = await end_of(removed)
        assert (end.code, end.bye["reason"]) == (4403, "not_found")
        await create(manager, "later")
        assert (await stays.hear("delta"))["entries"][0]["id"] == "later"
