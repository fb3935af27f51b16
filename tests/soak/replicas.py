"""Subscribers by `state.sync.client`, as agents written in Python are: what its replicas hold is judged."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from state import jsonvalue
from state.errors import StarsError
from state.sync.client import Backoff, Changes, StarsClient, Subscription
from tests.soak.records import Holds, Log, Watch

#: Seconds between two looks at the replica.
LOOK = 0.5


def make_client(url: str, space: str, token: str, agent: str, name: str) -> StarsClient:
    """A client that is quicker to come back than it should be in earnest, for the soak is short."""
    return StarsClient(
        url,
        space=space,
        agent=agent,
        token=token,
        name=name,
        offline=True,
        silence=10.0,
        backoff=Backoff(base=0.1, cap=2.0),
        options={"proxy": None},
    )


class ReplicaWatcher:
    """Writes down what the replica of a subscription holds whenever it says that this is all there is."""

    def __init__(self, client: StarsClient, watch: Watch) -> None:
        self.watch = watch
        self.counts: Counter[str] = Counter()
        self.oddities: list[str] = []
        self._client = client
        self._subscription: Subscription | None = None

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with self._client as client:
                self._subscription = await client.subscribe(
                    *self.watch.states, mode=self.watch.mode
                )
                following = asyncio.create_task(self._follow(self._subscription.changes()))
                try:
                    while True:
                        await asyncio.sleep(LOOK)
                        self.hold()
                finally:
                    following.cancel()
        except StarsError as error:
            self.oddities.append(
                f"{self.watch.name}: the client gave up: {error!r} {error.message}"
            )

    async def _follow(self, changes: Changes) -> None:
        """Changes follow each other: each begins where the one before of its state ended."""
        held: dict[str, tuple[str, int]] = {}
        async for change in changes:
            self.counts[f"change {change.kind}"] += 1
            if change.kind == "conflict":
                continue
            if change.kind == "reset":
                held.clear()
                continue
            before = change.before and (change.before.uid, change.before.version)
            known = held.get(change.state)
            if known is not None and known != before:
                self.oddities.append(
                    f"{self.watch.name}: a change of {change.state} begins at {before}, held is {known}"
                )
            if change.after is None:
                held.pop(change.state, None)
            else:
                held[change.state] = (change.after.uid, change.after.version)

    def hold(self) -> None:
        """Write down what is held now, unless a snapshot is under way."""
        if self._subscription is None or not self._subscription.synced:
            return
        docs = {
            state.id: (state.uid, state.version, jsonvalue.digest(state.data))
            for state in self._subscription.states.values()
        }
        step = Holds(t=time.monotonic(), rev=self._subscription.revision, docs=docs)
        self.watch.steps.append(step)

    def has_all(self, log: Log) -> bool:
        """Whether it holds everything that it must at the end of the log."""
        if self._subscription is None:
            return False
        for state_id in filter(self.watch.wants, log.ids):
            last = log.at(state_id, log.head)
            if last is not None and log.may_always_read(self.watch.reader, state_id, last.rev):
                state = self._subscription.get(state_id)
                if last.kind == "delete":
                    if state is not None and state.version <= last.v:
                        return False
                elif state is None or state.version < last.v:
                    return False
        return True

    async def calm_down(self) -> None:
        """It is calm."""
