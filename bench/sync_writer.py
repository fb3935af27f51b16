"""Whoever writes in the sync benchmark: a process told by lines of JSON (`bench.sync_site.Talker`).

Writes go through the StateManager, 1 KiB each, to states `bench/0` … of the space of a group.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import django

from bench.sync_site import said_of

KIB: Final = "x" * 1024
#: Writers at once, where it is to be fast.
THREADS: Final = 16


class Writer:
    """Commands."""

    def __init__(self) -> None:
        from state import conf

        #: When each revision stood: (revision of the space, nanoseconds).
        self.commits: list[tuple[int, int]] = []
        poke: Callable[[str, int, tuple[str, ...]], None] = conf._poke

        def noted(space: str, revision: int, states: tuple[str, ...]) -> None:
            self.commits.append((revision, time.monotonic_ns()))
            poke(space, revision, states)

        conf._poke = noted

    def prepare(self) -> dict[str, str]:
        """Tables, and a user with a token."""
        from django.core.management import call_command

        from state import conf
        from tests import factories

        call_command("migrate", verbosity=0)
        self.manager = conf.manager()
        self.user = factories.make_user(username="ada")
        return {"token": factories.make_token(user=self.user)}

    def space(self, states: int, size: int = 1024) -> str:
        """A new one with so many states."""
        from state.policy import system
        from tests import factories

        space = str(factories.make_group(owner=self.user).pk)

        def create(number: int) -> None:
            data = {"body": ("x" * size)[:size], "n": number}
            self.manager.create_state(system(space), f"bench/{number}", data=data)

        _threads(create, range(states))
        return space

    def paced(self, space: str, seconds: float, rate: float, states: int) -> list[list[int]]:
        """So many a second; when each was committed."""
        self.commits.clear()
        begun, at = time.monotonic(), self.head(space)
        for number in range(int(seconds * rate)):
            self._write(space, number, number % states)
            time.sleep(max(0.0, begun + (number + 1) / rate - time.monotonic()))
        return said_of(self.commits, at)

    def flood(
        self, space: str, seconds: float = 60, count: int = 10**9, states: int = THREADS
    ) -> list[list[int]]:
        """As fast as it goes, by threads that have a state each; when each was committed."""
        self.commits.clear()
        at, end = self.head(space), time.monotonic() + seconds

        def write_on(state: int) -> None:
            for number in range(state, count, states):
                if time.monotonic() > end:
                    break
                self._write(space, number, state)

        _threads(write_on, range(states))
        return said_of(self.commits, at)

    def layer(self, redis: str, seconds: float, rate: float) -> list[list[int]]:
        """Messages of that size through `group_send`."""
        import asyncio

        from channels_redis.pubsub import RedisPubSubChannelLayer

        async def say() -> list[list[int]]:
            layer, said = RedisPubSubChannelLayer(hosts=[redis]), []
            begun = time.monotonic()
            for number in range(int(seconds * rate)):
                text = json.dumps({"n": number, "text": KIB})
                said.append([number, time.monotonic_ns()])
                await layer.group_send("bench", {"type": "event", "text": text})
                await asyncio.sleep(max(0.0, begun + (number + 1) / rate - time.monotonic()))
            return said

        return asyncio.run(say())

    def head(self, space: str) -> int:
        """Its revision."""
        return self.manager.store.open_space(space).revision

    def _write(self, space: str, number: int, state: int) -> None:
        from state.policy import system
        from state.values import Operation, OperationType

        ops = [Operation(OperationType.SET, "/body", f"{number:08}{KIB[8:]}")]
        self.manager.update_state(system(space), f"bench/{state}", ops)


def _threads(work: Callable[[int], None], over: range) -> None:
    from django.db import connections

    def closing(number: int) -> None:
        try:
            work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(closing, over))


def main() -> None:
    """Carry out commands until the input ends."""
    django.setup()
    writer = Writer()
    for line in sys.stdin:
        command: dict[str, Any] = json.loads(line)
        do = getattr(writer, command.pop("do"))
        print(json.dumps(do(**command)), flush=True)


if __name__ == "__main__":
    main()
