"""Subscribers of every kind against a space in which everything happens: whatever they saw and missed, in the end each
has exactly what it may read, and never anything else.

Random schedules from seeds; STARS_SEEDS asks for more of them. This found, among others: entries withheld by policies
that were ahead of the log, and changes sent upon a document of which some had been withheld.
"""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import User

from state.fanout.outbox import Outbox
from state.manager import StateManager
from state.policy import Caller, Right, rights
from state.sync import feed, pool, ring
from state.sync.live import Live
from state.values import AccessPolicy, Filters, Operation, OperationType, SyncConfig
from tests.sync.reference import Reference

pytestmark = pytest.mark.django_db(transaction=True)

SEEDS = range(int(os.environ.get("STARS_SEEDS", "10")))
STEPS = 60
IDS = ("plan", "notes/1", "notes/2", "secret", "open")
ADMIN = Caller(space="lab", name="human:ada", admin=True)
WRITER = Caller(space="lab", name="system", admin=True)


@dataclass
class _Who:
    user: User
    expires_at: datetime | None = None

    async def renewed(self) -> _Who:
        return self


class _Directory:
    """Agents by their ids; `roles` may change at any time."""

    def __init__(self) -> None:
        self.roles = {"wim": "worker", "wes": "worker"}

    def caller(self, user: Any, space: str, *, agent: str = "") -> Caller:
        if not agent:
            return ADMIN
        principals = frozenset({f"role:{self.roles[agent]}"})
        return Caller(space=space, name=f"agent:{agent}", principals=principals)

    async def identify(self, headers: Any, session_key: Any) -> None:
        return None

    def topics(self, space: str) -> tuple[str, ...]:
        return ()

    def concerns_rights(self, payload: bytes) -> bool:
        return False


class _Client:
    """A socket whose frames are read by hand, and acknowledged when it likes."""

    def __init__(
        self, stage: Stage, agent: str, states: tuple[str, ...], mode: str, *, acks: bool
    ) -> None:
        self.stage, self.agent, self.states, self.mode, self.acks = stage, agent, states, mode, acks
        self.seen = Reference()
        self.live: Live | None = None
        self.closed_with = 0

    async def connect(self, *, forget: bool = False) -> None:
        if forget or self.seen.token is None:
            self.seen = Reference()
        self.seen.rev = None
        self.outbox = Outbox()
        self.live = Live(self.stage.pool, "lab", self.outbox, _Who(self.stage.user), self._end)
        self.stage.pool.greet(self.live)
        await self._say(t="hello", proto=1, agent=self.agent)
        fields = {"t": "sub", "sub": 1, "states": self.states, "mode": self.mode}
        await self._say(**fields, **{"from": self.seen.token})

    def drop(self) -> None:
        if self.live is not None:
            self.read()
            self.live.close()
            self.live = None

    def read(self) -> int:
        """Take what has come; how many frames."""
        count = 0
        while self.outbox._items:
            item, size = self.outbox._items.popleft()
            self.outbox._size -= size
            if isinstance(item, str):
                count += 1
                frame = msgspec.json.decode(item)
                if frame.get("sub") == 1:
                    self.seen.hear(frame)
                    self.stage.nothing_hidden(self, frame)
        self.outbox._emptied.set()
        return count

    async def ack(self) -> None:
        if self.live is not None and self.seen.rev is not None:
            await self._say(t="ack", sub=1, rev=self.seen.rev)

    async def _say(self, **frame: Any) -> None:
        assert self.live is not None
        await self.live.receive(msgspec.json.encode(frame).decode())

    def _end(self, code: int) -> None:
        self.closed_with = code


class Stage:
    """A space, its writers, and all its subscribers."""

    def __init__(self, manager: StateManager, user: User, seed: int) -> None:
        self.manager, self.user, self.random = manager, user, random.Random(seed)
        self.directory = _Directory()
        config = SyncConfig(queue_buffer_size=6, batch_size=3)
        self.pool = pool.Pool(manager, config, self.directory, hb_s=3600, parked_s=3600)
        kinds = [
            ("", ("*",)),
            ("wim", ("*",)),
            ("wes", ("notes/*", "secret")),
            ("wim", ("plan", "open")),
        ]
        self.clients = [
            _Client(self, agent, states, mode, acks=acks)
            for agent, states in kinds
            for mode in ("all", "latest")
            for acks in (True, False)
        ]
        self.done: dict[str, int] = {}

    # -- what happens --

    def nothing_hidden(self, client: _Client, frame: dict[str, Any]) -> None:
        """What came is of states that the reader may read now, or could when it was sent: after the last change of
        rights was told, never of others."""
        if frame["t"] not in ("snap", "delta") or not self.quiet:
            return
        caller = self.directory.caller(None, "lab", agent=client.agent)
        for each in frame.get("states", frame.get("entries", ())):
            state = self.manager.store.load_states("lab", [each["id"]])[each["id"]]
            assert caller.admin or Right.READ in rights(state, caller), (client.agent, each)

    quiet = False

    def write(self) -> None:
        state_id = self.random.choice(IDS)
        kept = self.manager.store.load_states("lab", [state_id]).get(state_id)
        act = self.random.random()
        if kept is None or kept.deleted:
            self.manager.create_state(
                WRITER, state_id, data={"n": 0}, access_policy=self._policy(), owners=("system",)
            )
        elif act < 0.12:
            self.manager.delete_state(WRITER, state_id)
        elif act < 0.3:
            self.manager.configure(WRITER, state_id, {"access_policy": self._policy()})
        elif act < 0.4:
            self.manager.configure(WRITER, state_id, {"name": f"name {self.random.random()}"})
        elif act < 0.5:
            others = [each for each in IDS if each != state_id]
            both = [state_id, self.random.choice(others)]
            living = self.manager.store.load_states("lab", both)
            ops = {
                each: [Operation(OperationType.SET, "/t", self.random.randrange(1000))]
                for each in both
                if each in living and not living[each].deleted
            }
            self.manager.transact(WRITER, (), ops)
        else:
            key = self.random.choice(("n", "m", "deep"))
            value = self.random.choice((self.random.randrange(99), {"x": [1, {"y": None}]}, "é"))
            self.manager.update_state(WRITER, state_id, {key: value})

    def _policy(self) -> AccessPolicy:
        return self.random.choice(
            (
                AccessPolicy(),
                AccessPolicy(public=True),
                AccessPolicy(read_allow=("agent:wim",)),
                AccessPolicy(read_allow=("role:leader",)),
            )
        )

    async def step(self) -> None:
        act = self.random.random()
        client = self.random.choice(self.clients)
        if act < 0.5:
            for _ in range(self.random.choice((1, 1, 2, 9))):
                self.write()
        elif act < 0.6:
            if client.live is None:
                await client.connect(forget=self.random.random() < 0.2)
            else:
                client.drop()
        elif act < 0.66:
            head = self.manager.store.open_space("lab").revision
            self.manager.store.compact("lab", self.random.randrange(head + 1))
        elif act < 0.72:
            agent = self.random.choice(("wim", "wes"))
            self.directory.roles[agent] = self.random.choice(("leader", "worker"))
            for each in self.clients:
                if each.live is not None and each.live.opened is not None:
                    await each.live.review()
        elif act < 0.95:
            for each in self.clients:
                if each.live is not None:
                    each.read()
                    if each.acks or self.random.random() < 0.3:
                        await each.ack()
        for entered in list(self.pool.feeds._feeds.values()):
            entered.wake()
        if self.random.random() < 0.7:
            await asyncio.sleep(0.002)

    async def settle(self) -> None:
        """Everybody comes back, reads and acknowledges, until nothing more comes."""
        for client in self.clients:
            if client.live is None:
                await client.connect()
        idle = 0
        async with asyncio.timeout(20):
            while idle < 3:
                await asyncio.sleep(0.03)
                for entered in list(self.pool.feeds._feeds.values()):
                    entered.wake()
                frames = 0
                for client in self.clients:
                    frames += client.read()
                    await client.ack()
                head = self.manager.store.open_space("lab").revision
                there = all(
                    sub.is_live and sub.position == head
                    for client in self.clients
                    if client.live is not None
                    for sub in client.live.subs.values()
                )
                idle = idle + 1 if there and not frames else 0

    def check(self) -> None:
        """Each has exactly what it may read."""
        states = self.manager.store.list_states("lab", Filters(), limit=100, with_data=True).states
        for client in self.clients:
            caller = self.directory.caller(None, "lab", agent=client.agent)
            assert client.live is not None
            wanted = client.live.subs[1].reader.wanted
            expected = {
                each.id: (each.uid, each.version, each.data)
                for each in states
                if wanted.matches(each.id) and Right.READ in rights(each, caller)
            }
            assert client.seen.states == expected, (client.agent, client.states, client.mode)
            assert client.seen.synced
            for reason in client.seen.resets:
                self.done[reason] = self.done.get(reason, 0) + 1

    async def close(self) -> None:
        for client in self.clients:
            client.drop()
        await asyncio.sleep(0.05)
        self.pool.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring, pages and pauses so small that everything has to be read again."""
    monkeypatch.setattr(ring, "MAX_ENTRIES", 7)
    monkeypatch.setattr(feed, "PAGE", 5)
    monkeypatch.setattr(feed, "PACE", 0.0)


@pytest.mark.parametrize("seed", SEEDS)
async def test_everybody_has_exactly_what_it_may_read_whatever_happened(
    manager: StateManager, ada: User, small: None, seed: int
) -> None:
    stage = Stage(manager, ada, seed)
    try:
        for client in stage.clients:
            await client.connect()
        for _ in range(STEPS):
            await stage.step()
        await stage.settle()
        stage.check()
    finally:
        await stage.close()
