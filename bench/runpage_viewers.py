"""Many plain websocket viewers of one run, and how long events take from their place in the log to each of them.

Told (url, token, run, viewers, seconds) as a JSON array on the command line; prints one JSON object. An event's
clock starts at its `at`, which is when the run was locked to write it: the commit is part of what is measured. Events
from before the last viewer was there are not counted: they are read from the log, not delivered.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import uvloop
import websockets


@lru_cache(maxsize=256)
def read(text: str) -> tuple[int, tuple[float, ...], str]:
    """First number, times and status of an events frame; the same text comes to every viewer."""
    frame: dict[str, Any] = msgspec.json.decode(text)
    if frame["type"] != "events":
        return 0, (), ""
    times = tuple(datetime.fromisoformat(event["at"]).timestamp() for event in frame["events"])
    return frame["first"], times, frame["status"]


class Tally:
    """What the viewers saw."""

    def __init__(self, viewers: int) -> None:
        self.awaited = viewers
        #: When the last viewer was there.
        self.complete_at = float("inf")
        #: Seconds from each event's `at` to each viewer.
        self.late: list[float] = []
        #: How many events each saw.
        self.counts: list[int] = []

    def arrived(self) -> None:
        """One more viewer follows the run."""
        self.awaited -= 1
        if not self.awaited:
            self.complete_at = time.time()


async def view(url: str, token: str, run: str, tally: Tally) -> None:
    """One viewer, until the run has ended."""
    headers = {"Authorization": f"Token {token}"}
    seen = 0
    async with websockets.connect(url, additional_headers=headers, max_size=None) as socket:
        await socket.send(json.dumps({"type": "subscribe", "topic": f"run:{run}"}))
        try:
            async for text in socket:
                first, times, status = read(str(text))
                if not times:
                    if '"hello"' in str(text)[:40]:
                        tally.arrived()
                    continue
                now = time.time()
                if first != seen + 1:
                    raise RuntimeError(f"event {first} came after {seen}")
                seen += len(times)
                tally.late += [now - at for at in times if at > tally.complete_at]
                if status in ("completed", "failed", "cancelled"):
                    break
        finally:
            tally.counts.append(seen)


async def main(url: str, token: str, run: str, viewers: int, seconds: float) -> None:
    """All viewers at once."""
    tally, begun = Tally(viewers), time.time()
    watching = [view(url, token, run, tally) for _ in range(viewers)]
    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*watching)
    except TimeoutError:
        pass
    late, counts = sorted(tally.late), tally.counts
    print(
        json.dumps(
            {
                "p50": late[len(late) // 2] * 1000,
                "p95": late[int(len(late) * 0.95)] * 1000,
                "p99": late[int(len(late) * 0.99)] * 1000,
                "most": late[-1] * 1000,
                "events": max(counts),
                "least": min(counts),
                "viewers": len(counts),
                "seconds": time.time() - begun,
            }
        )
    )


if __name__ == "__main__":
    uvloop.run(main(*json.loads(sys.argv[1])))
