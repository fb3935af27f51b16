"""How many statements the manager's calls send to the database as states and versions grow: it must not grow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Final

SPACE: Final = "count"
GROWTH: Final = (10, 100, 1000)
THREADS: Final = 16


class Counting:
    """Statements by call, one number for each size that was counted at."""

    def __init__(self) -> None:
        from state import conf
        from state.policy import system

        self.manager, self.caller = conf.manager(), system(SPACE)
        self.found: dict[str, list[int]] = {}

    @contextmanager
    def counted(self, name: str) -> Iterator[None]:
        """Count the statements of the block, BEGIN and COMMIT among them."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as captured:
            yield
        self.found.setdefault(name, []).append(len(captured))

    def count(self) -> None:
        """One of each call on the state s0, with pages that have room for everything."""
        from state.manager import Base
        from state.values import Operation, OperationType

        with self.counted("get_state"):
            state = self.manager.get_state(self.caller, "s0")
        n = state.data["n"]
        ops = [Operation(OperationType.CAS, "/n", n + 1, expect=n)]
        base = Base(version=state.version, exact=True)
        with self.counted("update_state (cas)"):
            self.manager.update_state(self.caller, "s0", ops, base=base)
        with self.counted("update_state (cas, op_id)"):
            base = Base(version=state.version + 1, exact=True)
            ops = [Operation(OperationType.CAS, "/n", n + 2, expect=n + 1)]
            op_id = f"count-{state.version}"
            self.manager.update_state(self.caller, "s0", ops, base=base, op_id=op_id)
        with self.counted("history"):
            self.manager.history(self.caller, "s0", limit=1000)
        with self.counted("list_states"):
            self.manager.list_states(self.caller, limit=1000)

    def grow_states(self) -> None:
        """Count with so many states in the space."""
        made = 0
        for size in GROWTH:
            create = partial(self.manager.create_state, self.caller, data={"n": 0})
            together([partial(create, f"s{number}") for number in range(made, size)])
            made = size
            self.count()

    def grow_versions(self) -> None:
        """Count with so many versions of the state."""
        for size in GROWTH:
            version = self.manager.get_state(self.caller, "s0").version
            update = partial(self.manager.update_state, self.caller, "s0")
            # The counted writes make the last two.
            together([partial(update, {"v": each}) for each in range(version, size - 2)])
            self.count()
            assert self.manager.get_state(self.caller, "s0").version == size


def together(calls: Sequence[Callable[[], object]]) -> None:
    """All of them, by several threads, so that they share commits."""
    from django.db import connections

    def some(start: int) -> None:
        try:
            for call in calls[start::THREADS]:
                call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(some, start) for start in range(THREADS)]:
            done.result()


def table() -> str:
    """The counts as Markdown."""
    counting = Counting()
    counting.grow_states()
    counting.grow_versions()
    heads = [f"{size} {what}" for what in ("states", "versions") for size in GROWTH]
    lines = [f"| statements | {' | '.join(heads)} |", "|---|" + "---:|" * len(heads)]
    for name, counts in counting.found.items():
        lines.append(f"| {name} | {' | '.join(map(str, counts))} |")
    return "\n".join(lines)
