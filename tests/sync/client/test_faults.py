"""What breaks around the client: the disk, whoever gives tokens, consumers that are slow or gone, writes that kill."""

from __future__ import annotations

from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from state.sync.client import NotAuthenticated, checking, link
from state.sync.client.posting import Posting
from state.sync.client.store import Kept, Store
from state.sync.protocol import MAX_FRAME, Bye, FrameTooLarge, Hello, Res, Write
from state.values import Operation, OperationType
from tests.sync.client.conftest import Connect
from tests.sync.client.server import Server, until
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
