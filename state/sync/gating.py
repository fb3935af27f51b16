"""How many long reads may be under way: for all subscribers of a process, and for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import ParamSpec, TypeVar

from state.threads import in_thread

P = ParamSpec("P")
T = TypeVar("T")


class Gate(asyncio.Semaphore):
    """Lets `most` through, all of whom have to pass the gate that it is `within`, too. The outermost has the threads
    in which is read, so that other reads never wait for these."""

    def __init__(self, most: int, *, within: Gate | None = None) -> None:
        super().__init__(most)
        self.within = within
        self.executor: ThreadPoolExecutor = (
            ThreadPoolExecutor(most, thread_name_prefix="state-snapshot")
            if within is None
            else within.executor
        )


def is_busy(gate: asyncio.Semaphore) -> bool:
    """Whether somebody who comes now has to wait."""
    return gate.locked() or (
        isinstance(gate, Gate) and gate.within is not None and is_busy(gate.within)
    )


async def held(
    gate: asyncio.Semaphore, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """What the blocking read returns or raises.

    The gate is held until its thread has ended: whoever no longer waits for the result has not ended that.
    """
    with ExitStack() as passed:
        each: asyncio.Semaphore | None = gate
        while each is not None:
            await each.acquire()
            passed.callback(each.release)
            each = each.within if isinstance(each, Gate) else None
        executor = gate.executor if isinstance(gate, Gate) else None
        reading = asyncio.ensure_future(in_thread(read, executor)(*args, **kwargs))
        holding = passed.pop_all()

    def ended(task: asyncio.Future[T]) -> None:
        holding.close()
        if not task.cancelled():
            task.exception()  # nobody may be left to hear of it

    reading.add_done_callback(ended)
    return await asyncio.shield(reading)
