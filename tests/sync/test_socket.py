"""The sync socket: what a subscriber gets, in which order, and from where it goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from state.manager import StateManager
from state.models import Connection
from state.policy import Caller
from state.values import AccessPolicy
from tests.sync.speaker import speaking

pytestmark = pytest.mark.django_db(transaction=True)

LENA = Caller(space="lab", name="agent:lena", admin=True)


def write(manager: StateManager, state_id: str, **values: Any) -> Any:
    return sync_to_async(manager.update_state, thread_sensitive=False)(LENA, state_id, values)


def create(manager: StateManager, state_id: str, data: Any = None, **more: Any) -> Any:
    make = sync_to_async(manager.create_state, thread_sensitive=False)
    return make(LENA, state_id, data=data or {}, **more)


async def test_a_snapshot_is_followed_by_every_change_in_a_chain(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan", {"n": 0})
    async with speaking(ada) as bo:
        welcome = await bo.hello()
        assert (welcome["head"], welcome["agent"]) == (1, "human:ada")
        found = await bo.sub("plan", "notes/*")
        assert found["plan"]["data"] == {"n": 0}
        await write(manager, "plan", n=1)
        await create(manager, "notes/1")
        await create(manager, "elsewhere")
        await write(manager, "plan", n=2)
        prev = found[""]["rev"]
        seen: list[tuple[str, int, int]] = []
        while len(seen) < 3:
            delta = await bo.hear("delta")
            assert delta["prev"] == prev
            prev = delta["rev"]
            seen += [(each["id"], each["v"], each["pv"]) for each in delta["entries"]]
        assert seen == [("plan", 2, 1), ("notes/1", 1, 0), ("plan", 3, 2)]
        assert delta["synced"]


async def test_whoever_comes_back_with_its_token_gets_exactly_what_it_missed(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan", {"n": 0})
    async with speaking(ada) as one:
        session = (await one.hello())["session"]
        token = (await one.sub("plan"))[""]["token"]
    for n in range(1, 6):
        await write(manager, "plan", n=n)
    async with speaking(ada) as two:
        welcome = await two.hello(session=session)
        assert welcome["resumed"]
        await two.say("sub", sub=1, states=["plan"], **{"from": token})
        delta = await two.hear("delta")
        assert [each["v"] for each in delta["entries"]] == [2, 3, 4, 5, 6]
        assert delta["prev"] == 1
        assert delta["rev"] == 6


@pytest.mark.parametrize(
    ("code", "status"), [(1000, "disconnected"), (1001, "reconnecting"), (1005, "reconnecting")]
)
async def test_a_session_ends_with_a_goodbye_and_is_kept_without(
    manager: StateManager, ada: User, code: int, status: str
) -> None:
    async with speaking(ada, leaves_with=code) as one:
        session = (await one.hello())["session"]
    row = Connection.objects.filter(pk=session)
    async with asyncio.timeout(5):
        while (found := await row.aget()).status == "connected":
            await asyncio.sleep(0.01)
    assert found.status == status
    async with speaking(ada) as two:
        assert (await two.hello(session=session)).get("resumed", False) is (code != 1000)


async def test_a_write_is_answered_once_it_stands_and_a_conflict_in_place(
    manager: StateManager, ada: User
) -> None:
    await create(manager, "plan", {"n": 0}, resolution="reject")
    async with speaking(ada) as bo:
        await bo.hello()
        await bo.sub("plan")
        await bo.say(
            "write", op_id="a", state="plan", base=1, ops=[{"op": "set", "path": "/n", "value": 5}]
        )
        frames = [await bo.hear("res", "delta") for _ in range(2)]
        res = next(each for each in frames if each["t"] == "res")
        delta = next(each for each in frames if each["t"] == "delta")
        assert (res["status"], res["v"], res["rev"]) == (200, 2, 2)
        assert delta["entries"][0]["op_id"] == "a"
        await bo.say(
            "write", op_id="b", state="plan", base=1, ops=[{"op": "set", "path": "/n", "value": 6}]
        )
        refusal = await bo.hear("res")
        assert refusal["status"] == 409
        assert refusal["problem"]["current"] == {"n": 5}


async def test_losing_the_right_to_read_ends_it_and_getting_it_brings_the_state(
    manager: StateManager, ada: User, bo: User
) -> None:
    await create(manager, "plan", {"n": 0})
    change = sync_to_async(manager.configure, thread_sensitive=False)
    async with speaking(bo) as wo:
        await wo.hello()
        await wo.sub("*")
        await change(LENA, "plan", {"access_policy": AccessPolicy()})
        assert (await wo.hear("revoked"))["states"] == ["plan"]
        await write(manager, "plan", n=1)
        assert await wo.silent()
        await change(LENA, "plan", {"access_policy": AccessPolicy(public=True)})
        snap = await wo.hear("snap")
        assert [(each["id"], each["v"], each["data"]) for each in snap["states"]] == [
            ("plan", 4, {"n": 1})
        ]
        await write(manager, "plan", n=2)
        assert (await wo.hear("mark", "delta"))["prev"] == snap["rev"]
