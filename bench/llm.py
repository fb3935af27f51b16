"""What our runtime costs over the bare provider call, against a local model server that writes 1,000 tokens a second.

python -m bench.llm            Time to the first token and tokens/s, ours and the openai client's, in turns; 20 agents
at once; memory per running agent. The server is a process of its own.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple

import django

TOKENS = 2_000
ROUNDS = 9
AGENTS = 20
#: Seconds until the model's first token, as a quick hosted one takes.
BEGINS = 0.2
IDLE = 100


class Seen(NamedTuple):
    """One stream: seconds to its first token, tokens per second after it, its longest silence in seconds."""

    first: float
    rate: float
    gap: float


async def seen(pieces: AsyncIterator[str]) -> Seen:
    """Watch a stream to its end."""
    began = last = time.perf_counter()
    first: float | None = None
    gap, count = 0.0, 0
    async for piece in pieces:
        now = time.perf_counter()
        if first is None:
            first = now - began
        else:
            gap = max(gap, now - last)
        last = now
        count += len(piece.split())
    assert first is not None
    return Seen(first, count / (last - began - first), gap)


def bare(client: Any) -> Callable[[str], Awaitable[Seen]]:
    """The provider's own client and nothing else."""

    async def pieces() -> AsyncIterator[str]:
        stream = await client.chat.completions.create(
            model="stub",
            messages=[{"role": "user", "content": "Count"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content

    return lambda url: seen(pieces())


def _request(url: str, **more: Any) -> Any:
    from groups.agents.base import Request
    from groups.execution.statuses import SubtaskKind

    return Request(
        kind=SubtaskKind.WORK,
        run_id="r",
        subtask_id="s",
        group_id="g",
        agent_id="a",
        config={"model": "stub", "base_url": url, "retries": 0, **more},
        task="Count",
    )


async def ours(url: str) -> Seen:
    """Our runtime, and the reporter that gathers its text for the log."""
    from groups.agents.base import TextDelta
    from groups.agents.llm.runtime import LlmRuntime
    from groups.engine.attempt import Reporter

    reporter = Reporter(lambda events: None)

    async def pieces() -> AsyncIterator[str]:
        async with aclosing(LlmRuntime().perform(_request(url))) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    reporter.say(event)
                    yield event.text
        reporter.rest()

    return await seen(pieces())


async def compare(url: str, calls: dict[str, Callable[[str], Awaitable[Seen]]]) -> None:
    """One after the other, in turns, so that both meet the same machine."""
    found: dict[str, list[Seen]] = {name: [] for name in calls}
    for _ in range(2):  # imports, connections of the system
        for call in calls.values():
            await call(url)
    for _ in range(ROUNDS):
        for name, call in calls.items():
            found[name].append(await call(url))
    for name, all_of_it in found.items():
        first = statistics.median(s.first for s in all_of_it) * 1e3
        rate = statistics.median(s.rate for s in all_of_it)
        print(f"{name:5} first token {first:7.1f} ms   {rate:7.0f} tokens/s")
    for name, call in calls.items():
        began = time.process_time()
        for _ in range(3):
            await call(url)
        used = (time.process_time() - began) / 3 / TOKENS * 1e6
        print(f"{name:5} processor time {used:5.0f} us per token")


async def together(url: str, calls: dict[str, Callable[[str], Awaitable[Seen]]]) -> None:
    """Many agents in one loop."""
    for name, call in calls.items():
        began = time.perf_counter()
        all_of_it = await asyncio.gather(*(call(url) for _ in range(AGENTS)))
        took = time.perf_counter() - began
        gap = max(s.gap for s in all_of_it) * 1e3
        slow, fast = min(s.rate for s in all_of_it), max(s.rate for s in all_of_it)
        total = AGENTS * TOKENS / took
        print(
            f"{name:5} {AGENTS} at once: {total:7.0f} tokens/s in all, each {slow:.0f} to {fast:.0f}; "
            f"longest silence {gap:.0f} ms"
        )


async def memory(url: str) -> None:
    """Agents whose model has begun and says nothing more."""
    from groups.agents.base import TextDelta
    from groups.agents.llm.runtime import LlmRuntime

    begun = 0

    async def hang() -> None:
        nonlocal begun
        request = _request(url, settings={"seed": 7}, stall_timeout=600.0)
        async with aclosing(LlmRuntime().perform(request)) as events:
            async for event in events:
                begun += isinstance(event, TextDelta)

    gc.collect()
    before = _rss()
    tasks = [asyncio.ensure_future(hang()) for _ in range(IDLE)]
    while begun < IDLE:
        await asyncio.sleep(0.05)
    gc.collect()
    print(f"memory per running agent: {(_rss() - before) / IDLE:.0f} KB")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _rss() -> float:
    """Resident memory in KB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def serve() -> None:
    """The model server; it says its address and stays."""
    from tests.llm.stub import Reply, Stub, text

    def answer(body: dict[str, Any]) -> Reply:
        if body.get("seed") == 7:
            return text("one two", stall_after=1)
        # A timer tick is longer than a millisecond, so ten words come every ten.
        return Reply(said=["word " * 10] * (TOKENS // 10), pace=0.01, delay=BEGINS)

    stub = Stub()
    stub.answer = answer
    print(stub.start().url, flush=True)
    sys.stdin.read()


def main() -> None:
    """Measure and print."""
    if "serve" in sys.argv:
        return serve()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    command = [sys.executable, "-m", "bench.llm", "serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None and server.stdin is not None
        url = server.stdout.readline().strip()

        async def all_of_it() -> None:
            from openai import AsyncOpenAI

            # Made once, as a program would: making one takes 60 ms, for it reads the certificates.
            async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
                calls = {"bare": bare(client), "ours": ours}
                await compare(url, calls)
                await together(url, calls)
            await memory(url)

        asyncio.run(all_of_it())
        server.stdin.close()


if __name__ == "__main__":
    main()
