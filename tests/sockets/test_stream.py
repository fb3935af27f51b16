"""A run's log as server-sent events, through the real ASGI application."""

from __future__ import annotations

import asyncio
import gc
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
import pytest
from channels.db import database_sync_to_async
from channels.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import AsyncRequestFactory
from knox.models import AuthToken

from groups import live
from groups.api import stream
from groups.execution.statuses import RunStatus
from groups.models import Group, GroupAccess, Run
from groups.viewing import rooms, watcher
from stars_site.asgi import application
from state import fanout
from tests.factories import make_run, make_token
from tests.sockets.viewer import append_events, session_cookie

pytestmark = pytest.mark.django_db(transaction=True)

new_run = database_sync_to_async(make_run)
Header = tuple[bytes, bytes]


class Sent(NamedTuple):
    """One event as an EventSource would give it; a comment has only `comment`."""

    id: int = 0
    event: str = ""
    data: dict[str, Any] | None = None
    comment: str = ""


class Stream:
    """One request for a stream."""

    def __init__(self, run_id: uuid.UUID | str, query: str, headers: tuple[Header, ...]) -> None:
        scope: Any = {
            "type": "http",
            "method": "GET",
            "path": f"/api/v1/runs/{run_id}/events/stream",
            "query_string": query.encode(),
            "headers": [(b"host", b"testserver"), *headers],
        }
        communicator: Any = ApplicationCommunicator
        self.http = communicator(application, scope)
        self._buffer = b""
        self.ended = False

    async def start(self) -> tuple[int, dict[str, str]]:
        """Status and headers (names in lower case)."""
        await self.http.send_input({"type": "http.request", "body": b"", "more_body": False})
        head = await self.http.receive_output(5)
        return head["status"], {k.decode().lower(): v.decode() for k, v in head["headers"]}

    async def body(self) -> Any:
        """The whole JSON body of an answer that is no stream."""
        while not self.ended:
            await self._more()
        return msgspec.json.decode(self._buffer)

    async def next(self) -> Sent | None:
        """The next event or comment; None at the end. `retry:` is passed over."""
        while True:
            while b"\n\n" not in self._buffer:
                if self.ended:
                    return None
                await self._more()
            block, self._buffer = self._buffer.split(b"\n\n", 1)
            lines = dict(line.split(": ", 1) for line in block.decode().split("\n"))
            if "" in lines:
                return Sent(comment=lines[""])
            if "data" in lines:
                return Sent(int(lines["id"]), lines["event"], msgspec.json.decode(lines["data"]))

    async def ids_up_to(self, last: int) -> list[int]:
        """The ids of the events until that one."""
        ids: list[int] = []
        while not ids or ids[-1] != last:
            sent = await self.next()
            assert sent is not None
            ids += [sent.id] if sent.data else []
        return ids

    async def _more(self) -> None:
        part = await self.http.receive_output(5)
        self._buffer += part.get("body", b"")
        self.ended = not part.get("more_body", False)


@asynccontextmanager
async def streaming(
    run_id: uuid.UUID | str, *headers: Header, user: User | None = None, query: str = ""
) -> AsyncIterator[Stream]:
    """A request, with the session of `user` if given; at the end of the block the client goes away."""
    if user is not None:
        headers = (*headers, await database_sync_to_async(session_cookie)(user))
    request = Stream(run_id, query, headers)
    try:
        yield request
    finally:
        await request.http.send_input({"type": "http.disconnect"})
        await request.http.wait(5)


async def test_replays_and_follows(ada: User, harbour: Group) -> None:
    run = await new_run(group=harbour, events=2)
    async with streaming(run.id, user=ada) as request:
        status, headers = await request.start()
        assert status == 200
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-cache, no-transform"
        assert headers["x-accel-buffering"] == "no"
        first = await request.next()
        assert first == Sent(
            1,
            "text.delta",
            {
                "seq": 1,
                "type": "text.delta",
                "at": "2026-03-04T05:06:07.892Z",
                "agent_id": "quinn",
                "subtask": None,
                "data": {"text": "1"},
            },
        )
        assert await request.ids_up_to(2) == [2]
        await append_events(run=run, n=3, data={"text": "two\nlines\r\n\n"})
        assert await request.ids_up_to(5) == [3, 4, 5]
    assert not rooms.rooms()._rooms
    assert not fanout.hub()._topics


@pytest.mark.parametrize(
    ("query", "header", "ids"),
    [
        ("after=3", b"", [4, 5]),
        ("", b"3", [4, 5]),
        ("after=1", b"4", [5]),
        ("after=0", b"", [1, 2, 3, 4, 5]),
    ],
)
async def test_resumes(
    ada: User, harbour: Group, query: str, header: bytes, ids: list[int]
) -> None:
    run = await new_run(group=harbour, events=5)
    headers = [(b"last-event-id", header)] if header else []
    async with streaming(run.id, *headers, user=ada, query=query) as request:
        await request.start()
        assert await request.ids_up_to(5) == ids


async def test_ends_when_the_run_has_ended(ada: User, harbour: Group) -> None:
    run = await new_run(group=harbour, events=1)
    async with streaming(run.id, user=ada) as request:
        await request.start()
        await append_events(run=run, type="run.completed", status=RunStatus.COMPLETED)
        assert await request.ids_up_to(2) == [1, 2]
        assert await request.next() == Sent(comment="the run has ended")
        assert await request.next() is None
    async with streaming(run.id, (b"last-event-id", b"2"), user=ada) as request:
        assert (await request.start())[0] == 204


async def test_an_end_that_was_taken_back_does_not_end_the_stream(
    ada: User, harbour: Group
) -> None:
    run = await new_run(group=harbour, events=600)
    await append_events(run=run, type="run.failed", status=RunStatus.FAILED)
    await append_events(run=run, n=600, status=RunStatus.RUNNING)
    async with streaming(run.id, user=ada) as request:
        await request.start()
        assert await request.ids_up_to(1201) == list(range(1, 1202))
        await append_events(run=run, type="run.failed", status=RunStatus.FAILED)
        assert await request.ids_up_to(1202) == [1202]
        assert await request.next() == Sent(comment="the run has ended")


async def test_says_that_it_is_still_there(
    vi: User, harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    run = await new_run(group=harbour)
    async with streaming(run.id, user=vi) as request:
        await request.start()
        for _ in range(2):
            assert await request.next() == Sent(comment="still here")


@asynccontextmanager
async def busy(run: Run) -> AsyncIterator[None]:
    """Something happens in the run all the time."""

    async def write() -> None:
        while True:
            await append_events(run=run)
            await asyncio.sleep(0.01)

    writing = asyncio.create_task(write())
    try:
        yield
    finally:
        writing.cancel()
        await asyncio.wait([writing])


async def test_a_busy_stream_ends_at_once_when_access_is_removed(vi: User, harbour: Group) -> None:
    run = await new_run(group=harbour)

    def revoke() -> None:
        GroupAccess.objects.filter(user=vi).delete()
        live.announce(pokes=[(live.group_topic(harbour.id), "access", {})])

    async with streaming(run.id, user=vi) as request, busy(run):
        await request.start()
        await request.ids_up_to(5)
        await database_sync_to_async(revoke)()
        async with asyncio.timeout(5):
            while await request.next() is not None:
                pass


@pytest.mark.parametrize(
    "end",
    [
        lambda user: GroupAccess.objects.filter(user=user).delete(),
        lambda user: AuthToken.objects.filter(user=user).delete(),
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
    ],
    ids=["access removed", "token revoked", "user deactivated"],
)
async def test_a_busy_stream_ends_by_the_clock_when_nobody_pokes(
    end: Callable[[User], object], vi: User, harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "RENEW", 0.1)
    run = await new_run(group=harbour)
    token = await database_sync_to_async(make_token)(user=vi)
    header = (b"authorization", f"Token {token}".encode())
    async with streaming(run.id, header) as request, busy(run):
        await request.start()
        await request.ids_up_to(5)
        await database_sync_to_async(end)(vi)
        async with asyncio.timeout(5):
            while await request.next() is not None:
                pass


async def test_a_client_that_goes_before_the_first_byte_leaves_nothing_behind(
    ada: User, harbour: Group, async_rf: AsyncRequestFactory
) -> None:
    run = await new_run(group=harbour, events=1)
    token = await database_sync_to_async(make_token)(user=ada)
    request = async_rf.get("/", headers={"authorization": f"Token {token}"})
    request.session = SessionStore()
    response: Any = await stream.event_stream(request, str(run.id))
    assert rooms.rooms()._rooms
    del response
    gc.collect()
    await asyncio.sleep(0)  # the next turn of the loop
    assert not rooms.rooms()._rooms
    assert not fanout.hub()._topics


async def test_ends_when_the_run_is_deleted(
    ada: User, harbour: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "LOOK", 0.1)
    run = await new_run(group=harbour, events=1)
    async with streaming(run.id, user=ada) as request:
        await request.start()
        await request.ids_up_to(1)
        await database_sync_to_async(Run.objects.filter(pk=run.pk).delete)()
        assert await request.next() is None


async def test_by_token(ada: User, harbour: Group) -> None:
    run = await new_run(group=harbour, events=1)
    token = await database_sync_to_async(make_token)(user=ada)
    async with streaming(run.id, (b"authorization", f"Token {token}".encode())) as request:
        assert (await request.start())[0] == 200


async def test_refusals_are_problems(ada: User, cy: User, harbour: Group) -> None:
    run = await new_run(group=harbour, events=3)
    wrong = (b"authorization", b"Token wrong")
    for request_of, code, reason in [
        (streaming(run.id), 401, "not_authenticated"),
        (streaming(run.id, wrong, user=ada), 401, "not_authenticated"),
        (streaming(run.id, user=cy), 404, "run_not_found"),
        (streaming(uuid.UUID(int=7), user=ada), 404, "run_not_found"),
        (streaming(run.id, user=ada, query="after=4"), 400, "bad_after"),
        (streaming(run.id, user=ada, query="after=-1"), 400, "bad_after"),
        (streaming(run.id, (b"last-event-id", b"x"), user=ada), 400, "bad_after"),
        (streaming(run.id, user=ada, query="after=" + "9" * 40), 400, "bad_after"),
    ]:
        async with request_of as request:
            status, headers = await request.start()
            assert (status, headers["content-type"]) == (code, "application/problem+json")
            assert (await request.body())["reason"] == reason
    assert not rooms.rooms()._rooms


async def test_many_streams_and_a_lost_message(ada: User, harbour: Group) -> None:
    run = await new_run(group=harbour)

    async def follow() -> list[int]:
        async with streaming(run.id, user=ada) as request:
            await request.start()
            ready.release()
            return await request.ids_up_to(30)

    ready = asyncio.Semaphore(0)
    streams = [asyncio.create_task(follow()) for _ in range(10)]
    for _ in streams:
        await ready.acquire()
    for number in range(30):
        await append_events(run=run, announce=number % 7 == 1 or number == 29)
    for numbers in await asyncio.gather(*streams):
        assert numbers == list(range(1, 31))
