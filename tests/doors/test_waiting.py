"""Callers that wait for a run hold no thread each, or a few dozen of them would take all that a machine has."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.doors.conftest import Site

CALLERS = 24
SAID = [{"role": "user", "id": "m", "content": "Count the ships"}]


def threads(site: Site) -> int:
    """How many the server has now."""
    return len(list(Path(f"/proc/{site.process.pid}/task").iterdir()))


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("chat", "/v1/chat/completions", {"messages": SAID}),
        ("responses", "/v1/responses", {"input": "Count the ships"}),
        ("agui", "/agui/wait-agui/", {"runId": "r", "messages": SAID}),
    ],
)
async def test_callers_that_wait_hold_no_threads(
    site: Site, name: str, path: str, body: dict[str, Any]
) -> None:
    group = site.group(f"wait-{name}", lead={"hang": True})
    headers = {"Authorization": f"Bearer {site.token}"}
    async with httpx.AsyncClient(base_url=site.url, headers=headers, timeout=60) as client:

        async def ask(number: int) -> None:
            given = body | {"model": group, "threadId": f"t{number}"}
            async with client.stream("POST", path, json=given) as answer:
                async for _ in answer.aiter_raw():
                    pass

        async def asking(number: int) -> asyncio.Task[None]:
            task = asyncio.create_task(ask(number))
            while len(await runs()) <= number:
                await asyncio.sleep(0.02)
            return task

        async def runs() -> list[str]:
            found = await client.get(f"/api/v1/groups/{group}/runs/", params={"limit": 100})
            return [run["id"] for run in found.json()["results"]]

        asked = [await asking(0)]
        before = threads(site)
        asked += [await asking(number) for number in range(1, CALLERS)]
        held = threads(site)
        assert not any(task.done() for task in asked)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        # The other tests' runs wait for a place among those that are worked on.
        for run in await runs():
            (await client.post(f"/api/v1/runs/{run}/cancel/")).raise_for_status()
    assert held < before + CALLERS // 2
