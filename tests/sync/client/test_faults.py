"""What breaks around the client: the disk, whoever gives tokens, consumers that are slow or gone, writes that kill."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection

from state.sync.client import BreaksConnection, NotAuthenticated, checking, link, talk
from state.sync.client import posting as posting_module
from state.sync.client.posting import Posting
from state.sync.client.store import Kept, Store
from state.sync.protocol import (
    MAX_FRAME,
    Bye,
    FrameTooLarge,
    Hello,
    Mark,
    Res,
    Reset,
    Sub,
    Unsub,
    Write,
)
from state.values import Operation, OperationType
from tests.sync.client.conftest import Connect
from tests.sync.client.server import Server, beat, until
from tests.sync.client.test_outbox import write

# -- the disk --------------------------------------------------------------------------------------


def full(*_: Any) -> None:
    raise OSError(28, "No space left on device")


async def test_a_write_that_could_not_be_kept_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, "lab", "wim")
    posting = Posting(store)
    with monkeypatch.context() as patch:
        patch.setattr(store, "add", full)
        with pytest.raises(OSError, match="No space"):
            posting.write(write("a"), settled=False)
    assert posting.outbox.take() == []
    posting.write(write("a"), settled=False)
    assert posting.outbox.take() == [write("a")], "nor is its op_id spent"
    store.close()


def test_half_a_line_on_a_full_disk_spoils_no_other(tmp_path: Path) -> None:
    store = Store(tmp_path, "lab", "wim")
    store.add(write("a"))
    store.close()

    class Full(FileIO):
        """Takes ten bytes."""

        def write(self, raw: Any) -> int:
            super().write(raw[:10])
            raise OSError(28, "No space left on device")

    store._lines = Full(tmp_path / "outbox.ndjson", "ab")
    with pytest.raises(OSError, match="No space"):
        store.add(write("b"))
    store.close()
    store.add(write("c"))
    store.close()
    assert Store(tmp_path, "lab", "wim").writes == (write("a"), write("c"))


async def test_an_answer_is_given_although_its_end_could_not_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path, "lab", "wim")
    posting = Posting(store)
    answer = posting.write(write("a"), settled=False)
    posting.outbox.take()
    monkeypatch.setattr(store, "end", full)
    posting.answered(Res(op_id="a", status=200, v=2))
    assert (await answer).version == 2
    assert "No space" in caplog.text
    store.close()


async def test_after_a_full_disk_replicas_are_kept_again(
    server: Server,
    connect: Connect,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(link, "KEEP_S", 0.01)
    client = connect(store=tmp_path)
    keep, calls = Store.keep, 0

    def once_full(store: Store, kept: Kept) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            full()
        keep(store, kept)

    monkeypatch.setattr(Store, "keep", once_full)
    async with client:
        await client.subscribe("plan", timeout=5)
        await until(lambda: calls >= 1)
        server.world.put("plan", {"done": 1})
        await server.follow()
        await until(lambda: "e1.4" in (tmp_path / "replica.json").read_text())
        assert "could not be kept" in caplog.text
        monkeypatch.setattr(Store, "keep", full)
    assert client.status == "disconnected", "it closes all the same"


# -- whoever gives tokens --------------------------------------------------------------------------


async def test_a_token_that_cannot_be_had_is_a_failed_attempt(
    server: Server, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    tokens: Iterator[Exception | str]
    tokens = iter([OSError("the identity provider is away"), ValueError("odd"), "fresh"])

    def token() -> str:
        found = next(tokens)
        if isinstance(found, Exception):
            raise found
        return found

    async with connect(token=token) as client:
        assert [each.token_auth for each in server.said(Hello) if isinstance(each, Hello)] == [
            "fresh"
        ]
        assert client.trouble == ""
    assert "identity provider is away" in caplog.text


async def test_a_refused_token_is_asked_for_once_more(server: Server, connect: Connect) -> None:
    given: list[str] = []

    def token() -> str:
        given.append(f"t{len(given)}")
        return given[-1]

    async with connect(token=token) as client:
        await client.subscribe("plan", timeout=5)
        for number in (2, 3):  # as often as it was welcome in between
            await server.say_bye(4401)
            await until(lambda number=number: len(server.said(Hello)) == number)  # type: ignore[misc]
            await until(lambda: bool(server.sockets))
            await client.connected(timeout=5)
        server.turn_away = Bye(code=4401, reason="not_authenticated")
        await server.say_bye(4401)
        with pytest.raises(NotAuthenticated):
            await client.subscribe("notes/*", timeout=5)
    assert given == ["t0", "t1", "t2", "t3"]


# -- sizes -----------------------------------------------------------------------------------------


def test_writes_are_measured_in_bytes_as_the_server_does() -> None:
    def said(length: int) -> Write:
        value = "\N{CJK UNIFIED IDEOGRAPH-661F}" * length
        return Write(op_id="a", state="s", ops=(Operation(OperationType.SET, "/n", value),))

    checking.check(said(MAX_FRAME // 3 - 100))
    with pytest.raises(FrameTooLarge):
        checking.check(said(MAX_FRAME // 3 + 1))


# -- consumers that are slow or gone ---------------------------------------------------------------


def asked(server: Server, number: int) -> list[Sub]:
    return [each for each in server.said(Sub) if isinstance(each, Sub) and each.sub == number]


async def test_whoever_does_not_keep_up_holds_up_no_other_subscription(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        notes = await client.subscribe("notes/*", timeout=5)
        changes = plan.changes(buffer=4)
        for number in range(6):
            server.world.put("plan", {"done": number})
            await server.follow()
        await until(lambda: plan["plan"].data == {"done": 5})
        monkeypatch.setattr(talk, "ACK_S", 0.02)
        await until(lambda: Unsub(sub=1) in server.heard)
        assert (plan.is_stalled, plan.synced) == (True, False)
        server.world.put("plan", {"done": "later"})
        server.world.put("notes/1", {"text": "new"})
        await server.follow()
        await notes.wait_for(lambda states: states["notes/1"].version == 2, timeout=5)
        assert plan["plan"].data == {"done": 5}
        seen = [(await anext(changes)).revision for _ in range(3)]
        await asyncio.sleep(0.05)
        assert len(asked(server, 1)) == 1, "there is hardly room"
        seen += [(await anext(changes)).revision for _ in range(4)]
        assert seen == [4, 5, 6, 7, 8, 9, 10]
        assert [each.from_ for each in asked(server, 1)] == [None, "e1.9"]
        await plan.wait_for(lambda states: plan.synced, timeout=5)


async def test_what_waited_for_a_consumer_that_is_gone_is_asked_again(
    server: Server, connect: Connect
) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        changes = plan.changes(buffer=1)
        server.world.put("plan", {"done": 1})
        await server.follow()
        await until(lambda: plan.is_stalled)
        await server.drop()
        await until(lambda: bool(server.sockets))
        await client.connected(timeout=5)
        await beat(server, 1)
        assert len(asked(server, 1)) == 1
        del changes
        gc.collect()
        await beat(server, 2)
        await until(lambda: plan.synced)
        assert [each.from_ for each in asked(server, 1)] == [None, "e1.4"]


async def test_a_snapshot_is_not_fetched_where_other_states_may_be_on_their_way(
    server: Server, connect: Connect
) -> None:
    async with connect() as client:
        plan = await client.subscribe("plan", timeout=5)
        granted = server.world.snaps(size=9)[0]
        beyond = Mark(sub=1, prev=9, rev=9, token="e1.9", synced=True)
        await server.tell(Reset(sub=1, reason="compacted", head=3))
        await server.tell(beyond)
        await server.tell(granted)
        await until(lambda: len(server.said(Hello)) == 2)
        await plan.wait_for(lambda states: plan.synced, timeout=5)
        assert set(plan.states) == {"plan"}


# -- writes that kill ------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "sent"), [(1011, 3), (1013, 5)])
async def test_a_write_that_breaks_every_connection_is_given_up_and_a_server_away_waited_for(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch, code: int, sent: int
) -> None:
    monkeypatch.setattr(posting_module, "CALM_S", 0.05)
    answer, poisoned = server._write, 0

    async def die(socket: ServerConnection, frame: Write) -> None:
        nonlocal poisoned
        poisoned += frame.op_id == "poison"
        if frame.op_id == "poison" and poisoned < 5:
            await socket.close(code)
        else:
            await answer(socket, frame)

    monkeypatch.setattr(server, "_write", die)
    async with connect() as client:
        poison = asyncio.create_task(client.set("plan", {"a": 1}, base=None, op_id="poison"))
        good = asyncio.create_task(client.set("plan", {"b": 1}, base=None, op_id="good"))
        assert (await good).status == 200
        if code == 1011:
            with pytest.raises(BreaksConnection):
                await poison
        else:
            assert (await poison).status == 200
        assert poisoned == sent
        assert client.writes == ()
