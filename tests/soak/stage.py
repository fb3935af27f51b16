"""One run: a space of its own, its clients and subscribers, its log as it grows, and what was seen of faults."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

import msgspec

from state.policy import Caller, Right, rights
from state.sync.client import StarsClient
from state.values import AccessPolicy, SharedState
from tests.soak.history import Header, Recorder
from tests.soak.hooks import Hook
from tests.soak.processes import Site, Web
from tests.soak.records import Log, Logged, Watch, Windows
from tests.soak.replicas import ReplicaWatcher, make_client
from tests.soak.talking import Answer, Http, Socket
from tests.soak.watching import Habits, Watcher

#: Seconds between looks at the log.
LOOK: Final = 0.5
AGENTS: Final = ("lena", *(f"w{number}" for number in range(12)))
_NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Stage:
    """What workloads and faults get; `over` is set when the clients shall stop."""

    def __init__(self, site: Site, folder: Path, header: Header, seconds: float) -> None:
        self.site = site
        self.folder = folder
        self.seconds = seconds
        self.seed = header.seed
        self.space = f"{header.name.lower()}-{header.seed}".replace("_", "-")
        self.recorder = Recorder(folder, header)
        self.over = asyncio.Event()
        #: How often something happened that a run should have seen.
        self.coverage: Counter[str] = Counter()
        #: Sentences about what should not be, found while running.
        self.oddities: list[str] = []
        self.watchers: list[Watcher | ReplicaWatcher | Hook] = []
        self.token = ""
        self.entries: list[Logged] = []
        self._configs: list[tuple[int, str, dict[str, Any]]] = []
        self._policies: dict[str, AccessPolicy] = {}
        self._stack = AsyncExitStack()
        self._looking = asyncio.Lock()
        self._last = 0

    async def open(self) -> None:
        """A group, who may write in it, and somebody who reads the log along."""
        self.token = await self.site.ask("prepare", space=self.space, agents=list(AGENTS))
        self._stack.callback(self.recorder.close)
        self.start(self._follow())

    async def close(self) -> None:
        """Stop whoever still works on it."""
        await self._stack.aclose()

    def chance(self, who: str) -> Random:
        """The dice of one of the run's clients."""
        return Random(f"{self.seed}/{who}")

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Work that is cancelled at the end."""
        task = asyncio.create_task(work)

        async def cancel() -> None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

        self._stack.push_async_callback(cancel)
        return task

    # -- clients ---------------------------------------------------------------------------------------------------

    def http(self, agent: str = "", *, webs: list[Web] | None = None, direct: bool = False) -> Http:
        """Somebody who asks these web processes in turn; without `agent`, the group's owner."""
        urls = [web.direct_url if direct else web.url for web in webs or self.site.webs]
        client = Http(urls, self.space, self.token, agent)
        self._stack.push_async_callback(client.close)
        return client

    def socket(self, agent: str) -> Socket:
        """Somebody who writes over a sync socket."""
        client = Socket([web.url for web in self.site.webs], self.space, self.token, agent)
        self._stack.push_async_callback(client.close)
        return client

    def watch(
        self,
        name: str,
        states: tuple[str, ...] = ("*",),
        *,
        mode: Literal["all", "latest"] = "all",
        reader: str = "agent:w11",
        habits: Habits | None = None,
    ) -> Watcher:
        """A subscriber that follows from now on."""
        watch = Watch(name=name, reader=reader, states=states, mode=mode)
        urls = [web.url for web in self.site.webs]
        seed = self.chance(name).getrandbits(32)
        watcher = Watcher(urls, self.space, self.token, watch, habits=habits, seed=seed)
        self.watchers.append(watcher)
        self.start(watcher.run())
        return watcher

    def client(self, agent: str, name: str, web: Web) -> StarsClient:
        """An agent that uses the client of `state.sync`."""
        return make_client(web.url, self.space, self.token, agent, name)

    def replica(
        self,
        name: str,
        states: tuple[str, ...] = ("*",),
        *,
        mode: Literal["all", "latest"] = "all",
        reader: str = "agent:w11",
        web: int = 0,
    ) -> ReplicaWatcher:
        """A subscriber by that client, which follows from now on."""
        watch = Watch(name=name, reader=reader, states=states, mode=mode, to_the_end=False)
        client = self.client(reader.removeprefix("agent:"), name, self.site.webs[web])
        watcher = ReplicaWatcher(client, watch)
        self.watchers.append(watcher)
        self.start(watcher.run())
        return watcher

    async def hook(
        self, name: str, states: tuple[str, ...] = ("*",), *, reader: str = "agent:w11"
    ) -> None:
        """A webhook, if there is a worker to send to it."""
        if not self.site.has_worker:
            return
        watch = Watch(name=name, reader=reader, states=states, to_the_end=False)
        hook = Hook(watch, self.chance(name).getrandbits(32))
        self._stack.push_async_callback(hook.stop)
        await hook.start()
        agent = reader.removeprefix("agent:")
        hook.secret = await self.site.ask(
            "hook", space=self.space, agent=agent, address=hook.address, states=list(states)
        )
        self.watchers.append(hook)

    async def create(self, state: str, **fields: Any) -> Answer:
        """A new state, before the faults begin. Raises RuntimeError when it is refused."""
        answer = await self.http(direct=True).create(state, **fields)
        if answer.end != "ok":
            raise RuntimeError(f"{state} was not created: {answer}")
        policy = fields.get("access_policy", {"public": True})
        self._policies[state] = msgspec.convert(policy, AccessPolicy)
        return answer

    # -- the log ---------------------------------------------------------------------------------------------------

    @property
    def head(self) -> int:
        """The last revision that was seen in the log."""
        return self._last

    async def look(self) -> int:
        """Read what is new in the log; where it ends."""
        async with self._looking:
            found = await self.site.ask("log", space=self.space, after=self._last)
            for each in found["entries"]:
                entry = msgspec.convert(each["entry"], Logged)
                self.entries.append(entry)
                self._last = entry.rev
                if "access_policy" in each["config"]:
                    self._configs.append((entry.rev, entry.id, each["config"]["access_policy"]))
        return self._last

    async def compact(self, keep: int) -> None:
        """Give up history but for the last revisions, of what was read."""
        async with self._looking:
            to = self._last - keep
            if to > 0:
                await self.site.ask("compact", space=self.space, to=to)
                self.coverage["compactions"] += 1
                self.recorder.fault(f"compacted to {to}")

    async def settled(self) -> Log:
        """The log once it has stood still for a second."""
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 1.0:
            head = await self.look()
            if head != last:
                last, since = head, time.monotonic()
            await asyncio.sleep(0.1)
        return self.log()

    def log(self) -> Log:
        """As the judges get it."""
        return Log(self.entries, self.windows())

    def windows(self) -> Windows:
        """When the policies of states let each subscriber read them."""
        found: Windows = {}
        for reader in {watcher.watch.reader for watcher in self.watchers}:
            of: dict[str, list[tuple[int, bool]]] = {}
            for state, policy in self._policies.items():
                of[state] = [(0, may_read(reader, policy))]
            for rev, state, given in self._configs:
                policy = msgspec.convert(given, AccessPolicy)
                of.setdefault(state, [(0, True)]).append((rev, may_read(reader, policy)))
            found[reader] = of
        return found

    async def _follow(self) -> None:
        while True:
            await self.look()
            if await self.site.ask("parked", space=self.space):
                self.coverage["parked"] += 1
            await asyncio.sleep(LOOK)


def may_read(reader: str, policy: AccessPolicy) -> bool:
    """Whether the policy lets a worker of the group read; the states of the soak belong to its owner."""
    state = SharedState(
        id="x", space="x", uid="x", timestamp=_NOW, created_at=_NOW, access_policy=policy
    )
    caller = Caller(space="x", name=reader, principals=frozenset({"role:worker", "tag:steady"}))
    return Right.READ in rights(state, caller)
