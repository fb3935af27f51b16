"""The client and the real server over a real socket: what was promised for either holds for both together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from groups.models import Group
from state.manager import StateManager
from state.policy import Caller
from state.refusals import Conflicting, StateExists, StateNotFound
from state.sync.client import Backoff, ChangeKind, Denied, NotAuthenticated, StarsClient, Superseded
from state.sync.filters import filter_of
from state.sync.tokens import filter_hash
from state.values import AccessPolicy
from tests.sync.client.bridge import Site, site
from tests.sync.client.server import until
from tests.sync.speaker import token_of

pytestmark = pytest.mark.django_db(transaction=True)

LENA = Caller(space="lab", name="agent:lena", admin=True)
Connect: TypeAlias = Callable[..., StarsClient]


@pytest.fixture
async def stars(manager: StateManager) -> AsyncIterator[Site]:
    """The site on a socket; it has a plan."""
    await call(manager.create_state, LENA, "plan", data={"goal": "harbour", "done": 0})
    async with site() as found:
        yield found


@pytest.fixture
async def connect(stars: Site, ada: User, lab: Group) -> Connect:
    """Makes clients of it, which act as agents of the group."""
    token = await call(token_of, ada)

    def make(agent: str = "wim", **more: Any) -> StarsClient:
        chosen = {"token": token, "backoff": Backoff(0.01, 0.05)}
        return StarsClient(stars.url, space="lab", agent=agent, **{**chosen, **more})

    return make


async def call(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
    return await sync_to_async(function, thread_sensitive=False)(*args, **more)


async def test_states_follow_writes_arrive_and_everybody_sees_the_same(
    connect: Connect, manager: StateManager
) -> None:
    async with connect("wim") as wim, connect("wes", compress=True) as wes:
        assert (wim.agent, wes.agent) == ("agent:wim", "agent:wes")
        mine = await wim.subscribe("*", timeout=5)
        theirs = await wes.subscribe("*", timeout=5)
        changes = theirs.changes()
        written = await wim.set("plan", {"done": 1})
        assert mine["plan"].data == {"goal": "harbour", "done": 1}
        assert (await wes.create("notes/1", {"text": "x" * 3000})).status == 201
        with pytest.raises(StateExists):
            await wim.create("notes/1")
        await wes.delete("notes/1")
        with pytest.raises(StateNotFound):
            await wim.set("notes/1", {"text": "late"}, base=None)
        seen = [await anext(changes) for _ in range(3)]
        assert [(each.state, each.entry and each.entry.by) for each in seen] == [
            ("plan", "agent:wim"),
            ("notes/1", "agent:wes"),
            ("notes/1", "agent:wes"),
        ]
        assert seen[0].revision == written.revision
        stored = await call(manager.get_state, LENA, "plan")
        assert stored.data == mine["plan"].data == theirs["plan"].data


async def test_agents_that_count_by_editing_lose_no_count(
    connect: Connect, manager: StateManager
) -> None:
    async def work(client: StarsClient) -> None:
        async with client:
            await client.subscribe("plan", timeout=5)
            for _ in range(10):
                await client.edit(
                    "plan", lambda data: {**data, "done": data["done"] + 1}, attempts=50
                )

    await asyncio.gather(*(work(connect("wim", name=str(n))) for n in range(5)))
    stored = await call(manager.get_state, LENA, "plan")
    assert stored.data["done"] == 50


async def test_a_stale_write_is_refused_with_what_stands_there(
    connect: Connect, manager: StateManager
) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        old = plan["plan"].version
        await call(manager.update_state, LENA, "plan", {"goal": "lighthouse"})
        with pytest.raises(Conflicting) as refused:
            await client.set("plan", {"goal": "quay"}, base=old)
        assert refused.value.extra["current"]["goal"] == "lighthouse"
        assert refused.value.extra["causes"][0]["by"] == "agent:lena"
        await client.edit("plan", lambda data: data.update(goal=data["goal"] + " and quay"))
        assert plan["plan"].data["goal"] == "lighthouse and quay"


async def test_pipelined_writes_on_one_path_do_not_collide_with_each_other(
    connect: Connect, manager: StateManager
) -> None:
    async with connect() as client:
        await client.subscribe("plan", timeout=5)
        await asyncio.gather(*(client.set("plan", {"done": n}) for n in range(100)))
        stored = await call(manager.get_state, LENA, "plan")
        assert stored.data["done"] == 99


async def test_breaks_lose_nothing_of_what_is_read_and_written(
    connect: Connect, stars: Site, manager: StateManager
) -> None:
    async with connect() as client, connect("wes") as other:
        plan = await client.subscribe("plan", "log", timeout=5)
        changes = plan.changes()
        await other.create("log", {"lines": []})

        async def cut() -> None:
            for _ in range(6):
                await asyncio.sleep(0.05)
                stars.cut()

        async def write() -> None:
            for number in range(30):
                ops = [{"op": "set", "path": "/lines/-", "value": number}]
                await other.write("log", ops, base=None)
                await asyncio.sleep(0.01)

        await asyncio.gather(cut(), write())
        wanted = list(range(30))
        await plan.wait_for(lambda states: states["log"].data["lines"] == wanted, timeout=10)
        versions: list[int] = []
        while not versions or versions[-1] < 31:
            change = await anext(changes)
            assert change.kind in (ChangeKind.ENTRY, ChangeKind.SNAPSHOT)
            assert change.after is not None
            versions.append(change.after.version)
        assert versions == list(range(1, 32)), "every version, once"


async def test_mode_latest_ends_where_the_server_is(
    connect: Connect, manager: StateManager
) -> None:
    async with connect() as client:
        latest = await client.subscribe("*", mode="latest", timeout=5)
        for number in range(5):
            await call(manager.create_state, LENA, f"n/{number}", data={"n": 0})
            await call(manager.update_state, LENA, f"n/{number}", {"n": number})
        stored: dict[str, Any] = {f"n/{n}": {"n": n} for n in range(5)}
        stored["plan"] = {"goal": "harbour", "done": 0}

        def same(states: Any) -> bool:
            return {name: each.data for name, each in states.items()} == stored

        await latest.wait_for(same, timeout=5)


async def test_what_may_be_read_no_more_goes_and_comes_back(
    connect: Connect, manager: StateManager, bo: User
) -> None:
    token = await call(token_of, bo)
    async with connect("", token=token) as client:
        states = await client.subscribe("plan", timeout=5)
        closed, open_ = AccessPolicy(read_allow=("agent:lena",)), AccessPolicy(public=True)
        await call(manager.configure, LENA, "plan", {"access_policy": closed})
        await states.wait_for(lambda found: "plan" not in found, timeout=5)
        await call(manager.configure, LENA, "plan", {"access_policy": open_})
        await states.wait_for(lambda found: "plan" in found, timeout=5)


async def test_pulling(connect: Connect, manager: StateManager) -> None:
    async with connect(mode="pull") as client:
        plan = await client.subscribe("plan", timeout=5)
        await call(manager.update_state, LENA, "plan", {"done": 5})
        assert plan["plan"].data["done"] == 0
        async with asyncio.timeout(10):
            # What was committed just now may not have been seen by who is asked.
            while not await plan.pull() or plan["plan"].data["done"] != 5:
                pass


async def test_bad_tokens_strangers_and_successors(connect: Connect, cy: User) -> None:
    with pytest.raises(NotAuthenticated):
        async with connect(token="nonsense"):
            pass
    with pytest.raises((Denied, Exception)) as refused:
        async with connect("", token=await call(token_of, cy)):
            pass
    assert getattr(refused.value, "status", 0) in (403, 404)
    async with connect(exclusive=True) as old:
        waiting = asyncio.create_task(old.subscribe("nowhere/*", timeout=5))
        await waiting
        async with connect(exclusive=True) as new:
            await until(lambda: old.status == "error")
            with pytest.raises(Superseded):
                await old.set("plan", {"done": 1})
            await new.set("plan", {"done": 2})


def test_tokens_tell_filters_apart() -> None:
    one, other = filter_of(["a"]), filter_of(["a*"])
    assert filter_hash(one, LENA) != filter_hash(other, LENA)
