"""W8: registers and subscribers while history is given up every two seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from tests.soak.records import Log
from tests.soak.stage import Stage
from tests.soak.workloads.registers import Registers
from tests.soak.workloads.watched import Watched

EVERY: Final = 2.0
#: Revisions that are kept, at most: less than what comes while somebody is away.
KEEP: Final = 12


class Compacted:
    """Whoever comes back is reset or gets exactly what it missed, never a hole; deletions are always seen."""

    def __init__(self) -> None:
        self._parts = (Registers(alone=False), Watched())

    async def prepare(self, stage: Stage) -> None:
        """See `Workload`."""
        for part in self._parts:
            await part.prepare(stage)

    def clients(self, stage: Stage) -> list[Coroutine[Any, Any, None]]:
        """See `Workload`."""
        return [self._compactor(stage), *(each for p in self._parts for each in p.clients(stage))]

    async def settle(self, stage: Stage) -> list[str]:
        """See `Workload`."""
        return [each for part in self._parts for each in await part.settle(stage)]

    async def _compactor(self, stage: Stage) -> None:
        chance = stage.chance("w8-compactor")
        while not stage.over.is_set():
            await asyncio.sleep(EVERY)
            await stage.look()
            await stage.compact(chance.randrange(KEEP))

    def judge(self, stage: Stage, log: Log, final: dict[str, Any]) -> list[str]:
        """See `Workload`."""
        return [each for part in self._parts for each in part.judge(stage, log, final)]
