"""Changes as server-sent events, through the real ASGI application."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import msgspec
import pytest
from asgiref.sync import SyncToAsync, sync_to_async
from channels.db import database_sync_to_async
from channels.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import connections
from django.test import AsyncRequestFactory
from knox.models import AuthToken

from groups.models import Group, GroupAccess
from groups.services import membership
from state import conf, fanout
from state.api.views.sync import stream
from state.fanout import outbox
from state.manager import Base, StateManager
from state.refusals import Conflicting
from state.sync import changes as syncing
from state.sync import standing, tokens
from state.values import AccessPolicy
from tests.state_api.asker import OWNER, Asker, application, configure, create, write
from tests.sync.speaker import token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _closed(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(syncing, "LINGER", 0.0)
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result(5)


class Sent(NamedTuple):
    """One event as an EventSource gets it; a comment has only `comment`. `id` None: the last one stays."""

    event: str = ""
    data: Any = None
    id: str | None = None
    comment: str = ""


class Listener:
    """One request for the stream of the space `lab`."""

    def __init__(self, user: User, query: str, writable: Any, headers: dict[str, str]) -> None:
        self.user, self.headers, self.query, self.writable = user, headers, query, writable
        self.last_id, self._buffer, self.ended = "", b"", False
        self.http: Any = None

    async def start(self) -> tuple[int, dict[str, str]]:
        """Status and headers (names in lower case)."""
        token = await database_sync_to_async(token_of)(self.user)
        headers = {"host": "testserver", "authorization": f"Token {token}", **self.headers}
        scope: Any = {
            "type": "http",
            "method": "GET",
            "path": "/api/v1/spaces/lab/changes/stream",
            "query_string": self.query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        if self.writable is not None:
            scope["extensions"] = {"stars.writable": self.writable}
        communicator: Any = ApplicationCommunicator
        self.http = communicator(application, scope)
        await self.http.send_input({"type": "http.request", "body": b"", "more_body": False})
        head = await self.http.receive_output(5)
        return head["status"], {k.decode().lower(): v.decode() for k, v in head["headers"]}

    async def next(self, *kinds: str) -> Sent:
        """The next event, of one of these kinds if any are named; or a comment; nothing else within 5 seconds fails."""
        while b"\n\n" not in self._buffer:
            if self.ended:
                return Sent(comment="end")
            part = await self.http.receive_output(5)
            self._buffer += part.get("body", b"")
            self.ended = not part.get("more_body", False)
        block, self._buffer = self._buffer.split(b"\n\n", 1)
        lines = dict(line.split(":", 1) for line in block.decode().split("\n"))
        if "retry" in lines:
            return await self.next(*kinds)
        if "" in lines:
            return Sent(comment=lines[""].strip())
        place = lines["id"].strip() if "id" in lines else None
        self.last_id = self.last_id if place is None else place
        sent = Sent(lines["event"].strip(), msgspec.json.decode(lines["data"]), place)
        assert not kinds or sent.event in kinds, sent
        return sent

    async def synced(self) -> dict[str, Any]:
        """Take a snapshot up to its mark: {id: state}."""
        found: dict[str, Any] = {}
        while (sent := await self.next("snap", "mark")).event == "snap":
            found |= {each["id"]: each for each in sent.data["states"]}
        assert sent.data["synced"]
        return found

    async def silent(self) -> bool:
        """Whether nothing comes."""
        return not self._buffer and bool(await self.http.receive_nothing(timeout=0.2))


@asynccontextmanager
async def listening(
    user: User,
    query: str = "",
    *,
    writable: asyncio.Event | None = None,
    headers: dict[str, str] | None = None,
) -> AsyncIterator[Listener]:
    """A request; at the end of the block the client goes away."""
    listener = Listener(user, query, writable, headers or {})
    try:
        yield listener
    finally:
        if listener.http is not None:
            await listener.http.send_input({"type": "http.disconnect"})
            await listener.http.wait(5)


async def test_a_snapshot_and_then_every_change_and_nothing_stays_behind(
    lab: Group, manager: StateManager, ada: User
) -> None:
    await create(manager, "plan", {"n": 0})
    async with listening(ada, "states=plan,notes/*") as one:
        status, headers = await one.start()
        assert status == 200
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-cache, no-transform"
        snap = await one.next("snap")
        assert [(each["id"], each["data"]) for each in snap.data["states"]] == [("plan", {"n": 0})]
        assert snap.id is None  # whoever breaks off here begins anew
        mark = await one.next("mark")
        assert (mark.id, mark.data["synced"]) == (mark.data["token"], True)
        await write(manager, "plan", n=1)
        await create(manager, "elsewhere")
        await create(manager, "notes/1")
        prev, seen = snap.data["rev"], []
        for _ in range(2):
            delta = await one.next("delta")
            assert delta.id == delta.data["token"]
            assert (delta.data["prev"], delta.data["synced"]) == (prev, True)
            prev = delta.data["rev"]
            seen += [(each["id"], each["v"]) for each in delta.data["entries"]]
        assert seen == [("plan", 2), ("notes/1", 1)]
    pool = conf.sync_pool()
    assert not pool.feeds._feeds
    assert not fanout.hub()._topics


async def test_an_eventsource_comes_back_to_where_it_was(
    lab: Group, manager: StateManager, ada: User
) -> None:
    await create(manager, "plan", {"n": 0})
    async with listening(ada) as one:
        await one.start()
        await one.synced()
        await write(manager, "plan", n=1)
        await one.next("delta")
    for n in (2, 3):
        await write(manager, "plan", n=n)
    header = {"last-event-id": one.last_id}
    async with listening(ada, "since=now", headers=header) as two:
        await two.start()
        delta = await two.next("delta")
        assert [each["v"] for each in delta.data["entries"]] == [3, 4]
    page = await Asker(ada).fine("changes", since=one.last_id, wait=0)
    assert [each["v"] for each in page["entries"]] == [3, 4]  # one kind of token for all doors


async def test_from_now_on_only(lab: Group, manager: StateManager, ada: User) -> None:
    await create(manager, "plan")
    async with listening(ada, "since=now") as one:
        await one.start()
        assert (await one.next("mark")).data["synced"]
        await write(manager, "plan", n=1)
        assert [each["v"] for each in (await one.next("delta")).data["entries"]] == [2]


@pytest.mark.parametrize("reason", ["epoch", "filter", "future"])
async def test_a_token_that_cannot_be_continued_is_reset_in_place(
    reason: str, lab: Group, manager: StateManager, ada: User
) -> None:
    await create(manager, "plan")
    async with listening(ada) as one:
        await one.start()
        await one.synced()
    place = tokens.decode(one.last_id)
    changed = {"epoch": ("other", 2, place.filter_hash), "filter": (place.epoch, 1, "0" * 16)}
    wrong = tokens.Token(*changed.get(reason, (place.epoch, 99, place.filter_hash)))
    async with listening(ada, headers={"last-event-id": tokens.encode(wrong)}) as two:
        await two.start()
        reset = await two.next("reset")
        assert (reset.data["reason"], reset.id) == (reason, "")  # the browser forgets it, too
        assert set(await two.synced()) == {"plan"}


async def test_rights_and_conflicts_are_told_as_on_a_socket(
    lab: Group, manager: StateManager, bo: User
) -> None:
    await create(manager, "plan", {"n": 0}, resolution="reject")
    async with listening(bo) as one:
        await one.start()
        await one.synced()
        await configure(manager, "plan", access_policy=AccessPolicy())
        assert (await one.next("revoked")).data["states"] == ["plan"]
        await write(manager, "plan", n=1)
        assert await one.silent()
        await configure(manager, "plan", access_policy=AccessPolicy(public=True))
        snap = await one.next("snap")
        assert (snap.data["states"][0]["data"], snap.id) == ({"n": 1}, None)
        assert (await one.next("mark")).id
        await sync_to_async(_collide, thread_sensitive=False)(manager)
        # What was written and what was refused are told by two reads.
        both = {sent.event: sent for sent in [await one.next() for _ in range(2)]}
        conflict = both["conflict"]
        assert conflict.data["event"] == "conflict_detected"
        assert (conflict.data["state"], conflict.data["paths"]) == ("plan", ["/n"])


def _collide(manager: StateManager) -> None:
    manager.update_state(OWNER, "plan", {"n": 5})
    with pytest.raises(Conflicting):
        manager.update_state(OWNER, "plan", {"n": 6}, base=Base(version=1))


async def test_states_that_are_not_there_are_named_and_come_when_they_are(
    lab: Group, manager: StateManager, bo: User
) -> None:
    await create(manager, "plan")
    await create(manager, "secret", access_policy=AccessPolicy())
    async with listening(bo, "states=plan,secret,ghost") as one:
        await one.start()
        told = await one.next("missing")
        assert told.data["extra"] == {"states": ["ghost", "secret"]}
        assert set(await one.synced()) == {"plan"}
        await create(manager, "ghost")
        assert (await one.next("delta")).data["entries"][0]["id"] == "ghost"


async def test_an_agent_that_changes_sees_other_states(
    lab: Group, manager: StateManager, ada: User
) -> None:
    retag = database_sync_to_async(membership.change)
    await create(manager, "blue", access_policy=AccessPolicy(read_allow=("tag:blue",)))
    await create(manager, "red", access_policy=AccessPolicy(read_allow=("tag:red",)))
    await retag(actor=ada, group=lab, agent_id="wim", tags=["blue"])
    async with listening(ada, headers={"stars-agent": "wim"}) as one:
        await one.start()
        assert set(await one.synced()) == {"blue"}
        await retag(actor=ada, group=lab, agent_id="wim", tags=["red"])
        assert (await one.next("revoked")).data["states"] == ["blue"]
        snap = await one.next("snap")
        assert [each["id"] for each in snap.data["states"]] == ["red"]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda user: GroupAccess.objects.filter(user=user).delete(), "not_found"),
        (lambda user: AuthToken.objects.filter(user=user).delete(), "not_authenticated"),
        (lambda user: User.objects.filter(pk=user.pk).update(is_active=False), "not_authenticated"),
    ],
    ids=["access removed", "token revoked", "user deactivated"],
)
async def test_a_stream_ends_with_its_readers_right_to_it(
    end: Callable[[User], object],
    reason: str,
    lab: Group,
    manager: StateManager,
    vi: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(standing, "RENEW", 0.3)
    await create(manager, "plan")
    async with listening(vi) as one:
        await one.start()
        await one.synced()
        await asyncio.sleep(0.5)
        await write(manager, "plan", n=1)
        await one.next("delta")
        await database_sync_to_async(end)(vi)
        assert (await one.next("bye")).data["reason"] == reason
        assert (await one.next()).comment == "end"


async def test_a_quiet_stream_says_that_it_is_there_and_where_the_space_stands(
    lab: Group, manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.2)
    await create(manager, "plan")
    async with listening(ada, "states=plan") as one:
        await one.start()
        await one.synced()
        assert (await one.next()).comment == "still here"
        await create(manager, "elsewhere")
        while (sent := await one.next()).comment:
            pass
        assert (sent.event, sent.data["rev"], sent.id) == ("mark", 2, sent.data["token"])


async def test_a_slow_reader_is_held_back_and_misses_nothing(
    lab: Group, manager: StateManager, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LIMIT", 2000)
    await create(manager, "plan", {"n": 0})
    writable = asyncio.Event()
    writable.set()
    async with listening(ada, writable=writable) as slow, listening(ada) as quick:
        for each in (slow, quick):
            await each.start()
            await each.synced()
        writable.clear()
        for n in range(1, 41):
            await write(manager, "plan", n=n, pad="x" * 200)
        seen: list[int] = []
        while len(seen) < 40:
            seen += [each["v"] for each in (await quick.next("delta")).data["entries"]]
        assert await slow.silent()
        writable.set()
        seen = []
        while len(seen) < 40:
            sent = await slow.next("delta", "mark")
            seen += [each["v"] for each in sent.data.get("entries", ())]
        assert seen == list(range(2, 42))


async def test_a_client_that_goes_before_the_first_byte_leaves_nothing_behind(
    lab: Group, manager: StateManager, ada: User, async_rf: AsyncRequestFactory
) -> None:
    await create(manager, "plan")
    token = await database_sync_to_async(token_of)(ada)
    request = async_rf.get("/", headers={"authorization": f"Token {token}"})
    request.session = SessionStore()
    response: Any = await stream.stream(request, "lab")
    feeds = conf.sync_pool().feeds
    assert feeds._feeds
    del response
    gc.collect()
    await asyncio.sleep(0)  # the next turn of the loop
    assert not feeds._feeds
    assert not fanout.hub()._topics


async def test_refusals_are_problems(
    lab: Group, manager: StateManager, ada: User, cy: User
) -> None:
    await create(manager, "plan")
    path = "changes/stream"
    await Asker(None).refused(401, "not_authenticated", path)
    await Asker(cy).refused(404, "not_found", path)
    await Asker(ada).refused(400, "bad_token", path, since="x")
    await Asker(ada, Last_Event_ID="foreign").refused(400, "bad_token", path)
    await Asker(ada).refused(400, "invalid", path, since="", field="since")
    await Asker(ada).refused(400, "invalid", path, limit=1, field="limit")
    await Asker(ada).refused(400, "bad_pattern", path, states="**")
    assert not conf.sync_pool().feeds._feeds
    assert not fanout.hub()._topics
