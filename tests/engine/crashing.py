"""Worker processes that die at a chosen place: `python -m tests.engine.crashing`, a line `RUN_ID PLACE NTH` for each.

Each works on the database of DATABASE_URL with the agents of `Steady`, and leaves with code 9 the NTH time it comes by
PLACE, without a word to anybody, or with 0 when the run was over before. The code is answered as a line.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

from groups.agents.base import Answered, Planned, Request, TextDelta
from groups.execution.statuses import SubtaskKind
from tests.unit.world import item, plan

DIED: Final = 9
PLAN: Final = plan(item("a"), item("b", "a", assignee="wes"), item("c", assignee="steady"))
RESULT: Final = "a: A done; b: B done; c: C done"


class Steady:
    """Every step takes long enough that no two come to share a transaction."""

    async def perform(self, request: Request) -> AsyncIterator[Any]:
        """See `AgentRuntime.perform`."""
        await asyncio.sleep(0.03)
        if request.kind == SubtaskKind.PLAN:
            yield Planned(PLAN)
            return
        text = f"{request.title} done"
        if request.kind == SubtaskKind.SUMMARY:
            text = "; ".join(f"{f.key}: {f.text}" for f in request.findings)
        for word in text.split(" "):
            yield TextDelta(word + " ")
            await asyncio.sleep(0.015)
        yield Answered(text)


class Fuse:
    """Ends the process the nth time it is passed."""

    def __init__(self, nth: int) -> None:
        self.left = nth

    def burn(self) -> None:
        """Pass once."""
        self.left -= 1
        if not self.left:
            os._exit(DIED)

    def before(self, owner: Any, name: str) -> None:
        """Burn before each call of `owner.name`."""
        original = getattr(owner, name)

        def burning(*args: Any, **kwargs: Any) -> Any:
            self.burn()
            return original(*args, **kwargs)

        setattr(owner, name, burning)

    def behind(self, owner: Any, name: str) -> None:
        """Burn after each call of `owner.name`."""
        original = getattr(owner, name)

        def burning(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            self.burn()
            return result

        setattr(owner, name, burning)


def lay(place: str, nth: int) -> None:
    """Lay the fuse. The places stand in the order in which a step passes them."""
    from groups import queue
    from groups.engine.engine import Engine
    from groups.engine.writer import Writer
    from groups.services.ledger import Ledger
    from groups.services.subtasks import Batch
    from state import fanout

    fuse = Fuse(nth)
    match place:
        case "opened":
            fuse.behind(Batch, "open")
        case "claimed":
            fuse.behind(Batch, "apply")
        case "launched":
            fuse.behind(Engine, "launch")
        case "stored":
            fuse.behind(Ledger, "store")
        case "committed":
            fuse.before(fanout.hub(), "publish")
        case "published":
            fuse.behind(fanout.hub(), "publish")
        case "settled":
            fuse.behind(Engine, "settled")
        case "rung":
            fuse.before(queue, "_send")
        case "reported":
            fuse.behind(Writer, "submit")
        case "acting":
            fuse.before(Steady, "perform")
        case _:
            raise ValueError(place)


def work(run_id: str, place: str, nth: str) -> None:
    """Drive the run until it is over or the fuse has burnt."""
    from groups import queue
    from groups.agents import registry
    from groups.engine.engine import Engine
    from groups.execution.statuses import RUN_ENDED
    from groups.models import Run

    registry.KINDS["scripted"] = Steady
    queue._send = lambda name, **kwargs: False
    lay(place, int(nth))
    engine = Engine()
    engine.start()
    engine.drive([uuid.UUID(run_id)])
    until = time.monotonic() + 20
    while Run.objects.get(pk=run_id).status not in RUN_ENDED:
        assert time.monotonic() < until
        time.sleep(0.01)


def main() -> None:
    """Fork for every line; nothing but modules is loaded before, so a child is like a new process."""
    import django

    django.setup()
    import groups.engine.engine  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if not child:
            work(*line.split())
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
