"""One combination of a workload and a kind of fault, from its preparation to its findings."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from tests.soak import faults
from tests.soak.history import Header, Plan
from tests.soak.judging import findings
from tests.soak.processes import Site
from tests.soak.stage import Stage
from tests.soak.workloads import WORKLOADS

#: Seconds in which the clients have to come to an end.
ENDED: Final = 45.0
#: Findings that are told of one run; all are in its directory.
TOLD: Final = 20


class Result(msgspec.Struct, kw_only=True):
    """What a run came to."""

    name: str
    seed: int
    operations: int
    entries: int
    coverage: Counter[str]
    findings: list[str]


async def run(
    site: Site,
    folder: Path,
    name: str,
    seed: int,
    seconds: float,
    plan: Plan | None = None,
) -> Result:
    """Run `name` ("W5xkill-web") for so many seconds; its histories are kept in `folder`. `plan`: what is done when,
    instead of what the seed would have."""
    workload_name, _, kind = name.partition("x")
    workload = WORKLOADS[workload_name]()
    plan = plan if plan is not None else faults.schedule(kind, Random(f"{seed}/{name}"), seconds)
    config = {"seconds": seconds, "workload": workload_name, "faults": kind}
    header = Header(seed=seed, name=name, config=config, schedule=plan)
    stage = Stage(site, folder, header, seconds)
    try:
        await faults.heal(site)
        await stage.open()
        await workload.prepare(stage)
        clients = [stage.start(client) for client in workload.clients(stage)]
        bending = stage.start(faults.carry_out(stage, plan))
        await asyncio.sleep(seconds)
        await bending
        stage.over.set()
        await faults.heal(site)
        found = await _ended(clients)
        found += await findings(stage, workload)
    finally:
        await stage.close()
    (folder / "findings.txt").write_text("".join(f"{each}\n" for each in found))
    return Result(
        name=name,
        seed=seed,
        operations=len(stage.recorder.ops),
        entries=len(stage.entries),
        coverage=stage.coverage,
        findings=found,
    )


async def _ended(clients: list[asyncio.Task[None]]) -> list[str]:
    """Wait for them; which did not end, and what stopped those that failed."""
    done, waiting = await asyncio.wait(clients, timeout=ENDED)
    found = [f"a client did not end: {each.get_coro()}" for each in waiting]
    for each in done:
        error = each.exception()
        if error is not None:
            raise error
    return found
