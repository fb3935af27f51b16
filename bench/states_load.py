"""A process of clients: reads commands from its input, one JSON object a line, and answers each with one line.

Its clients are threads; what they call is the StateManager of the settings it was started with, or the bare script.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from typing import Final

import django

from bench.states_bare import lua_client
from bench.states_documents import document

SPACE: Final = "bench"
#: Seconds within which all clients must be ready.
PATIENCE: Final = 60
Client = Callable[[], None]


def say(answer: object) -> None:
    """Answer in one line."""
    print(json.dumps(answer), flush=True)


def run(makers: Sequence[Callable[[], Client]], seconds: float) -> tuple[float, float]:
    """Calls a second of all clients together, and the median call in seconds.

    Every client is made in its thread and called once; then the process says it is ready and is told when to begin.
    """
    from django.db import connections

    ready, told = (threading.Barrier(len(makers) + 1, timeout=PATIENCE) for _ in range(2))
    begin = 0.0

    def work(make: Callable[[], Client]) -> list[float]:
        taken = []
        try:
            call = make()
            call()
            ready.wait()
            told.wait()
            time.sleep(max(0.0, begin - time.monotonic()))
            end = begin + seconds
            before = time.monotonic()
            while before < end:
                call()
                after = time.monotonic()
                if after <= end:
                    taken.append(after - before)
                before = after
        except BaseException:
            ready.abort()
            raise
        finally:
            connections.close_all()
        return taken

    with ThreadPoolExecutor(len(makers)) as pool:
        working = [pool.submit(work, make) for make in makers]
        try:
            ready.wait()
        except threading.BrokenBarrierError:
            failures = [each.exception() for each in working]
            raise next(
                each
                for each in failures
                if each and not isinstance(each, threading.BrokenBarrierError)
            ) from None
        say("ready")
        begin = float(sys.stdin.readline())
        told.wait()
        taken = [latency for each in working for latency in each.result()]
    return len(taken) / seconds, median(taken)


def cas_client(state: str, size: int) -> Client:
    """Each call writes the whole document at exactly the version that the last one made."""
    from state import conf
    from state.manager import Base
    from state.policy import system
    from state.values import Operation, OperationType

    manager, caller, data = conf.manager(), system(SPACE), document(size, n=0)
    version = manager.get_state(caller, state).version

    def once() -> None:
        nonlocal version
        ops = [Operation(OperationType.SET, "", {**data, "n": version})]
        base = Base(version=version, exact=True)
        version = manager.update_state(caller, state, ops, base=base).version

    return once


def get_client(state: str, size: int) -> Client:
    """Each call reads the state."""
    from state import conf
    from state.policy import system

    manager, caller = conf.manager(), system(SPACE)

    def once() -> None:
        manager.get_state(caller, state)

    return once


def prepare(states: Sequence[str], size: int) -> None:
    """Make the states."""
    from state import conf
    from state.policy import system

    for state in states:
        conf.manager().create_state(system(SPACE), state, data=document(size, n=0))


def main() -> None:
    """Serve commands until the input ends."""
    django.setup()
    clients: dict[str, Callable[[str, int], Client]] = {"cas": cas_client, "get": get_client}
    for line in sys.stdin:
        command = json.loads(line)
        match command["do"]:
            case "migrate":
                from django.core.management import call_command

                say(call_command("migrate", verbosity=0))
            case "prepare":
                prepare(command["states"], command["size"])
                say("prepared")
            case "queries":
                from bench.states_queries import table

                say(table())
            case "lua":
                data, url = document(command["size"], n=0), command["url"]
                makers = [partial(lua_client, url, each, data) for each in command["states"]]
                say(run(makers, command["seconds"]))
            case "cas" | "get":
                size, make = command["size"], clients[command["do"]]
                makers = [partial(make, each, size) for each in command["states"]]
                say(run(makers, command["seconds"]))
    from state import conf

    conf.close_manager()


if __name__ == "__main__":
    main()
