"""An agent kind for real workers (`celery -I tests.grown.agents`): slow on purpose, and it keeps a diary for the test.

The diary is the file STARS_TEST_DIARY: one line per happening, `WHAT SUBTASK ATTEMPT PID SECONDS`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from groups.agents import registry
from groups.agents.base import Answered, Planned, Request, TextDelta
from groups.execution.plan import Plan, PlanItem
from groups.execution.statuses import SubtaskKind


class Drowsy:
    """Plans `config["width"]` subtasks and one that needs them all; each takes `config["seconds"]`."""

    async def perform(self, request: Request) -> AsyncIterator[Any]:
        """See `AgentRuntime.perform`."""
        write("began", request)
        try:
            if request.kind == SubtaskKind.PLAN:
                yield Planned(wide(int(request.config["width"])))
                return
            if request.kind == SubtaskKind.WORK:
                for n in range(4):
                    yield TextDelta(f"{n} ")
                    await asyncio.sleep(float(request.config["seconds"]) / 4)
            yield Answered(f"{request.title or 'summary'} done, {len(request.findings)} found")
            write("ended", request)
        except asyncio.CancelledError:
            write("stopped", request)
            raise


def wide(width: int) -> Plan:
    """As many subtasks beside each other, and a last one."""
    keys = [f"k{n}" for n in range(width)]
    items = [PlanItem(key=key, title=key, assignee="steady") for key in keys]
    last = PlanItem(key="last", title="last", assignee="wim", depends_on=tuple(keys))
    return Plan(subtasks=(*items, last))


def write(what: str, request: Request) -> None:
    """Add a line to the diary; one write of a short line is not torn."""
    line = f"{what} {request.subtask_id} {request.attempt} {os.getpid()} {time.time():.4f}\n"
    with Path(os.environ["STARS_TEST_DIARY"]).open("a") as diary:
        diary.write(line)


registry.KINDS["drowsy"] = Drowsy
