"""Blocking work that may take as long as a stranger likes: hosts that are slow, names that nobody answers for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def apart(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` gives, done in a thread of its own.

    The event loop's own threads are few, and everybody's way to the database: half a dozen slow hosts would hold up
    all agents of the process. How many threads there are is bounded by how many agents are at work.
    """
    thread = ThreadPoolExecutor(1, "stars-apart")
    try:
        return await asyncio.get_running_loop().run_in_executor(
            thread, partial(work, *args, **kwargs)
        )
    finally:
        thread.shutdown(wait=False)
