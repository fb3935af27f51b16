"""Runs blocking work beside the event loop: its events come out as they happen, and it stops when nobody listens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Final

from groups.agents.base import AgentEvent, Answered
from groups.agents.builtin.output import Output

#: Files worked on at the same time in one process unless `configure` says otherwise;
#: each may use `database.MEMORY_LIMIT`.
MAX_THREADS: Final = 4
_threads = MAX_THREADS
#: Seconds to wait for stopped work, and between reminders.
_GRACE, _REMIND = 0.8, 0.02


class Stopped(Exception):
    """The work was told to stop; nobody waits for its result."""


class Stop:
    """Tells a thread to stop: it asks `check` between steps, and what it waits in can be interrupted."""

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._interrupt: Callable[[], None] | None = None

    def interrupts(self, interrupt: Callable[[], None] | None) -> None:
        """Call `interrupt` from the other thread when a stop is requested. It may be called often."""
        self._interrupt = interrupt

    @property
    def requested(self) -> bool:
        return self._requested.is_set()

    def request(self) -> None:
        """Ask for the stop; ask again until the work has ended, for an interrupt may fall between two steps."""
        self._requested.set()
        interrupt = self._interrupt
        if interrupt is not None:
            interrupt()

    def check(self) -> None:
        """Raises Stopped once a stop was requested."""
        if self._requested.is_set():
            raise Stopped


def configure(threads: int) -> None:
    """How many threads this process has for such work; counts from the next request on."""
    global _threads
    _threads = threads


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="stars-builtin")


async def stream(
    work: Callable[[Output, Stop], None],
) -> AsyncGenerator[AgentEvent | Answered, None]:
    """Yield the events of `work` as it runs in a thread, then its whole answer.

    When the caller is cancelled or closes the stream, the thread is stopped before this ends.
    Raises what `work` raises.
    """
    loop = asyncio.get_running_loop()
    events: asyncio.Queue[AgentEvent | None] = asyncio.Queue()
    stop = Stop()

    def send(event: AgentEvent | None) -> None:
        loop.call_soon_threadsafe(events.put_nowait, event)

    def send_checked(event: AgentEvent) -> None:
        stop.check()
        send(event)

    def run() -> str:
        try:
            output = Output(send_checked)
            work(output, stop)
            return output.close()
        finally:
            with suppress(RuntimeError):  # the loop is closed: nobody is there to be told
                send(None)

    running = _pool(_threads).submit(run)
    try:
        while (event := await events.get()) is not None:
            yield event
        yield Answered(await asyncio.wrap_future(running))
    finally:
        if not running.done():
            await _halt(running, stop)


async def _halt(running: Future[str], stop: Stop) -> None:
    """Stop the thread; give up on it after the grace time, as it may sit in one long system call."""
    if running.cancel():
        return
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _GRACE
    while not running.done() and loop.time() < deadline:
        stop.request()
        await asyncio.sleep(_REMIND)
