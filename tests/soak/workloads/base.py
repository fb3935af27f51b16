"""What a workload is."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Protocol

from tests.soak.records import Log
from tests.soak.stage import Stage


class Workload(Protocol):
    """Clients with a purpose."""

    async def prepare(self, stage: Stage) -> None:
        """Make what they need, before the faults begin."""

    def clients(self, stage: Stage) -> list[Coroutine[Any, Any, None]]:
        """What they do, each until `stage.over` is set."""

    async def settle(self, stage: Stage) -> list[str]:
        """Wait, once everything is quiet, for what needs time; what did not come in time, in words."""

    def judge(self, stage: Stage, log: Log, final: dict[str, Any]) -> list[str]:
        """What is wrong, in words; `final` is every living state by id, as the store has it."""
