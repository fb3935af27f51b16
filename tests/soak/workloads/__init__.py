"""What the clients of a run do, and what must hold of it; see shared-state 4."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.soak.workloads.base import Workload
from tests.soak.workloads.compacted import Compacted
from tests.soak.workloads.elements import Elements
from tests.soak.workloads.queued import Queued
from tests.soak.workloads.registers import Registers
from tests.soak.workloads.watched import Watched

WORKLOADS: Final[dict[str, Callable[[], Workload]]] = {
    "W1": Registers,
    "W2": Elements,
    "W5": Watched,
    "W7": Queued,
    "W8": Compacted,
}

__all__ = ["WORKLOADS", "Workload"]
