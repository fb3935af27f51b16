"""The client over a real socket: replicas that follow, writes that arrive once, breaks that are not noticed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from state.refusals import Conflicting, JsonDomain
from state.sync.client import Change, ChangeKind, NotSubscribed, StarsClient
from state.sync.filters import BadPattern
from state.sync.protocol import (
    Ack,
    ConflictFrame,
    ErrorFrame,
    Hello,
    InvalidFrame,
    PushOnly,
    Res,
    Revoked,
    ServerHb,
    StatesNotFound,
    Sub,
    Unsub,
    Window,
    Write,
    error,
)
from state.values import ConnectionStatus
from tests.sync.client.conftest import Connect
from tests.sync.client.server import Server, beat, until


def test_it_needs_no_django() -> None:
    code = (
        "import sys\n"
        "for name in ('django', 'celery', 'channels', 'rest_framework', 'redis'):\n"
        "    sys.modules[name] = None\n"
        "import state.sync.client\n"
        "assert not [m for m in sys.modules if m.startswith(('groups', 'stars_site', 'state.models'))]\n"
        "state.sync.client.StarsClient('ws://127.0.0.1:1', space='lab')\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# -- reading ------------------------------------------------------------------------------------


async def test_a_subscription_is_there_once_it_is_synced_and_follows(
    server: Server, connect: Connect
) -> None:
    async with connect() as client:
        assert (client.status, client.agent) == (ConnectionStatus.CONNECTED, "agent:wim")
        notes = await client.subscribe("notes/*", "plan", timeout=5)
        assert notes.synced
        assert sorted(notes.states) == ["notes/1", "notes/2", "plan"]
        assert notes["plan"].data["goal"] == "harbour"
        server.world.put("notes/3", {"text": "three"})
        await server.follow()
        found = await notes.wait_for(lambda states: "notes/3" in states, timeout=5)
        assert found["notes/3"].data == {"text": "three"}
        assert client.lag == 0
        with pytest.raises(TimeoutError):
            await notes.wait_for(lambda states: not states, timeout=0.01)
        with pytest.raises(ZeroDivisionError):
            await notes.wait_for(lambda states: 1 // 0 > 0, timeout=5)
    assert client.status is ConnectionStatus.DISCONNECTED
    hello = server.heard[0]
    assert isinstance(hello, Hello)
    assert (hello.agent, hello.token_auth, hello.session) == ("wim", "t0k", None)


async def test_changes_come_in_order_and_typed(server: Server, connect: Connect) -> None:
    async with connect() as client:
        notes = await client.subscribe("notes/*", timeout=5)
        changes = notes.changes()
        server.world.put("notes/1", {"text": "uno"})
        server.world.delete("notes/2")
        await server.follow()
        await server.tell(Revoked(sub=1, states=("notes/1",)))
        await server.tell(
            ConflictFrame(
                sub=1,
                event="conflict_detected",
                conflict_id="9c1",
                state="plan",
                type="write_write",
            )
        )
        seen: list[Change] = []
        async for change in changes:
            seen.append(change)
            if len(seen) == 4:
                break
        kinds = [change.kind for change in seen]
        assert kinds == [
            ChangeKind.ENTRY,
            ChangeKind.ENTRY,
            ChangeKind.REVOKED,
            ChangeKind.CONFLICT,
        ]
        assert [change.state for change in seen] == ["notes/1", "notes/2", "notes/1", "plan"]
        assert seen[1].after is None
        await notes.close()
        assert [each async for each in changes] == []
        assert [each async for each in notes.changes()] == []
        await until(lambda: bool(server.said(Unsub)))


async def test_bad_patterns_are_refused_and_absent_states_are_named(
    server: Server, connect: Connect
) -> None:
    async with connect() as client:
        with pytest.raises(BadPattern):
            await client.subscribe("notes/*/x")
        plan = await client.subscribe("plan", "ghost", timeout=5)
        absent = StatesNotFound(extra={"states": ["ghost"]})
        await server.tell(error(absent, sub=plan.number))
        await until(lambda: plan.missing == ("ghost",))
        server.world.put("ghost", {"boo": True})
        await server.follow()
        await plan.wait_for(lambda states: "ghost" in states, timeout=5)


async def test_a_refused_subscription_raises(server: Server, connect: Connect) -> None:
    async with connect() as client:
        waiting = asyncio.create_task(client.subscribe("plan", timeout=5))
        await until(lambda: bool(server.said(Sub)))
        other = await client.subscribe("notes/*", timeout=5)
        await waiting
        await server.tell(ErrorFrame(code=429, reason="too_many", message="No more.", sub=1))
        with pytest.raises(Exception, match="No more"):
            await (await waiting).wait_for(lambda states: False, timeout=5)
        assert other.synced


async def test_heartbeats_are_answered_with_what_is_applied_and_frames_acknowledged(
    server: Server, connect: Connect
) -> None:
    async with connect() as client:
        await client.subscribe("*", timeout=5)
        assert (await beat(server, 4)).applied == 3
        for number in range(70):
            server.world.put("plan", {"done": number})
        await server.follow()
        # 70 entries are more than may wait.
        await until(lambda: Ack(sub=1, rev=73) in server.heard, 0.4)
        server.world.put("plan", {"done": "x"})
        await server.follow()
        await until(lambda: Ack(sub=1, rev=74) in server.heard, 2)


async def test_long_frames_may_come_compressed(server: Server, connect: Connect) -> None:
    server.deflate = True
    async with connect(compress=True) as client:
        assert (await client.subscribe("plan", timeout=5))["plan"].data["goal"] == "harbour"
    hello = server.heard[0]
    assert isinstance(hello, Hello)
    assert hello.compress == "deflate"


async def test_whoever_does_not_keep_up_makes_the_server_wait_and_goes_on(
    server: Server, connect: Connect
) -> None:
    server.window = Window(entries=8)
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        changes = plan.changes(buffer=10)
        for number in range(40):
            server.world.put("plan", {"done": number})
            await server.follow()
        await until(lambda: plan["plan"].data["done"] == 39)
        assert plan.is_stalled
        await asyncio.sleep(0.6)
        acked = max(each.rev for each in server.said(Ack) if isinstance(each, Ack))
        assert acked < 3 + 20
        # It is not subscribed again while nobody takes what is here.
        subs = len(server.said(Sub))
        await server.drop()
        await until(lambda: len(server.sockets) == 1)
        assert (await beat(server, 1)).n == 1
        assert len(server.said(Sub)) == subs
        seen = [(await anext(changes)).revision for _ in range(40)]
        assert seen == list(range(4, 44))
        await until(lambda: len(server.said(Sub)) == subs + 1)
        await until(lambda: Ack(sub=1, rev=43) in server.heard, 2)
        # An iterator that is forgotten holds nobody up.
        del changes
        forgotten = plan.changes(buffer=1)
        server.world.put("plan", {"done": "more"})
        await server.follow()
        await until(lambda: plan.is_stalled)
        del forgotten
        await until(lambda: Ack(sub=1, rev=44) in server.heard, 2)


# -- writing ------------------------------------------------------------------------------------


async def test_a_write_is_answered_and_visible_here(server: Server, connect: Connect) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        written = await client.set("plan", {"/done": 3, "owner": "ada"})
        assert (written.version, written.revision, written.status) == (2, 4, 200)
        assert plan["plan"].data == {"goal": "harbour", "done": 3, "owner": "ada"}
        sent = server.said(Write)[0]
        assert isinstance(sent, Write)
        assert (sent.base, sent.uid, sent.after) == (1, "u1", ())
        assert (await client.create("notes/9", {"text": "nine"}, type="session")).status == 201
        await client.delete("notes/1")
        assert "notes/1" not in server.world.states
        assert client.writes == ()


async def test_later_writes_say_which_own_ones_they_build_upon(
    server: Server, connect: Connect
) -> None:
    async with connect() as client:
        await client.subscribe("plan", timeout=5)
        await asyncio.gather(*(client.set("plan", {f"k{n}": n}) for n in range(3)))
        sent = [each for each in server.said(Write) if isinstance(each, Write)]
        assert [each.base for each in sent] == [1, 1, 1]
        assert sent[2].after == (sent[0].op_id, sent[1].op_id)
        await client.set("plan", {"blind": True}, base=None)
        last = server.said(Write)[-1]
        assert isinstance(last, Write)
        assert (last.base, last.uid, last.after) == (None, None, ())


async def test_what_the_server_could_not_read_is_refused_before_it_is_sent(
    server: Server, connect: Connect
) -> None:
    async with connect() as client:
        with pytest.raises(JsonDomain):
            await client.set("plan", {"x": float("nan")})
        with pytest.raises(JsonDomain):
            await client.create("new", {"x": "\ud800"})
        with pytest.raises(InvalidFrame):
            await client.set("x" * 300, {"x": 1})
        with pytest.raises(Exception, match="operations"):
            await client.write("plan")
        with pytest.raises(Exception, match="sett"):
            await client.write("plan", [{"op": "sett", "path": "/x", "value": 1}])
        await client.write("plan", [{"op": "set", "path": "/x", "value": 1}])
    assert len(server.said(Write)) == 1
    async with connect(mode="push") as reader:
        with pytest.raises(PushOnly):
            await reader.set("plan", {"x": 1})


def conflict(write: Write, version: int, current: object) -> Res:
    problem = {
        "status": 409,
        "reason": "conflict",
        "detail": "This write collides.",
        "etag": f'"u1-{version}"',
        "head_version": version,
        "current": current,
        "retryable": True,
        "causes": [{"path": "/done"}],
    }
    return Res(op_id=write.op_id, status=409, problem=problem)


async def test_an_edit_is_made_again_upon_what_others_wrote(
    server: Server, connect: Connect
) -> None:
    refusals = iter([(5, {"done": 10}), (6, {"done": 20})])

    def refuse(write: Write) -> Res | None:
        found = next(refusals, None)
        return conflict(write, *found) if found else None

    server.refuse = refuse
    async with connect() as client:
        await client.subscribe("plan", timeout=5)
        seen = []

        def more(data: dict[str, int]) -> None:
            seen.append(data["done"])
            data["done"] += 1

        await client.edit("plan", more)
        assert seen == [0, 10, 20]
        sent = [each for each in server.said(Write) if isinstance(each, Write)]
        assert [each.base for each in sent] == [1, 5, 6]
        assert len({each.op_id for each in sent}) == 3
        assert sent[2].ops[0].value == 21
        assert [each.reads for each in sent] == [("/done",)] * 3
        server.refuse = lambda write: None
        unchanged = await client.edit("plan", lambda data: None)
        assert not unchanged.changed
        assert len(server.said(Write)) == 3


async def test_an_edit_gives_up_with_the_last_refusal(server: Server, connect: Connect) -> None:
    server.refuse = lambda write: conflict(write, 7, {"done": 1})
    async with connect() as client:
        with pytest.raises(NotSubscribed):
            await client.edit("plan", lambda data: {"x": 1})
        await client.subscribe("plan", timeout=5)
        with pytest.raises(Conflicting) as refused:
            await client.edit("plan", lambda data: {"x": 1}, attempts=3)
        assert refused.value.extra["causes"] == [{"path": "/done"}]
        assert refused.value.extra["current"] == {"done": 1}
        assert len(server.said(Write)) == 3


async def test_an_edit_waits_for_the_replica_where_the_refusal_has_no_document(
    server: Server, connect: Connect
) -> None:
    refusals = iter([Res(op_id="", status=410, problem={"reason": "compacted", "detail": "Gone."})])

    def refuse(write: Write) -> Res | None:
        found = next(refusals, None)
        if found is not None:
            server.world.put("plan", {"done": 5})
            found.op_id = write.op_id
        return found

    server.refuse = refuse
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        await client.edit("plan", lambda data: {"done": data["done"] + 1})
        assert plan["plan"].data == {"done": 6}


async def test_eventual_writes_are_answered_when_journalled_or_when_settled(
    server: Server, connect: Connect
) -> None:
    server.refuse = lambda write: Res(op_id=write.op_id, status=202, queued=True)
    async with connect() as client:
        queued = await client.set("plan", {"a": 1})
        assert queued.queued
        waiting = asyncio.create_task(client.set("plan", {"a": 2}, settled=True))
        await until(lambda: len(server.said(Write)) == 2)
        for sent in server.said(Write):
            assert isinstance(sent, Write)
            await server.tell(Res(op_id=sent.op_id, status=200, v=9, rev=9, merged=True))
        assert (await waiting).merged
        await until(lambda: not client.writes)


async def test_a_pulling_client_gets_what_it_asks_for(server: Server, connect: Connect) -> None:
    async with connect(mode="pull") as client:
        waiting = asyncio.create_task(client.subscribe("plan", timeout=5))
        plan = await waiting
        assert plan.synced
        again = asyncio.create_task(plan.pull())
        await asyncio.sleep(0.05)
        assert not again.done()
        await server.drop()
        assert await again, "it is asked again on the next connection"
        await server.tell(ServerHb(n=1, head=9))
        await until(lambda: client.lag == 6)


async def test_what_a_client_says_of_itself(server: Server) -> None:
    with pytest.raises(ValueError, match="sideways"):
        StarsClient(server.url, space="lab", mode="sideways")
    client = StarsClient(server.url, space="lab", name="two", exclusive=True, token=lambda: "fresh")
    async with client:
        assert client.session == "s1"
    hello = server.heard[0]
    assert isinstance(hello, Hello)
    assert (hello.name, hello.exclusive, hello.token_auth) == ("two", True, "fresh")
